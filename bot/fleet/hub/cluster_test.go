package hub

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/lookout"
	"domovoy/bot/fleet/trust"
	"domovoy/bot/vantage"
	"domovoy/checks"
	"domovoy/checks/pace"
)

// TestCluster: three servers with what "fleet add" printed in their configuration. One
// is killed while facts are published: each fact that was acknowledged is there.
func TestCluster(t *testing.T) {
	folder := t.TempDir() + "/own"
	bot, agent := newKey(t), newKey(t)
	members := fleet.Members{Bots: []string{bot.Public()}, Agents: []fleet.Member{{Name: "isp2", Key: agent.Public(), Panels: []string{"isp2"}}}}
	ca, err := trust.CA(ownFolder(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Certificate(folder, []string{"127.0.0.1"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	servers, addresses := cluster(t, filepath.Join(folder, "hub.pem"), fleet.ServerUsers(members))
	urls := strings.Join(addresses, ",")

	b := dial(t, urls, ca, bot, "bot")
	b.await(t, nats.CONNECTED)
	js := b.stream(t)
	ctx, stop := context.WithTimeout(t.Context(), 90*time.Second)
	defer stop()
	for err = fleet.Prepare(ctx, js, 3); err != nil && ctx.Err() == nil; err = fleet.Prepare(ctx, js, 3) {
		t.Log("not yet:", err) // the cluster elects its leader
	}
	if err != nil {
		t.Fatal(err)
	}
	facts, err := js.Stream(ctx, fleet.StreamFacts)
	if err != nil {
		t.Fatal(err)
	}
	if got := facts.CachedInfo().Config.Replicas; got != 3 {
		t.Errorf("the stream has %d replicas", got)
	}
	leader := facts.CachedInfo().Cluster.Leader
	a := dial(t, urls, ca, agent, "isp2")
	a.await(t, nats.CONNECTED)
	const many = 500
	acked := publishAll(ctx, a.stream(t), many, func(i int) {
		if i != many/3 {
			return
		}
		for _, s := range servers {
			if s.Name() == leader {
				s.Shutdown() // without handing over: lame duck mode would
			}
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
		if !s.ReadyForConnections(20 * time.Second) {
			t.Fatal("a server does not start")
		}
		addresses = append(addresses, s.Addr().String())
	}
	return servers, addresses
}

// freePort is an address that the servers of a cluster must know of each other before
// they start.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestClusterInASweep: one of three servers, the one that leads the queue of looks, is
// killed while two vantage points look at 120 sites: every look is answered, or could not
// be taken and is answered when it is asked for again.
func TestClusterInASweep(t *testing.T) {
	folder := t.TempDir() + "/own"
	bot := newKey(t)
	members := fleet.Members{Bots: []string{bot.Public()}}
	keys := map[string]fleet.Key{"fra1": newKey(t), "mow1": newKey(t)}
	for name, key := range keys {
		members.Agents = append(members.Agents, fleet.Member{Name: name, Key: key.Public()})
	}
	ca, err := trust.CA(ownFolder(t, folder))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Certificate(folder, []string{"127.0.0.1"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	servers, addresses := cluster(t, filepath.Join(folder, "hub.pem"), fleet.ServerUsers(members))
	urls := strings.Join(addresses, ",")
	b := dial(t, urls, ca, bot, "bot")
	b.await(t, nats.CONNECTED)
	js := b.stream(t)
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	for err = fleet.Prepare(ctx, js, 3); err != nil && ctx.Err() == nil; err = fleet.Prepare(ctx, js, 3) {
		t.Log("not yet:", err) // the cluster elects its leader
	}
	if err != nil {
		t.Fatal(err)
	}
	asker := &lookout.Asker{Conn: b.Conn, Log: slog.New(slog.DiscardHandler), Patience: 20 * time.Second, Again: time.Millisecond}
	if err := asker.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	var working sync.WaitGroup
	defer working.Wait()
	running, end := context.WithCancel(ctx)
	defer end()
	for name, key := range keys {
		n := dial(t, urls, ca, key, name)
		w := &lookout.Worker{At: checks.Vantage{Name: name}, Conn: n.Conn, Log: slog.New(slog.DiscardHandler), Workers: 4,
			Look: func(ctx context.Context, _ lookout.Panel, x checks.Subject, _ bool) checks.Probe {
				_ = pace.Sleep(ctx, 20*time.Millisecond) // so that looks are under way when the server dies
				return checks.Probe{Own: x.Site.Name}
			}}
		working.Go(func() { _ = w.Run(running) })
	}
	var points []vantage.Point
	for len(points) < 2 && ctx.Err() == nil {
		points = asker.Points(lookout.Panel{Name: "isp1"})
		_ = pace.Sleep(ctx, 10*time.Millisecond)
	}
	looks, err := js.Stream(ctx, fleet.StreamLooks)
	if err != nil {
		t.Fatal(err)
	}
	leader := looks.CachedInfo().Cluster.Leader

	type ask struct {
		point vantage.Point
		site  string
	}
	const sites = 120
	var left []ask
	for n := range sites {
		for _, p := range points {
			left = append(left, ask{p, fmt.Sprintf("site%d.ru", n)})
		}
	}
	var answered atomic.Int64
	killed := sync.OnceFunc(func() {
		for _, s := range servers {
			if s.Name() == leader {
				s.Shutdown()
			}
		}
	})
	for round := 1; len(left) > 0; round++ {
		if round > 5 {
			t.Fatalf("%d looks are not answered in five sweeps", len(left))
		}
		var mu sync.Mutex
		var again []ask
		var all sync.WaitGroup
		turns := make(chan struct{}, 16)
		for _, x := range left {
			turns <- struct{}{}
			all.Go(func() {
				defer func() { <-turns }()
				if answered.Load() >= sites/2 {
					killed()
				}
				seen, blind := x.point.Look(ctx, vantage.Look{Subject: checks.Subject{Site: &checks.Site{Server: "isp1", Name: x.site}}, Share: 3, Now: time.Now()})
				switch {
				case blind == checks.SightGood && seen.Own == x.site:
					answered.Add(1)
				case blind == checks.BlindSilent:
					mu.Lock()
					again = append(again, x)
					mu.Unlock()
				default:
					t.Errorf("%s from %s: %q %q", x.site, x.point.At(), blind, seen.Own)
				}
			})
		}
		all.Wait()
		t.Logf("sweep %d: %d of %d looks could not be taken", round, len(again), len(left))
		left = again
	}
	if answered.Load() != 2*sites {
		t.Errorf("%d looks were answered", answered.Load())
	}
	if s := servers[slices.IndexFunc(servers, func(s *server.Server) bool { return s.Name() == leader })]; s.Running() {
		t.Error("no server was killed")
	}
}
