package hub

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/trust"
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
