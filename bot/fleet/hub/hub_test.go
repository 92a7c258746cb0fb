package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/trust"
	"domovoy/checks/pace"
)

// site is a running hub with its bot.
type site struct {
	folder string
	hub    *Hub
	log    *lines
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{folder: t.TempDir() + "/hub", log: &lines{}}
	if _, err := fleet.BotKey(s.folder); err != nil {
		t.Fatal(err)
	}
	s.start(t, "127.0.0.1:0", 0)
	t.Cleanup(func() { s.hub.Stop() })
	return s
}

func (s *site) start(t *testing.T, listen string, store int64) {
	t.Helper()
	var err error
	s.hub, err = Start(t.Context(), Config{Folder: s.folder, Listen: listen, Names: []string{"hub.example.com"}, MaxStore: store, Log: slog.New(slog.NewTextHandler(s.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
}

// says waits until the log of the hub has all these words: the server answers a client
// before it logs what it refused.
func (s *site) says(t *testing.T, words ...string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for _, word := range words {
		for !strings.Contains(s.log.String(), word) {
			if pace.Sleep(ctx, 5*time.Millisecond) != nil {
				t.Fatalf("the hub's log does not say %q: %s", word, s.log)
			}
		}
	}
}

// enrol lets an agent in.
func (s *site) enrol(t *testing.T, name string, panels ...string) fleet.Key {
	t.Helper()
	key := newKey(t)
	err := fleet.ChangeMembers(s.folder, func(m *fleet.Members) error {
		return m.Add(fleet.Member{Name: name, Key: key.Public(), Panels: panels, Since: time.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.reload(t)
	return key
}

func (s *site) remove(t *testing.T, name string) {
	t.Helper()
	if err := fleet.ChangeMembers(s.folder, func(m *fleet.Members) error { return m.Remove(name) }); err != nil {
		t.Fatal(err)
	}
	s.reload(t)
}

// reload asks as "fleet add" and "fleet remove" do.
func (s *site) reload(t *testing.T) {
	t.Helper()
	key, err := fleet.BotKey(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	c := s.dial(t, key, "bot")
	defer c.Close()
	c.await(t, nats.CONNECTED)
	answer, err := c.Request(fleet.UsersSubject, nil, 10*time.Second)
	if err != nil || len(answer.Data) > 0 {
		t.Fatal(answer, err)
	}
}

// client is a connection with what happened to it.
type client struct {
	*nats.Conn
	lost, failed chan error
}

func (s *site) dial(t *testing.T, key fleet.Key, name string) *client {
	t.Helper()
	ca, err := trust.CA(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	return dial(t, s.hub.Addr().String(), ca, key, name)
}

func dial(t *testing.T, addresses, ca string, key fleet.Key, name string) *client {
	t.Helper()
	c := &client{lost: make(chan error, 1000), failed: make(chan error, 1000)}
	var urls []string
	for one := range strings.SplitSeq(addresses, ",") {
		urls = append(urls, "tls://"+one)
	}
	n, err := fleet.Dial(fleet.Config{
		URLs: urls, Name: name, Key: key, CA: ca, Log: slog.New(slog.DiscardHandler), Wait: 100 * time.Millisecond,
		Lost: func(err error) { c.lost <- err }, Failed: func(err error) { c.failed <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Conn = n
	t.Cleanup(n.Close)
	return c
}

// await waits for a state of the connection.
func (c *client) await(t *testing.T, want nats.Status) {
	t.Helper()
	changed := c.StatusChanged(want)
	defer c.RemoveStatusListener(changed)
	if c.Status() == want {
		return
	}
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Fatalf("the connection is %v, want %v", c.Status(), want)
	}
}

// refused waits until the hub refused the connection for a reason.
func (c *client) refused(t *testing.T, reason string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	var heard []string
	for {
		select {
		case err := <-c.lost:
			heard = append(heard, err.Error())
			if strings.Contains(strings.ToLower(err.Error()), reason) {
				return
			}
		case <-deadline:
			t.Fatalf("not refused with %q, but: %q", reason, heard)
		}
	}
}

func (c *client) stream(t *testing.T) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func newKey(t *testing.T) fleet.Key {
	t.Helper()
	key, err := fleet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestForeignKey: who was not enrolled is refused and said.
func TestForeignKey(t *testing.T) {
	s := newSite(t)
	key := newKey(t)
	s.dial(t, key, "isp2").refused(t, "authorization violation")
	s.says(t, key.Public())
}

// TestRemovedAgent: a connected one is cut off, and may connect no more; when it is
// enrolled again it may, with its new key only.
func TestRemovedAgent(t *testing.T) {
	s := newSite(t)
	key := s.enrol(t, "isp2", "isp2")
	agent := s.dial(t, key, "isp2")
	agent.await(t, nats.CONNECTED)
	bystander := s.dial(t, s.enrol(t, "isp3", "isp3"), "isp3")
	bystander.await(t, nats.CONNECTED)
	s.remove(t, "isp2")
	agent.await(t, nats.RECONNECTING)
	agent.refused(t, "authorization violation")
	again := s.dial(t, s.enrol(t, "isp2", "isp2"), "isp2")
	again.await(t, nats.CONNECTED)
	s.dial(t, key, "isp2").refused(t, "authorization violation")
	select {
	case err := <-bystander.lost:
		t.Error("another agent was cut off:", err)
	default:
	}
}

// TestUsersFile: a change of the file that nobody told the hub of is noticed, too.
func TestUsersFile(t *testing.T) {
	s := newSite(t)
	key := newKey(t)
	agent := s.dial(t, key, "isp2")
	agent.refused(t, "authorization violation")
	err := fleet.ChangeMembers(s.folder, func(m *fleet.Members) error {
		return m.Add(fleet.Member{Name: "isp2", Key: key.Public()})
	})
	if err != nil {
		t.Fatal(err)
	}
	agent.await(t, nats.CONNECTED)
}

// TestAnotherPanel: a subject of another panel is refused, to publish and to hear.
func TestAnotherPanel(t *testing.T) {
	s := newSite(t)
	agent := s.dial(t, s.enrol(t, "isp2", "isp2"), "isp2")
	agent.await(t, nats.CONNECTED)
	if err := agent.Publish(fleet.StateSubject("isp3"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-agent.failed; !errors.Is(err, nats.ErrPermissionViolation) {
		t.Error(err)
	}
	if _, err := agent.SubscribeSync(fleet.TaskSubject("isp3")); err != nil {
		t.Fatal(err)
	}
	if err := <-agent.failed; !errors.Is(err, nats.ErrPermissionViolation) {
		t.Error(err)
	}
	if agent.Status() != nats.CONNECTED {
		t.Error("the connection is", agent.Status())
	}
	s.says(t, "Publish Violation", "Subscription Violation", fleet.StateSubject("isp3"), "times=1")
}

// TestLogOfRefusals: what is refused again and again is said once a minute, of whatever
// connection, with how often it was.
func TestLogOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said lines
		l := newLogger(slog.New(slog.NewTextHandler(&said, nil)))
		for n := range 130 { // two seconds each
			l.Errorf(fmt.Sprintf("192.0.2.1:%d - cid:%d - \"v1.55.0:go:isp2\" - \"$G/UABC%d\" - Publish Violation - %%s, Subject %%q", 1000+n, n, n), "isp2", "dv1.state.isp3")
			time.Sleep(2 * time.Second)
		}
		text := said.String()
		if strings.Count(text, "Publish Violation") != 5 || strings.Count(text, " times=30\n") != 4 || !strings.Contains(text, " times=1\n") {
			t.Error(text)
		}
	})
}

// TestRefusalsAreTold: the bots hear how often something was refused, and for which
// reason; an agent can neither hear nor say that.
func TestRefusalsAreTold(t *testing.T) {
	s := newSite(t)
	key, err := fleet.BotKey(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	bot := s.dial(t, key, "bot")
	bot.await(t, nats.CONNECTED)
	told := make(chan *nats.Msg, 100)
	if _, err := bot.ChanSubscribe(fleet.RefusalsSubject, told); err != nil {
		t.Fatal(err)
	}
	if err := bot.Flush(); err != nil {
		t.Fatal(err)
	}
	agent := s.dial(t, s.enrol(t, "isp2", "isp2"), "isp2")
	agent.await(t, nats.CONNECTED)
	for range 3 {
		if err := agent.Publish(fleet.StateSubject("isp3"), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := agent.Publish(fleet.RefusalsSubject, []byte(`{"key":1000}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.SubscribeSync(fleet.RefusalsSubject); err != nil {
		t.Fatal(err)
	}
	if err := agent.Flush(); err != nil {
		t.Fatal(err)
	}
	unknown := s.dial(t, newKey(t), "isp4")
	unknown.refused(t, "authorization violation")
	unknown.Close()
	sum := fleet.Refusals{}
	for sum[fleet.RefusedKey] == 0 || sum[fleet.RefusedRights] < 5 {
		select {
		case m := <-told:
			counts, err := fleet.DecodeRefusals(m.Data)
			if err != nil {
				t.Fatal(err)
			}
			for why, n := range counts {
				sum[why] += n
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("the bots were told of %v", sum)
		}
	}
	if sum[fleet.RefusedRights] != 5 || sum[fleet.RefusedKey] >= 1000 {
		t.Errorf("the bots were told of %v", sum)
	}
}

// TestTooLarge: a message above the limit is refused, and the largest one taken.
func TestTooLarge(t *testing.T) {
	s := newSite(t)
	agent := s.dial(t, s.enrol(t, "isp2", "isp2"), "isp2")
	agent.await(t, nats.CONNECTED)
	s.prepare(t)
	js := agent.stream(t)
	if _, err := js.Publish(t.Context(), fleet.LogSubject("isp2"), make([]byte, fleet.MaxRecord)); err != nil {
		t.Error(err)
	}
	if _, err := js.Publish(t.Context(), fleet.LogSubject("isp2"), make([]byte, fleet.MaxRecord+1)); err == nil {
		t.Error("a record above the limit was taken")
	}
	if err := agent.Publish(fleet.LogSubject("isp2"), make([]byte, 1<<20)); !errors.Is(err, nats.ErrMaxPayload) {
		t.Error(err)
	}
}

func (s *site) prepare(t *testing.T) jetstream.JetStream {
	t.Helper()
	key, err := fleet.BotKey(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	c := s.dial(t, key, "bot")
	c.await(t, nats.CONNECTED)
	js := c.stream(t)
	if err := fleet.Prepare(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	return js
}

// TestWrongCA: an agent does not speak with a hub of another CA.
func TestWrongCA(t *testing.T) {
	s, other := newSite(t), t.TempDir()+"/hub"
	ca, err := trust.CA(other)
	if err != nil {
		t.Fatal(err)
	}
	dial(t, s.hub.Addr().String(), ca, s.enrol(t, "isp2", "isp2"), "isp2").refused(t, "certificate signed by unknown authority")
}

// TestRestart: a hub that is started again has its streams, and agents come back by
// themselves.
func TestRestart(t *testing.T) {
	s := newSite(t)
	agent := s.dial(t, s.enrol(t, "isp2", "isp2"), "isp2")
	agent.await(t, nats.CONNECTED)
	s.prepare(t)
	if _, err := agent.stream(t).Publish(t.Context(), fleet.StateSubject("isp2"), []byte("seen")); err != nil {
		t.Fatal(err)
	}
	address := s.hub.Addr().String()
	s.hub.Stop()
	agent.await(t, nats.RECONNECTING)
	s.start(t, address, 0)
	agent.await(t, nats.CONNECTED)
	js := s.prepare(t)
	facts, err := js.Stream(t.Context(), fleet.StreamFacts)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := facts.GetLastMsgForSubject(t.Context(), fleet.StateSubject("isp2")); err != nil || string(m.Data) != "seen" {
		t.Error(m, err)
	}
}

// TestFull: a hub that is full says so to the agent that publishes, and goes on.
func TestFull(t *testing.T) {
	s := newSite(t)
	s.hub.Stop()
	s.start(t, "127.0.0.1:0", 2<<20)
	agent := s.dial(t, s.enrol(t, "isp2", "isp2"), "isp2")
	agent.await(t, nats.CONNECTED)
	js := s.prepare(t)
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		_, err = agent.stream(t).Publish(t.Context(), fleet.LogSubject("isp2"), make([]byte, 100<<10))
	}
	failed, ok := errors.AsType[*jetstream.APIError](err)
	if !ok || !fleet.IsFull(err) {
		t.Errorf("the hub says %v (%v)", err, failed)
	}
	logs, err := js.Stream(t.Context(), fleet.StreamLog)
	if err != nil {
		t.Fatal(err)
	}
	if err := logs.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.stream(t).Publish(t.Context(), fleet.LogSubject("isp2"), []byte("again")); err != nil {
		t.Error(err)
	}
}

// TestPortTaken: the error says so.
func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Start(t.Context(), Config{Folder: t.TempDir(), Listen: l.Addr().String(), Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, ErrPort) {
		t.Error(err)
	}
}

// TestTooManyConnections: one key cannot take all connections.
func TestTooManyConnections(t *testing.T) {
	s := newSite(t)
	key := s.enrol(t, "isp2", "isp2")
	for range maxPerUser {
		s.dial(t, key, "isp2").await(t, nats.CONNECTED)
	}
	s.dial(t, key, "isp2").refused(t, "authorization violation")
	s.dial(t, s.enrol(t, "isp3", "isp3"), "isp3").await(t, nats.CONNECTED)
}

// publishAll publishes records and returns those that were acknowledged.
func publishAll(ctx context.Context, js jetstream.JetStream, n int, tick func(i int)) map[string]bool {
	acked := map[string]bool{}
	for i := range n {
		tick(i)
		subject := fleet.Fact{Panel: "isp2", Kind: fleet.KindSite, ID: fleet.ID(fmt.Sprint("site", i))}.Subject()
		for ctx.Err() == nil {
			short, end := context.WithTimeout(ctx, 2*time.Second)
			_, err := js.Publish(short, subject, []byte("seen"))
			end()
			if err == nil {
				acked[subject] = true
				break
			}
		}
	}
	return acked
}
