package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"

	"domovoy/bot"
	"domovoy/bot/canary"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/jobs"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// wall is a receiver that keeps what it is sent.
type wall struct {
	mu   sync.Mutex
	sent map[string]int // by chat and delivery
	said []posted
}

type posted struct {
	to, title, text string
	at              time.Time
}

func (w *wall) Send(_ context.Context, to bot.Address, _ string, m reports.Message) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[to.String()+" "+m.Delivery]++
	var text strings.Builder
	for _, s := range m.Sections {
		text.WriteString(s.Text + "\n")
	}
	w.said = append(w.said, posted{to.Chat, m.Title, text.String(), time.Now()})
	return fmt.Sprint(len(w.said)), nil
}

// count is how many messages a chat got whose title or text has some words.
func (w *wall) count(chat, words string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.said {
		if m.to == chat && strings.Contains(m.title+"\n"+m.text, words) {
			n++
		}
	}
	return n
}

// weeks is a bot over three panels that is ended and begun again.
type weeks struct {
	*testing.T
	path    string
	panels  []*enginetest.Panel
	wall    *wall
	journal *journal.Journal
}

// sites of each panel.
const sitesEach = 80

func newWeeks(t *testing.T) *weeks {
	t.Helper()
	w := &weeks{T: t, path: filepath.Join(t.TempDir(), "state.db"), wall: &wall{sent: map[string]int{}}}
	for n := range 3 {
		var sites []checks.Site
		for i := range sitesEach {
			sites = append(sites, checks.Site{Name: fmt.Sprintf("s%d.p%d.ru", i, n), Owner: fmt.Sprintf("client%d", i%9), Secure: checks.On})
		}
		p := enginetest.NewPanel(sites...)
		p.Change(func(s *checks.Snapshot) {
			s.Server = server(n)
			for i := range s.Sites {
				name := s.Sites[i].Name
				s.Sites[i].Server, s.Sites[i].Certificate = s.Server, name+"_le1"
				s.Certificates = append(s.Certificates, checks.Certificate{Server: s.Server, ID: int64(i + 1), Name: name + "_le1", Domain: name,
					Started: time.Now(), Processing: checks.Off, Failed: checks.Off})
			}
		})
		w.panels = append(w.panels, p)
	}
	return w
}

func server(n int) string { return fmt.Sprintf("isp%d", n+1) }

func (w *weeks) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// begin has the bot run until end.
func (w *weeks) begin() (end func()) {
	w.Helper()
	var err error
	w.journal, err = journal.Open(w.Context(), w.path)
	w.must(err)
	ops, duty := bot.Address{Messenger: "wall", Chat: "ops"}, bot.Address{Messenger: "wall", Chat: "duty"}
	c := engine.Config{Journal: w.journal, Policy: reports.Policy{ResolveAfter: 2, Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Critical: 50}}},
		Rules:    watch.Rules{Within: time.Hour, Times: 2, LifeLeft: 0.1},
		Audience: bot.Audience{Chats: []bot.Chat{{To: ops, Receives: []string{bot.Alerts, bot.Daily, bot.Weekly}}, {To: duty, Receives: []string{bot.Alerts}}}}}
	for n, p := range w.panels {
		c.Sources = append(c.Sources, watch.Source{Name: server(n), Reader: p})
	}
	e := enginetest.New(w.T, c)
	daily, err := cron.ParseStandard("0 9 * * *")
	w.must(err)
	weekly, err := cron.ParseStandard("0 9 * * 1")
	w.must(err)
	midnight, err := cron.ParseStandard("0 0 * * *")
	w.must(err)
	now := func(run func(context.Context, time.Time) error) func(context.Context, time.Time) error {
		return func(ctx context.Context, _ time.Time) error { return run(ctx, time.Now()) }
	}
	ctx, cancel := context.WithCancel(w.Context())
	var running sync.WaitGroup
	running.Go(func() {
		_ = e.Run(ctx, nil, map[string]bot.Receiver{"wall": w.wall}, []jobs.Job{
			{Name: "panel", When: every(time.Hour), Run: now(e.Alerts.Observe)},
			{Name: "daily", When: daily, Late: 6 * time.Hour, Run: e.Reports.SendDaily},
			{Name: engine.CanaryJob, When: canary.Daily{Digest: daily}, Late: 24 * time.Hour, Run: e.Canary.Run},
			{Name: "history", When: midnight, Late: 72 * time.Hour, Run: e.Reports.Snapshot},
			{Name: "weekly", When: weekly, Late: 72 * time.Hour, Run: e.Reports.SendWeekly},
			{Name: "prune", When: every(24 * time.Hour), Run: now(e.Reports.Prune)}})
	})
	return func() { w.Helper(); cancel(); running.Wait(); w.must(w.journal.Close()) }
}

// fail has so many certificates of a panel given up, and notes that in its log.
func (w *weeks) fail(n, certificates int) {
	w.panels[n].Change(func(s *checks.Snapshot) {
		changed := append([]checks.Certificate(nil), s.Certificates...)
		for i := range changed {
			changed[i].Failed, changed[i].Started = checks.Off, time.Now()
			if i < certificates {
				changed[i].Failed = checks.On
			}
		}
		s.Certificates = changed
	})
	for i := range certificates {
		w.panels[n].Log(checks.Attempt{Server: server(n), Certificate: fmt.Sprintf("s%d.p%d.ru_le1", i, n), Outcome: checks.OutcomeFailed, Status: "failed", Time: time.Now(),
			Text: "Timeout during connect (likely firewall problem)"})
	}
}

// held is what the process holds now.
type held struct {
	goroutines int
	memory     uint64 // bytes of live objects
}

func measure() held {
	synctest.Wait()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{runtime.NumGoroutine(), m.HeapAlloc}
}

// TestEightWeeks plays eight weeks of a bot that is begun each morning, most days at
// a quarter to nine and on some after the digest was due, and ended an hour later;
// its last three days it runs through. Problems of three panels come and go.
func TestEightWeeks(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("SKIPPED: eight weeks of a bot take half a minute or more; run without -short and -race")
	}
	const day, days, through = 24 * time.Hour, 56, 3
	const more = 6 << 20 // bytes that are left to caches
	synctest.Test(t, func(t *testing.T) {
		w, first := newWeeks(t), time.Now()
		at := func(d int, clock time.Duration) { time.Sleep(time.Until(first.Add(time.Duration(d)*day + clock))) }
		var before, last held
		var half, whole int64
		opened := 0
		morning := func(d int) {
			switch n := d / 3 % 3; {
			case d == 0:
			case d%3 == 0:
				w.fail(n, 60)
				opened++
			case d%3 == 1:
				w.fail(n, 0)
			}
		}
		size := func() int64 {
			n, err := w.journal.Size()
			w.must(err)
			return n
		}
		for d := range days - through {
			clock := 8*time.Hour + 45*time.Minute
			if d%10 == 9 {
				clock = 9*time.Hour + 30*time.Minute
			}
			at(d, clock)
			morning(d)
			end := w.begin()
			at(d, clock+time.Hour)
			if d == 7 {
				before = measure()
			}
			if d == days/2 {
				half = size()
			}
			end()
		}
		at(days-through, 8*time.Hour+45*time.Minute)
		end := w.begin()
		for d := days - through; d < days; d++ {
			at(d, 8*time.Hour+50*time.Minute)
			morning(d)
			at(d, 11*time.Hour)
			if last = measure(); last.goroutines > before.goroutines+3 || last.goroutines < before.goroutines-3 {
				t.Errorf("day %d: %d goroutines, on the eighth %d", d+1, last.goroutines, before.goroutines)
			}
			if last.memory > before.memory+more {
				t.Errorf("day %d: %d KB of memory, on the eighth %d", d+1, last.memory>>10, before.memory>>10)
			}
		}
		whole = size()
		incidents, err := w.journal.IncidentsBetween(t.Context(), first, time.Now())
		w.must(err)
		state, err := w.journal.Canary(t.Context())
		w.must(err)
		end()
		for what, c := range map[string][2]int{
			"daily digests":                     {w.wall.count("ops", "Daily digest"), days},
			"digests that carry the test alarm": {w.wall.count("ops", "Test alarm: it took the whole way"), days},
			"test alarms without a digest":      {w.wall.count("duty", "Test alarm: it took the whole way"), days},
			"other words about test alarms":     {w.wall.count("ops", "Test alarm") + w.wall.count("duty", "Test alarm"), 2 * days},
			"weekly reports":                    {w.wall.count("ops", "Week "), days / 7},
			"alerts":                            {w.wall.count("duty", "60 certificates could not be issued (threshold"), opened},
			"incidents of a count":              {counted(incidents), opened},
		} {
			if c[0] != c[1] {
				t.Errorf("%s: %d, want %d", what, c[0], c[1])
			}
		}
		for delivery, n := range w.wall.sent {
			if n != 1 {
				t.Errorf("%s was sent %d times", delivery, n)
			}
		}
		if state.Late(time.Now()) || state.Missing() != nil {
			t.Errorf("the last test alarm: %+v", state)
		}
		if whole > 2*half+1<<20 {
			t.Errorf("the state has %d KB, %d after four weeks", whole>>10, half>>10)
		}
		t.Logf("goroutines %d → %d, memory %d → %d KB, state %d → %d KB, %d messages", before.goroutines, last.goroutines,
			before.memory>>10, last.memory>>10, half>>10, whole>>10, len(w.wall.said))
		w.forgets(whole)
	})
}

// counted is how many incidents are of a count.
func counted(incidents []reports.Incident) (n int) {
	for _, i := range incidents {
		if i.Finding.Code == checks.PanelFailed {
			n++
		}
	}
	return n
}

// forgets checks that three years later what was kept is gone, and its room is used
// again: the file does not grow by another day of the bot.
func (w *weeks) forgets(size int64) {
	w.Helper()
	time.Sleep(3 * 365 * 24 * time.Hour)
	end := w.begin()
	time.Sleep(time.Hour)
	n, err := w.journal.Size()
	w.must(err)
	then, err := w.journal.IncidentsBetween(w.Context(), time.Time{}, time.Now().Add(-2*365*24*time.Hour))
	w.must(err)
	over := 0
	for _, i := range then {
		if !i.Times.Resolved.IsZero() && i.Times.Resolved.Before(time.Now().Add(-2*366*24*time.Hour)) {
			over++
		}
	}
	end()
	if n > size+1<<20 || over > 0 {
		w.Errorf("three years later the state has %d KB, %d before, and %d incidents that were over then", n>>10, size>>10, over)
	}
}
