package remote_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/engine/enginetest"
	"domovoy/bot/fleet"
	"domovoy/bot/fleet/agent"
	"domovoy/bot/fleet/remote"
	"domovoy/bot/watch"
	"domovoy/checks"
)

// eventually polls until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("it never happened: %s", what)
		}
	}
}

// facts are what both readings of a panel must give alike.
func facts(s checks.Snapshot) any {
	return []any{s.Server, s.Sites, s.Certificates, s.Addresses, s.Nodes, s.Options, s.NodesBy, s.Missing, s.Unreadable, s.UnreadableN, s.Rows, s.Writes}
}

func attempts(t testing.TB, r watch.Reader) (all []checks.Attempt) {
	t.Helper()
	if err := r.Attempts(t.Context(), 0, func(batch []checks.Attempt) error {
		all = append(all, batch...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// filled is a panel with some sites, certificates and attempts.
func filled() *enginetest.Panel {
	var sites []checks.Site
	for n := range 30 {
		sites = append(sites, checks.Site{Name: fmt.Sprintf("site%d.ru", n), Owner: "client1", Aliases: []string{fmt.Sprintf("www.site%d.ru", n)}, Certificate: fmt.Sprintf("site%d.ru_le1", n)})
	}
	p := enginetest.NewPanel(sites...)
	p.Change(func(s *checks.Snapshot) {
		for n := range 30 {
			s.Certificates = append(s.Certificates, checks.Certificate{Server: "isp1", ID: int64(n + 1), Name: fmt.Sprintf("site%d.ru_le1", n), Started: time.Date(2026, 11, 1, 0, 0, n, 0, time.UTC)})
		}
		s.Missing = []checks.Missing{{Table: "node"}}
		s.Rows = map[string]int{"webdomain": 30}
	})
	for n := range 10 {
		p.Log(checks.Attempt{Server: "isp1", Certificate: fmt.Sprintf("site%d.ru_le1", n), Outcome: checks.OutcomeFailed, Status: "failed", Time: time.Now().Add(-time.Hour).Truncate(time.Millisecond).UTC(), Text: "no <valid> A records"})
	}
	return p
}

// A panel behind an agent is the same panel.
func TestSamePanel(t *testing.T) {
	h, panel := newHub(t), filled()
	a, store := h.agent(t.TempDir(), agent.Panel{Name: "isp1", Reader: panel})
	defer store.Close()
	f := h.fleet(&places{})
	far := f.Panel("isp1")
	if _, _, err := far.Poll(t.Context()); why(err) != "noagent" {
		t.Errorf("before its agent said anything: %v", err)
	}
	h.must(a.Read(t.Context(), time.Now()))
	check := func() {
		t.Helper()
		near, _, _ := panel.Poll(t.Context())
		eventually(t, "the bot has what the panel has", func() bool {
			s, _, err := far.Poll(t.Context())
			return err == nil && reflect.DeepEqual(facts(s), facts(near))
		})
		if is, want := attempts(t, far), attempts(t, panel); !reflect.DeepEqual(is, want) {
			t.Errorf("attempts:\n%v\nand not\n%v", is, want)
		}
		newest, _ := panel.Newest(t.Context())
		if is, _ := far.Newest(t.Context()); is != newest {
			t.Errorf("the log's newest row is %d and not %d", is, newest)
		}
	}
	check()
	panel.Change(func(s *checks.Snapshot) {
		s.Sites = append([]checks.Site(nil), s.Sites[:29]...)
		s.Sites[3].Redirect = checks.On
		s.UnreadableN, s.Unreadable = 1, []checks.Unreadable{{Table: "webdomain", Row: 7, Column: "name", Value: "?"}}
	})
	panel.Log(checks.Attempt{Server: "isp1", Certificate: "site3.ru_le1", Outcome: checks.OutcomeIssued, Status: "ok", Time: time.Now().Truncate(time.Millisecond).UTC()})
	h.must(a.Read(t.Context(), time.Now()))
	check()
}

func why(err error) string {
	if u, ok := errors.AsType[watch.Unreadable](err); ok {
		return u.Why()
	}
	return ""
}

// The hub loses its folder: everything is sent again. The bot is back before the streams
// are, and does not take long to notice that they are other ones.
func TestHubBeginsAgain(t *testing.T) {
	h, panel := newHub(t), filled()
	a, store := h.agent(t.TempDir(), agent.Panel{Name: "isp1", Reader: panel})
	defer store.Close()
	h.must(a.Read(t.Context(), time.Now()))
	far := h.fleet(&places{}).Panel("isp1")
	eventually(t, "the bot has the panel", func() bool { _, _, err := far.Poll(t.Context()); return err == nil })
	h.kill()
	panel.Change(func(s *checks.Snapshot) { s.Sites = s.Sites[:5:5] })
	panel.Log(checks.Attempt{Server: "isp1", Certificate: "late", Status: "failed", Outcome: checks.OutcomeFailed, Time: time.Now().Truncate(time.Millisecond).UTC()})
	if err := a.Read(t.Context(), time.Now()); err == nil {
		t.Error("without a hub it sent something")
	}
	h.folder = t.TempDir()
	h.serve()
	asked, err := h.dial().SubscribeSync("$JS.API.STREAM.INFO." + fleet.StreamFacts)
	h.must(err)
	if _, err := asked.NextMsg(20 * time.Second); err != nil {
		t.Fatal("the bot does not ask for the facts:", err)
	}
	h.prepare()
	eventually(t, "the agent sends again", func() bool { return a.Read(t.Context(), time.Now()) == nil })
	near, _, _ := panel.Poll(t.Context())
	eventually(t, "the bot has what the panel has", func() bool {
		s, _, err := far.Poll(t.Context())
		return err == nil && reflect.DeepEqual(facts(s), facts(near))
	})
	var rows []int64
	h.must(far.Attempts(t.Context(), 0, func(batch []checks.Attempt) error {
		for _, a := range batch {
			rows = append(rows, a.Row)
		}
		return nil
	}))
	for row := range int64(11) {
		found := false
		for _, is := range rows {
			found = found || is == row+1
		}
		if !found {
			t.Errorf("row %d of the log is lost", row+1)
		}
	}
}

// An agent that began while the hub was away is known as soon as the hub is back, also if
// the hub's streams are made later.
func TestHeartbeatOfAHubThatIsBack(t *testing.T) {
	h := newHub(t)
	a, store := h.agent(t.TempDir())
	defer store.Close()
	h.kill()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = a.Run(ctx, never{}) })
	defer running.Wait()
	defer stop()
	h.folder = t.TempDir()
	h.serve()
	beats, err := h.dial().SubscribeSync(fleet.BeatSubject("a1"))
	h.must(err)
	_, err = beats.NextMsg(20 * time.Second)
	h.must(err)
	h.prepare()
	js, err := jetstream.New(h.dial())
	h.must(err)
	eventually(t, "the hub has the agent's entry", func() bool {
		bucket, err := js.KeyValue(t.Context(), fleet.BucketFleet)
		h.must(err)
		_, err = bucket.Get(t.Context(), "a1")
		return err == nil
	})
}

// An agent whose clock is off is said to be so; its panel can be read as before.
func TestClockOff(t *testing.T) {
	h, panel := newHub(t), filled()
	a, store := h.agent(t.TempDir(), agent.Panel{Name: "isp1", Reader: panel})
	defer store.Close()
	h.must(a.Read(t.Context(), time.Now()))
	far := h.fleet(&places{}).Panel("isp1")
	eventually(t, "the bot has the panel", func() bool { _, _, err := far.Poll(t.Context()); return err == nil })
	if got := far.Agent(); got != "a1" {
		t.Errorf("its agent is %q", got)
	}
	off := func(by time.Duration, want bool) {
		t.Helper()
		news := false
		eventually(t, fmt.Sprintf("a clock that is %v off", by), func() bool {
			h.must(a.Beat(t.Context(), time.Now().Add(by)))
			s, changed, err := far.Poll(t.Context())
			h.must(err)
			news = news || changed
			return (s.Skew != 0) == want
		})
		if !news {
			t.Errorf("%v off is no change", by)
		}
		if _, changed, _ := far.Poll(t.Context()); changed {
			t.Errorf("%v off is a change each time", by)
		}
	}
	off(-2*time.Minute, true)
	off(0, false)
	off(2*time.Minute, true)
}

// News comes of a reading that is not like the last one, and of no other.
func TestNews(t *testing.T) {
	h, panel := newHub(t), filled()
	a, store := h.agent(t.TempDir(), agent.Panel{Name: "isp1", Reader: panel})
	defer store.Close()
	news := make(chan string, 100)
	far := h.open(remote.Config{Places: &places{}, Log: slog.New(slog.DiscardHandler), News: func(panel string) { news <- panel }}).Panel("isp1")
	now := time.Now()
	read := func() {
		t.Helper()
		now = now.Add(2 * time.Minute) // a state is due
		h.must(a.Read(t.Context(), now))
	}
	heard := func() {
		t.Helper()
		if name := <-news; name != "isp1" {
			t.Errorf("news of %s", name)
		}
		_, changed, err := far.Poll(t.Context())
		h.must(err)
		if !changed { // an earlier news was of nothing
			t.Error("news, and the panel is as it was")
		}
	}
	read()
	heard()
	for range 3 {
		read()
	}
	panel.Change(func(s *checks.Snapshot) {
		s.Sites = append([]checks.Site(nil), s.Sites...)
		s.Sites[3].Redirect = checks.On
	})
	read()
	heard()
	for range 3 {
		read()
	}
	panel.Log(checks.Attempt{Server: "isp1", Certificate: "site3.ru_le1", Outcome: checks.OutcomeIssued, Status: "ok", Time: now.Truncate(time.Millisecond).UTC()})
	read()
	heard()
	if len(news) > 0 {
		t.Error("news of readings without a change")
	}
}
