package hub

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/lease"
	"domovoy/bot/fleet/lookout"
	"domovoy/bot/fleet/trust"
	"domovoy/bot/vantage"
	"domovoy/checks"
	"domovoy/checks/lab"
	"domovoy/checks/pace"
)

// three is a cluster of three servers with what "fleet add" printed in their
// configuration, and a bot at it.
type three struct {
	servers  []*server.Server
	urls, ca string
	key      fleet.Key // the bot's
	bot      *client
	js       jetstream.JetStream // the bot's
}

// newThree starts a cluster that knows these agents and has the streams of a fleet.
func newThree(ctx context.Context, t *testing.T, agents ...fleet.Member) *three {
	t.Helper()
	folder, bot := ownFolder(t, t.TempDir()+"/own"), newKey(t)
	ca, err := trust.CA(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Certificate(folder, []string{"127.0.0.1"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	servers, addresses := cluster(t, filepath.Join(folder, "hub.pem"), fleet.ServerUsers(fleet.Members{Bots: []string{bot.Public()}, Agents: agents}))
	c := &three{servers: servers, urls: strings.Join(addresses, ","), ca: ca, key: bot}
	c.bot = c.dial(t, bot, "bot")
	c.js = c.bot.stream(t)
	for err = fleet.Prepare(ctx, c.js, 3); err != nil && ctx.Err() == nil; err = fleet.Prepare(ctx, c.js, 3) {
		t.Log("not yet:", err) // the cluster elects its leader
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// dial connects somebody to the cluster.
func (c *three) dial(t *testing.T, key fleet.Key, name string) *client {
	t.Helper()
	n := dial(t, c.urls, c.ca, key, name)
	n.await(t, nats.CONNECTED)
	return n
}

// stream is one of the fleet's; leader is the server that leads it.
func (c *three) stream(ctx context.Context, t *testing.T, name string) (s jetstream.Stream, leader *server.Server) {
	t.Helper()
	s, err := c.js.Stream(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.CachedInfo().Config.Replicas; got != 3 {
		t.Errorf("the stream %s has %d replicas", name, got)
	}
	at := slices.IndexFunc(c.servers, func(one *server.Server) bool { return one.Name() == s.CachedInfo().Cluster.Leader })
	if at < 0 {
		t.Fatalf("nobody leads the stream %s", name)
	}
	return s, c.servers[at]
}

// TestCluster: one of three servers is killed while facts are published: each fact that
// was acknowledged is there.
func TestCluster(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 90*time.Second)
	defer stop()
	key := newKey(t)
	c := newThree(ctx, t, fleet.Member{Name: "isp2", Key: key.Public(), Panels: []string{"isp2"}})
	facts, leader := c.stream(ctx, t, fleet.StreamFacts)
	const many = 500
	acked := publishAll(ctx, c.dial(t, key, "isp2").stream(t), many, func(i int) {
		if i == many/3 {
			leader.Shutdown() // without handing over: lame duck mode would
		}
	})
	if len(acked) != many {
		t.Fatalf("%d of %d were acknowledged", len(acked), many)
	}
	for subject := range acked {
		if _, err := facts.GetLastMsgForSubject(ctx, subject); err != nil {
			t.Errorf("%s: %v", subject, err)
		}
	}
}

// TestClusterInASweep: one of three servers, that of the queue of looks, is killed while
// three vantage points look at sites. Each look is answered, if not the first time it is
// asked for, which is said then; no look is taken for another.
func TestClusterInASweep(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	names := []string{"ash1", "fra1", "mow1"}
	keys, members := map[string]fleet.Key{}, []fleet.Member(nil)
	for _, name := range names {
		keys[name] = newKey(t)
		members = append(members, fleet.Member{Name: name, Key: keys[name].Public()})
	}
	c := newThree(ctx, t, members...)
	var said lines
	defer func() {
		if t.Failed() {
			t.Logf("the bot said:\n%s", &said)
		}
	}()
	asker := &lookout.Asker{Conn: c.bot.Conn, Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})), Patience: time.Minute, Again: time.Millisecond}
	if err := asker.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	working, rest := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer rest()
	for _, name := range names {
		w := &lookout.Worker{At: checks.Vantage{Name: name}, Conn: c.dial(t, keys[name], name).Conn, Log: slog.New(slog.DiscardHandler), Workers: 4,
			Look: func(_ context.Context, _ lookout.Panel, x checks.Subject, _ bool) checks.Probe {
				return checks.Probe{At: time.Now(), Checks: []string{checks.WayCheck},
					Findings: []checks.Finding{{Check: checks.WayCheck, Server: x.Site.Server, Site: x.Site.Name, Name: x.Site.Name, Code: checks.WebTimeout, Severity: checks.Warning}}}
			}}
		workers.Go(func() { _ = w.Run(working) })
	}
	var points []vantage.Point
	for len(points) < len(names) {
		if ctx.Err() != nil {
			t.Fatalf("of the vantage points the bot knows %d", len(points))
		}
		points = asker.Points(lookout.Panel{Name: "isp1"})
		runtime.Gosched()
	}
	_, leader := c.stream(ctx, t, fleet.StreamLooks)
	const sites, together = 120, 8
	look := func(point vantage.Point, site string) checks.Blind {
		seen, blind := point.Look(ctx, vantage.Look{Subject: checks.Subject{Site: &checks.Site{Server: "isp1", Name: site}}, Share: 1 + len(points), Now: time.Now()})
		if blind == checks.SightGood && (len(seen.Findings) != 1 || seen.Findings[0].Site != site) {
			t.Errorf("%s at %s: saw %v", site, point.At(), seen.Findings)
		}
		return blind
	}
	for _, point := range points { // which makes its queue
		for look(point, "before.ru") != checks.SightGood && ctx.Err() == nil {
			runtime.Gosched()
		}
		queue := fleet.LookConsumer(point.At().Name)
		queue.AckWait = 5 * time.Second // what was given to a worker over a connection that died is given again after that
		if _, err := c.js.UpdateConsumer(ctx, fleet.StreamLooks, queue); err != nil {
			t.Fatal(err)
		}
	}
	var sweep sync.WaitGroup
	var done, silent atomic.Int64
	kill := sync.OnceFunc(leader.Shutdown)
	todo := make(chan string)
	for range together {
		sweep.Go(func() {
			for site := range todo {
				for _, point := range points {
					for blind := look(point, site); blind != checks.SightGood; blind = look(point, site) {
						if silent.Add(1); blind != checks.BlindSilent || ctx.Err() != nil {
							t.Errorf("%s at %s: %q", site, point.At(), blind)
							break
						}
						_ = pace.Sleep(ctx, 10*time.Millisecond) // or the end
					}
				}
				if done.Add(1) == sites/3 {
					kill()
				}
			}
		})
	}
	for i := range sites {
		todo <- fmt.Sprintf("site%03d.ru", i)
	}
	close(todo)
	sweep.Wait()
	t.Logf("%d looks, of which %d were asked for again", sites*len(names), silent.Load())
	for _, point := range points {
		if blind := look(point, "after.ru"); blind != checks.SightGood {
			t.Errorf("with two servers left %s is %q", point.At(), blind)
		}
	}
}

// TestPairAtACluster: one of three servers, that of the lease, is killed while a bot has the
// lease and another waits for it. The first goes on to speak, and the other does not.
func TestPairAtACluster(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 90*time.Second)
	defer stop()
	c := newThree(ctx, t)
	var said lines
	defer func() {
		if t.Failed() {
			t.Logf("the bots said:\n%s", &said)
		}
	}()
	bot := func(name string) *lease.Lease {
		l, err := lease.New(lease.Config{Conn: c.dial(t, c.key, name).Conn, Host: name, Notes: filepath.Join(t.TempDir(), "note.json"), Log: slog.New(slog.NewTextHandler(&said, nil)).With("bot", name)})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	turn, err := bot("bot1").Take(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = turn.Leave() }()
	revision := func() uint64 { // 0: the cluster does not answer now
		bounded, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		bucket, err := c.js.KeyValue(bounded, fleet.BucketLease)
		if err != nil {
			return 0
		}
		entry, err := bucket.Get(bounded, "speaker")
		if err != nil {
			return 0
		}
		return entry.Revision()
	}
	before := revision()
	waiting, enough := context.WithCancel(ctx)
	var second sync.WaitGroup
	second.Go(func() {
		if other, err := bot("bot2").Take(waiting, nil); err == nil {
			t.Error("the other took the lease of one that speaks")
			_ = other.Leave()
		}
	})
	_, leader := c.stream(ctx, t, "KV_"+fleet.BucketLease)
	leader.Shutdown()
	for renewals := 0; renewals < 2; {
		switch now := revision(); {
		case ctx.Err() != nil:
			t.Fatal("the lease is not renewed with two servers left")
		case now > before && before > 0:
			renewals, before = renewals+1, now
		}
		_ = pace.Sleep(ctx, 20*time.Millisecond) // or the end
	}
	enough()
	second.Wait()
	select {
	case <-turn.Over():
		t.Error("the bot was told to be silent")
	default:
	}
	if !turn.Speaks() || !turn.Sure() {
		t.Errorf("speaks %v, sure %v", turn.Speaks(), turn.Sure())
	}
}

// ownFolder makes a hub's folder.
func ownFolder(t *testing.T, folder string) string {
	t.Helper()
	unlock, err := fleet.Lock(folder)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	return folder
}

// cluster starts three servers from their configuration files.
func cluster(t *testing.T, certificate, users string) (servers []*server.Server, addresses []string) {
	t.Helper()
	for range 5 { // another process may take a port before its server does
		if servers, addresses = tryCluster(t, certificate, users); servers != nil {
			return servers, addresses
		}
	}
	t.Fatal("the servers do not start")
	return nil, nil
}

// tryCluster is cluster; nil: a server did not start.
func tryCluster(t *testing.T, certificate, users string) (servers []*server.Server, addresses []string) {
	t.Helper()
	var routes []string
	for range 3 {
		routes = append(routes, freePort(t))
	}
	for i, route := range routes {
		folder := t.TempDir()
		text := fmt.Sprintf("server_name: n%d\nlisten: 127.0.0.1:-1\ntls { cert_file: %q, key_file: %q, min_version: \"1.3\" }\njetstream { store_dir: %q, max_file: 1GB }\ncluster { name: c, listen: %q, routes: [\"nats://%s\"] }\n",
			i, certificate, certificate, folder, route, strings.Join(routes, `", "nats://`)) + users
		file := filepath.Join(folder, "nats.conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		options, err := server.ProcessConfigFile(file)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		options.NoSigs, options.NoLog = true, true
		s, err := server.NewServer(options)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		servers = append(servers, s)
	}
	for _, s := range servers {
		if !s.ReadyForConnections(10 * time.Second) {
			for _, one := range servers {
				one.Shutdown()
			}
			return nil, nil
		}
		addresses = append(addresses, s.Addr().String())
	}
	return servers, addresses
}

// freePort is an address that the servers of a cluster must know of each other before
// they start.
func freePort(t *testing.T) string {
	t.Helper()
	address, err := lab.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}
