package remote_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"domovoy/bot/engine/enginetest"
	"domovoy/bot/fleet"
	"domovoy/bot/fleet/agent"
	"domovoy/bot/fleet/remote"
	"domovoy/checks"
	"domovoy/reports/journal"
)

// often is a schedule.
type often struct{}

func (often) Next(after time.Time) time.Time { return after.Add(20 * time.Millisecond) }

// redirected changes a site.
func redirected(p *enginetest.Panel, site int) {
	p.Change(func(s *checks.Snapshot) {
		s.Sites = append([]checks.Site(nil), s.Sites...) // readers have the old ones
		s.Sites[site].Redirect = checks.On
	})
}

// logged adds a row to a panel's log.
func logged(p *enginetest.Panel, certificate string, outcome checks.AttemptOutcome) {
	p.Log(checks.Attempt{Server: "isp1", Certificate: certificate, Outcome: outcome, Status: "failed", Time: time.Now().Truncate(time.Millisecond).UTC(), Text: "text"})
}

// takeLog stores what is new of a panel's log as the bot does.
func takeLog(t testing.TB, far *remote.Panel, name string, j *journal.Journal) error {
	t.Helper()
	if _, _, err := far.Poll(t.Context()); err != nil {
		return err
	}
	from, err := j.NextRow(t.Context(), name, time.Now().Add(-30*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if newest, _ := far.Newest(t.Context()); newest < from-1 {
		from = 0
	}
	return far.Attempts(t.Context(), from, func(batch []checks.Attempt) error {
		_, err := j.AddAttempts(t.Context(), name, batch)
		return err
	})
}

// A power cut takes from the hub what it acknowledged last. What the bot had taken of it
// is not taken twice, and what it had not is sent again, whether other agents have
// filled the lost places since or not, whether the panel goes on or is quiet, and
// whether the bot was started again or not.
func TestHubLosesWhatItAcknowledged(t *testing.T) {
	for n := range 16 {
		taken, overtaken, quiet, restarted := n&1 > 0, n&2 > 0, n&4 > 0, n&8 > 0
		t.Run(fmt.Sprintf("taken %t, overtaken %t, quiet %t, restarted %t", taken, overtaken, quiet, restarted), func(t *testing.T) {
			t.Parallel()
			h, panel, other := newHub(t), filled(), filled()
			j := enginetest.Journal(t)
			f := h.fleet(j)
			a, store := h.agent(t.TempDir(), agent.Panel{Name: "isp1", Reader: panel})
			b, storeB := h.agent(t.TempDir(), agent.Panel{Name: "isp2", Reader: other})
			defer store.Close()
			defer storeB.Close()
			clock := time.Now()
			read := func(a *agent.Agent) error {
				clock = clock.Add(2 * time.Minute) // each reading has a state
				return a.Read(t.Context(), clock)
			}
			h.must(read(a))
			h.must(read(b))
			eventually(t, "the bot has both panels", func() bool {
				return takeLog(t, f.Panel("isp1"), "isp1", j) == nil && takeLog(t, f.Panel("isp2"), "isp2", j) == nil && len(stored(t, j)) == 10
			})
			h.kill()
			older := t.TempDir()
			h.must(os.CopyFS(older, os.DirFS(h.folder)))
			h.start()

			const lost = 5
			for row := range lost {
				redirected(panel, row)
				logged(panel, fmt.Sprintf("c%d", row), checks.OutcomeFailed)
				eventually(t, "it is sent", func() bool { return read(a) == nil })
			}
			if taken {
				eventually(t, "the bot takes them", func() bool {
					_ = takeLog(t, f.Panel("isp1"), "isp1", j) // until they came
					return len(stored(t, j)) == 10+lost
				})
			}
			h.kill()
			h.folder = older
			h.start()
			if restarted {
				f.Close()
				f = h.fleet(j)
			}
			if overtaken {
				for row := range 20 {
					redirected(other, row)
					logged(other, fmt.Sprintf("c%d", 100+row), checks.OutcomeFailed)
					eventually(t, "the other agent sends", func() bool { return read(b) == nil })
				}
			}
			if !quiet {
				logged(panel, "c50", checks.OutcomeIssued)
			}
			running, stop := context.WithCancel(t.Context())
			var ran sync.WaitGroup
			ran.Go(func() { _ = a.Run(running, often{}) }) // answers what it is asked for
			defer ran.Wait()
			defer stop()
			near, _, _ := panel.Poll(t.Context())
			want := attempts(t, panel)
			eventually(t, "the bot has what the panel has", func() bool {
				if read(a) != nil || takeLog(t, f.Panel("isp1"), "isp1", j) != nil {
					return false
				}
				s, _, err := f.Panel("isp1").Poll(t.Context())
				return err == nil && reflect.DeepEqual(facts(s), facts(near)) && len(stored(t, j)) == len(want)
			})
			got := stored(t, j)
			for _, x := range want {
				if is := got[x.Row]; is.Certificate != x.Certificate || !is.Time.Equal(x.Time) {
					t.Errorf("row %d is %v and not %v", x.Row, is, x)
				}
			}
		})
	}
}

// rarely is a schedule.
type rarely struct{}

func (rarely) Next(after time.Time) time.Time { return after.Add(time.Hour) }

// TestLackingFacts: a bot that begins and finds that the hub lacks facts asks for them at
// once, and again if the agent was not there to hear it.
func TestLackingFacts(t *testing.T) {
	h, panel := newHub(t), filled()
	folder := t.TempDir()
	a, store := h.agent(folder, agent.Panel{Name: "isp1", Reader: panel})
	h.must(a.Read(t.Context(), time.Now()))
	h.must(store.Close())
	js, err := jetstream.New(h.dial())
	h.must(err)
	facts, err := js.Stream(t.Context(), fleet.StreamFacts)
	h.must(err)
	h.must(facts.Purge(t.Context(), jetstream.WithPurgeSubject(fleet.Fact{Panel: "isp1", Kind: fleet.KindSite, ID: fleet.LongID("3")}.Subject())))

	asked := make(chan struct{}, 10)
	f := h.open(remote.Config{Places: &places{}, Log: slog.New(said{"asked for again", asked})})
	eventually(t, "the bot asks, and nobody hears it", func() bool { return len(asked) > 0 })
	if _, _, err := f.Panel("isp1").Poll(t.Context()); err == nil {
		t.Fatal("a panel that lacks a fact counts as whole")
	}
	a, store = h.agent(folder, agent.Panel{Name: "isp1", Reader: panel})
	defer store.Close()
	running, stop := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() { _ = a.Run(running, rarely{}) })
	defer ran.Wait()
	defer stop()
	near, _, _ := panel.Poll(t.Context())
	eventually(t, "the bot has what the panel has", func() bool {
		s, _, err := f.Panel("isp1").Poll(t.Context())
		return err == nil && len(s.Sites) == len(near.Sites)
	})
}

// said is a log that reports a message.
type said struct {
	text string
	to   chan<- struct{}
}

func (s said) Enabled(context.Context, slog.Level) bool { return true }
func (s said) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s said) WithGroup(string) slog.Handler            { return s }

func (s said) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, s.text) {
		s.to <- struct{}{}
	}
	return nil
}

// A row that becomes what it was before is sent, too, though the hub had such a message
// lately.
func TestRowBecomesWhatItWas(t *testing.T) {
	h, panel := newHub(t), filled()
	j := enginetest.Journal(t)
	a, store := h.agent(t.TempDir(), agent.Panel{Name: "isp1", Reader: panel})
	defer store.Close()
	at := time.Now().Add(-time.Hour).Truncate(time.Millisecond).UTC() // so old that the bot takes no batch of it twice
	panel.Log(checks.Attempt{Server: "isp1", Certificate: "c1", Status: "failed", Time: at})
	clock := time.Now()
	for _, outcome := range []checks.AttemptOutcome{checks.OutcomeIssued, checks.OutcomeFailed, checks.OutcomeIssued, checks.OutcomeFailed} {
		panel.Relog(11, outcome)
		clock = clock.Add(16 * time.Minute)
		h.must(a.Read(t.Context(), clock))
		f := h.fleet(j) // one that remembers only what is stored
		eventually(t, "the bot has the row as it is", func() bool {
			return takeLog(t, f.Panel("isp1"), "isp1", j) == nil && stored(t, j)[11].Outcome == outcome
		})
		h.must(takeLog(t, f.Panel("isp1"), "isp1", j)) // what is stored now is not taken again
		f.Close()
	}
}
