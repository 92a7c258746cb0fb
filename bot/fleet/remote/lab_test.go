package remote_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/agent"
	"domovoy/bot/fleet/remote"
	"domovoy/reports/journal"
)

// hub is a NATS server on loopback that can be killed and started again with its
// folder and port, or with an empty folder.
type hub struct {
	testing.TB
	folder string
	port   int
	server *server.Server
}

func newHub(t testing.TB) *hub {
	t.Helper()
	h := &hub{TB: t, folder: t.TempDir(), port: server.RANDOM_PORT}
	h.start()
	t.Cleanup(h.kill)
	return h
}

func (h *hub) start() {
	h.Helper()
	h.serve()
	h.prepare()
}

// serve starts the server, which may have no streams yet.
func (h *hub) serve() {
	h.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: h.port, JetStream: true, StoreDir: h.folder, NoSigs: true, NoLog: true})
	h.must(err)
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		h.Fatal("the hub does not start")
	}
	h.server = s
	h.port = s.Addr().(*net.TCPAddr).Port
}

// prepare makes the streams.
func (h *hub) prepare() {
	h.Helper()
	js, err := jetstream.New(h.dial())
	h.must(err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	h.must(fleet.Prepare(ctx, js, 1))
}

func (h *hub) kill() {
	h.server.Shutdown()
	h.server.WaitForShutdown()
}

func (h *hub) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// dial connects as Dial does.
func (h *hub) dial() *nats.Conn {
	h.Helper()
	c, err := nats.Connect(h.server.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1), nats.ReconnectWait(20*time.Millisecond), nats.NoEcho())
	h.must(err)
	h.Cleanup(c.Close)
	return c
}

// agent opens an agent with its file in a folder.
func (h *hub) agent(folder string, panels ...agent.Panel) (*agent.Agent, *agent.Store) {
	h.Helper()
	store, err := agent.OpenStore(context.Background(), filepath.Join(folder, "agent.db"))
	h.must(err)
	for i := range panels {
		if panels[i].Zone == nil {
			panels[i].Zone = time.UTC
		}
	}
	a, err := agent.New(context.Background(), agent.Config{Name: "a1", Version: "1", Panels: panels, Store: store, Conn: h.dial(), Log: slog.New(slog.DiscardHandler)})
	h.must(err)
	return a, store
}

// fleet opens the bot's side.
func (h *hub) fleet(places remote.Places) *remote.Fleet {
	h.Helper()
	return h.open(remote.Config{Places: places, Log: slog.New(slog.DiscardHandler)})
}

// open opens the bot's side of a connection of its own.
func (h *hub) open(c remote.Config) *remote.Fleet {
	h.Helper()
	c.Conn = h.dial()
	f, err := remote.Open(context.Background(), c)
	h.must(err)
	h.Cleanup(f.Close)
	return f
}

// places are in memory.
type places struct {
	sync.Mutex
	at map[string]journal.LogPlace
}

func (*places) FleetPanels(context.Context) ([]journal.FleetPanel, error) { return nil, nil }

func (*places) KeepReading(context.Context, string, int64) error { return nil }

func (p *places) LogPlace(_ context.Context, panel string) (journal.LogPlace, error) {
	p.Lock()
	defer p.Unlock()
	return p.at[panel], nil
}

func (p *places) KeepLogPlace(_ context.Context, panel string, at journal.LogPlace) error {
	p.Lock()
	defer p.Unlock()
	if p.at == nil {
		p.at = map[string]journal.LogPlace{}
	}
	p.at[panel] = at
	return nil
}
