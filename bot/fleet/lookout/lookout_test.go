package lookout_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/lookout"
	"domovoy/bot/vantage"
	"domovoy/checks"
)

// hub is a real NATS server with the fleet's streams.
type hub struct {
	*testing.T
	url   string
	js    jetstream.JetStream
	asker *lookout.Asker
	said  sync.Map // what was refused
}

func newHub(t *testing.T, patience time.Duration) *hub {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	h := &hub{T: t, url: s.ClientURL()}
	conn := h.connect()
	if h.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	if err := fleet.Prepare(t.Context(), h.js, 1); err != nil {
		t.Fatal(err)
	}
	again := time.Duration(0)
	if patience == time.Second {
		again = time.Millisecond
	}
	h.asker = &lookout.Asker{Conn: conn, Log: slog.New(slog.DiscardHandler), Patience: patience, Again: again, Refused: func(vantage, why string) { h.said.Store(vantage+" "+why, true) }}
	if err := h.asker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.asker.Close)
	return h
}

func (h *hub) connect() *nats.Conn {
	h.Helper()
	conn, err := nats.Connect(h.url)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(conn.Close)
	return conn
}

// worker takes the looks of a vantage point until stop is called.
func (h *hub) worker(w *lookout.Worker) (stop func()) {
	h.Helper()
	w.Conn, w.Log, w.Workers = h.connect(), slog.New(slog.DiscardHandler), 2
	ctx, cancel := context.WithCancel(h.Context())
	var ran sync.WaitGroup
	ran.Go(func() { _ = w.Run(ctx) })
	stop = func() { cancel(); ran.Wait() }
	h.Cleanup(stop)
	return stop
}

// isp1 is the panel of the sites.
func isp1() lookout.Panel {
	return lookout.Panel{Name: "isp1", Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.10")}, Account: "https://ca.example/acct/1", Roots: "-----BEGIN CERTIFICATE-----\n", Rootless: true}
}

// point waits until the vantage point is known to the bot.
func (h *hub) point(name string) vantage.Point {
	h.Helper()
	for {
		for _, p := range h.asker.Points(isp1()) {
			if p.At().Name == name {
				return p
			}
		}
		if h.Context().Err() != nil {
			h.Fatal("the bot does not know of", name)
		}
		runtime.Gosched()
	}
}

// meet has a vantage point known whose looks nobody takes.
func (h *hub) meet(name string) vantage.Point {
	h.Helper()
	if _, err := h.js.Publish(h.Context(), fleet.SightSubject(name, "_", "_"), []byte(`{"v":1,"network":"AS64500","country":"de"}`)); err != nil {
		h.Fatal(err)
	}
	return h.point(name)
}

// look is a look at a site whose orders fail.
func look(name string) vantage.Look {
	site := &checks.Site{Server: "isp1", Name: name, Owner: "client17", Aliases: []string{"www." + name}, Active: checks.On, Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.10")}}
	return vantage.Look{Subject: checks.Subject{Site: site, History: &checks.History{Failures: 3}}, Asked: true, Share: 3, Now: time.Now()}
}

// timedOut is a probe with every kind of argument.
func timedOut(site string) checks.Probe {
	at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	return checks.Probe{At: at, Checks: []string{checks.NamesCheck, checks.WayCheck}, Served: checks.Validity{NotBefore: at.AddDate(0, 0, -9), NotAfter: at.AddDate(0, 0, 81)}, Own: "ns1.example",
		Findings: []checks.Finding{{Check: checks.WayCheck, Server: "isp1", Site: site, Name: "www." + site, Code: checks.WebTimeout, Severity: checks.Warning, Detail: "-> 203.0.113.10", From: "fra1",
			Args: checks.Args{"port": 80, "pattern": "all", "placed": true, "until": at, "hops": []string{"a", "b"}}}},
		Failures: []checks.Failure{{Check: "served", Server: "isp1", Site: site, Err: "timeout", Seen: true}}}
}

// TestLook: a look goes to the vantage point as it is, and what it saw comes back
// as it is.
func TestLook(t *testing.T) {
	h := newHub(t, 20*time.Second)
	var got atomic.Value
	share := atomic.Int64{}
	h.worker(&lookout.Worker{At: checks.Vantage{Name: "fra1", Network: "AS64500", Country: "de"}, Share: func(n int) { share.Store(int64(n)) },
		Look: func(_ context.Context, p lookout.Panel, x checks.Subject, asked bool) checks.Probe {
			got.Store(fmt.Sprint(p, *x.Site, x.History.Failures, asked))
			return timedOut(x.Site.Name)
		}})
	l := look("shop.ru")
	seen, blind := h.point("fra1").Look(t.Context(), l)
	if at := h.point("fra1").At().String(); at != "fra1 (AS64500, de)" {
		t.Error("it is at", at)
	}
	if diff := cmp.Diff(timedOut("shop.ru"), seen); diff != "" || blind != checks.SightGood {
		t.Error(blind, diff)
	}
	if want := fmt.Sprint(isp1(), *l.Subject.Site, 3, true); got.Load() != want || share.Load() != 3 {
		t.Errorf("the look was %v of %d, want %s", got.Load(), share.Load(), want)
	}
	info, err := h.js.Stream(t.Context(), fleet.StreamLooks)
	if err != nil {
		t.Fatal(err)
	}
	for info.CachedInfo().State.Msgs > 0 { // the acknowledgement is on its way
		if _, err := info.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBlind: what a vantage point says while its own network does not work does not
// count.
func TestBlind(t *testing.T) {
	h := newHub(t, 20*time.Second)
	h.worker(&lookout.Worker{At: checks.Vantage{Name: "mow1"}, Online: func(context.Context) error { return errors.New("no network") },
		Look: func(context.Context, lookout.Panel, checks.Subject, bool) checks.Probe { panic("it looked") }})
	if seen, blind := h.point("mow1").Look(t.Context(), look("shop.ru")); blind != checks.BlindCanary || len(seen.Findings) > 0 {
		t.Errorf("without a network: %q %v", blind, seen.Findings)
	}
}

// TestGoesBlind: a vantage point whose network went away since its canary sang does not
// take that for the fault of the sites.
func TestGoesBlind(t *testing.T) {
	h := newHub(t, 20*time.Second)
	var away atomic.Bool
	h.worker(&lookout.Worker{At: checks.Vantage{Name: "mow1"},
		Online: func(context.Context) error {
			if away.Load() {
				return errors.New("no network")
			}
			return nil
		},
		Look: func(_ context.Context, _ lookout.Panel, x checks.Subject, _ bool) checks.Probe {
			p := timedOut(x.Site.Name)
			if x.Site.Name == "fine.ru" {
				p.Findings, p.Failures = nil, nil
			}
			return p
		}})
	p := h.point("mow1")
	for _, c := range []struct {
		away bool
		site string
		want checks.Blind
	}{
		{false, "shop.ru", checks.SightGood}, // that is the site
		{true, "fine.ru", checks.SightGood},  // it was reached
		{true, "shop.ru", checks.BlindCanary},
		{true, "fine.ru", checks.BlindCanary}, // that it is blind is known now
	} {
		away.Store(c.away)
		if seen, blind := p.Look(t.Context(), look(c.site)); blind != c.want || blind != checks.SightGood && len(seen.Findings) > 0 {
			t.Errorf("%s, without a network %v: %q, want %q", c.site, c.away, blind, c.want)
		}
	}
}

// TestDeadWorker: a look that a worker did not finish is taken by the next; one
// that nobody takes is "could not look", and the next looks do not wait.
func TestDeadWorker(t *testing.T) {
	h := newHub(t, 20*time.Second)
	taken := make(chan struct{})
	take := sync.OnceFunc(func() { close(taken) }) // it may come again before the worker is dead
	first := &lookout.Worker{At: checks.Vantage{Name: "fra1"}, Look: func(ctx context.Context, _ lookout.Panel, _ checks.Subject, _ bool) checks.Probe {
		take()
		<-ctx.Done()
		return checks.Probe{}
	}}
	stop := h.worker(first)
	p := h.point("fra1")
	answer := make(chan checks.Blind, 1)
	go func() { _, blind := p.Look(t.Context(), look("shop.ru")); answer <- blind }()
	<-taken
	if _, err := h.js.UpdateConsumer(t.Context(), fleet.StreamLooks, soon("fra1")); err != nil {
		t.Fatal(err)
	}
	first.Conn.Close() // killed in the middle of it: one that is stopped says so, and is not waited for
	stop()
	h.worker(&lookout.Worker{At: checks.Vantage{Name: "fra1"}, Look: func(_ context.Context, _ lookout.Panel, x checks.Subject, _ bool) checks.Probe {
		return timedOut(x.Site.Name)
	}})
	if blind := <-answer; blind != checks.SightGood {
		t.Errorf("after the first worker died: %q", blind)
	}
}

// TestSightIsKept: what was seen while the hub stores nothing is sent again; the vantage
// point does not look again.
func TestSightIsKept(t *testing.T) {
	h := newHub(t, 20*time.Second)
	stream, err := h.js.Stream(t.Context(), fleet.StreamSights)
	if err != nil {
		t.Fatal(err)
	}
	stores := func(subjects []string) {
		c := stream.CachedInfo().Config
		c.Subjects = subjects
		if _, err := h.js.UpdateStream(t.Context(), c); err != nil {
			t.Error(err)
		}
	}
	var looks atomic.Int32
	h.worker(&lookout.Worker{At: checks.Vantage{Name: "fra1"}, Look: func(_ context.Context, _ lookout.Panel, x checks.Subject, _ bool) checks.Probe {
		if looks.Add(1) == 1 {
			stores([]string{"elsewhere"})
		}
		return timedOut(x.Site.Name)
	}})
	sent, err := h.connect().SubscribeSync(fleet.SightSubject("fra1", "isp1", fleet.ID("shop.ru")))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if _, err := sent.NextMsgWithContext(t.Context()); err != nil {
			t.Error(err)
		}
		stores(stream.CachedInfo().Config.Subjects)
	}()
	if _, blind := h.point("fra1").Look(t.Context(), look("shop.ru")); blind != checks.SightGood || looks.Load() != 1 {
		t.Errorf("%q after %d looks", blind, looks.Load())
	}
}

// soon is the queue of a vantage point with a short wait for acknowledgements.
func soon(name string) jetstream.ConsumerConfig {
	c := fleet.LookConsumer(name)
	c.AckWait = time.Second
	return c
}

// TestNobodyLooks: a vantage point that says nothing could not look, and is not
// waited for again and again.
func TestNobodyLooks(t *testing.T) {
	h := newHub(t, 300*time.Millisecond)
	p := h.meet("gone")
	for range 50 {
		if _, blind := p.Look(t.Context(), look("shop.ru")); blind != checks.BlindSilent {
			t.Fatalf("nobody looked, and the answer is %q", blind)
		}
	}
	stream, err := h.js.Stream(t.Context(), fleet.StreamLooks)
	if err != nil {
		t.Fatal(err)
	}
	if asked := stream.CachedInfo().State.Msgs; asked != 1 {
		t.Errorf("it was asked %d times", asked)
	}
}

// TestQueueLost: a hub that lost the queue of a vantage point has it again.
func TestQueueLost(t *testing.T) {
	h := newHub(t, time.Second)
	h.worker(&lookout.Worker{At: checks.Vantage{Name: "fra1"}, Look: func(_ context.Context, _ lookout.Panel, x checks.Subject, _ bool) checks.Probe {
		return timedOut(x.Site.Name)
	}})
	p := h.point("fra1")
	sees := func() bool { _, blind := p.Look(t.Context(), look("shop.ru")); return blind == checks.SightGood }
	for !sees() && t.Context().Err() == nil { // until its worker knows the queue
		runtime.Gosched()
	}
	if err := h.js.DeleteConsumer(t.Context(), fleet.StreamLooks, "fra1"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !sees(); {
		if time.Now().After(deadline) {
			t.Fatal("nothing is seen any more")
		}
	}
}

// TestStopped: a vantage point that was stopped is not waited for, and looks again once
// it was started.
func TestStopped(t *testing.T) {
	h := newHub(t, time.Hour)
	here := func() *lookout.Worker {
		return &lookout.Worker{At: checks.Vantage{Name: "fra1"}, Look: func(_ context.Context, _ lookout.Panel, x checks.Subject, _ bool) checks.Probe {
			return timedOut(x.Site.Name)
		}}
	}
	stop := h.worker(here())
	p := h.point("fra1")
	for _, want := range []checks.Blind{checks.SightGood, checks.BlindSilent, checks.SightGood} {
		blind := checks.Blind("none")
		for blind != want && t.Context().Err() == nil { // what it says of itself is on its way
			_, blind = p.Look(t.Context(), look("shop.ru"))
		}
		if stop(); want == checks.BlindSilent {
			stop = h.worker(here())
		}
	}
}

// TestRefused: garbage, and a sight of another vantage point's look.
func TestRefused(t *testing.T) {
	h := newHub(t, 2*time.Second)
	looks, err := h.js.CreateOrUpdateConsumer(t.Context(), fleet.StreamLooks, fleet.LookConsumer("fra1"))
	if err != nil {
		t.Fatal(err)
	}
	h.meet("mow1")
	h.meet("gru1")
	p := h.meet("fra1")
	answer := make(chan checks.Blind, 1)
	go func() { _, blind := p.Look(t.Context(), look("shop.ru")); answer <- blind }()
	msg, err := looks.Next()
	if err != nil {
		t.Fatal(err)
	}
	sight := []byte(`{"v":1,"look":"` + field(string(msg.Data()), `"id":"`) + `","sent":"` + time.Now().Format(time.RFC3339Nano) + `"}`)
	for subject, data := range map[string][]byte{
		fleet.SightSubject("mow1", "isp1", fleet.ID("shop.ru")): sight,
		fleet.SightSubject("gru1", "isp1", fleet.ID("shop.ru")): []byte("garbage"),
		fleet.SightSubject("sin1", "isp1", fleet.ID("shop.ru")): []byte(`{"v":99,"look":"x"}`),
	} {
		if _, err := h.js.Publish(t.Context(), subject, data); err != nil {
			t.Fatal(err)
		}
	}
	if blind := <-answer; blind != checks.BlindSilent {
		t.Errorf("a foreign sight counts: %q", blind)
	}
	for _, want := range []string{"mow1 foreign", "gru1 garbage", " garbage"} {
		if _, said := h.said.Load(want); !said {
			t.Errorf("%s was not said", want)
		}
	}
}

// TestClock: a sight that was sent by a wrong clock does not count.
func TestClock(t *testing.T) {
	h := newHub(t, 20*time.Second)
	looks, err := h.js.CreateOrUpdateConsumer(t.Context(), fleet.StreamLooks, fleet.LookConsumer("fra1"))
	if err != nil {
		t.Fatal(err)
	}
	p := h.meet("fra1")
	answer := make(chan checks.Blind, 1)
	go func() { _, blind := p.Look(t.Context(), look("shop.ru")); answer <- blind }()
	msg, err := looks.Next()
	if err != nil {
		t.Fatal(err)
	}
	late := `{"v":1,"look":"` + field(string(msg.Data()), `"id":"`) + `","sent":"` + time.Now().Add(-2*time.Minute).Format(time.RFC3339Nano) + `"}`
	if _, err := h.js.Publish(t.Context(), fleet.SightSubject("fra1", "isp1", fleet.ID("shop.ru")), []byte(late)); err != nil {
		t.Fatal(err)
	}
	if blind := <-answer; blind != checks.BlindClock {
		t.Errorf("two minutes off, and the answer is %q", blind)
	}
}

// field is the text after a key up to the next quotation mark.
func field(data, key string) string {
	for i := range data {
		if i+len(key) < len(data) && data[i:i+len(key)] == key {
			for j := i + len(key); j < len(data); j++ {
				if data[j] == '"' {
					return data[i+len(key) : j]
				}
			}
		}
	}
	return ""
}

// TestNobodyAtTheQueue: who asks does not wait for a vantage point that was killed, and
// waits for one that is busy.
func TestNobodyAtTheQueue(t *testing.T) {
	h := newHub(t, time.Minute)
	h.asker.Close()
	h.asker = &lookout.Asker{Conn: h.connect(), Log: slog.New(slog.DiscardHandler), Seek: 20 * time.Millisecond}
	if err := h.asker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	busy, free := make(chan struct{}, 3), make(chan struct{})
	w := &lookout.Worker{At: checks.Vantage{Name: "fra1"}, Look: func(_ context.Context, _ lookout.Panel, x checks.Subject, _ bool) checks.Probe {
		if x.Site.Name != "first.ru" {
			busy <- struct{}{}
			<-free
		}
		return timedOut(x.Site.Name)
	}}
	stop := h.worker(w)
	p := h.point("fra1")
	first := look("first.ru") // it finds its queue
	first.Asked = false
	if _, blind := p.Look(t.Context(), first); blind != checks.SightGood {
		t.Fatal(blind)
	}
	var looks sync.WaitGroup
	for i := range 3 { // it has two workers
		looks.Go(func() {
			if _, blind := p.Look(t.Context(), look(fmt.Sprintf("s%d.ru", i))); blind != checks.SightGood {
				t.Errorf("while it is busy: %q", blind)
			}
		})
	}
	<-busy
	<-busy
	time.Sleep(20 * 20 * time.Millisecond) // long enough to be given up, if it were
	close(free)
	looks.Wait()
	for under := 1; under > 0; { // a look whose end the hub does not know yet may be under way
		queue, err := h.js.Consumer(t.Context(), fleet.StreamLooks, "fra1")
		if err != nil {
			t.Fatal(err)
		}
		under = queue.CachedInfo().NumAckPending
	}

	w.Conn.Close()
	stop()
	began := time.Now()
	if _, blind := p.Look(t.Context(), look("s4.ru")); blind != checks.BlindSilent {
		t.Errorf("after it was killed: %q", blind)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it was waited for, %v", took)
	}
	began = time.Now()
	if _, blind := p.Look(t.Context(), look("s5.ru")); blind != checks.BlindSilent || time.Since(began) > time.Second {
		t.Errorf("asked again: %q after %v", blind, time.Since(began))
	}
}
