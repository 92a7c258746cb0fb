package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// weather is what the names of a panel show, one look after the other; the
// last of it stays.
type weather struct {
	mu    sync.Mutex
	shows map[string][]checks.Code // empty: all is well
	looks map[string][]time.Time
}

func (w *weather) look(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
	name := t.DNS.Name
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks[name] = append(w.looks[name], time.Now())
	code := checks.OK
	if shows := w.shows[name]; len(shows) > 0 {
		code = shows[0]
		w.shows[name] = shows[min(1, len(shows)-1):]
	}
	if code == checks.OK {
		return nil, nil
	}
	return []checks.Finding{{Code: code, Severity: code.Severity(), Detail: "raw"}}, nil
}

// lookingUp is a check of names in DNS.
func lookingUp(run func(context.Context, *checks.Target) ([]checks.Finding, error)) checks.Check {
	return checks.Check{Name: checks.NamesCheck, Scope: checks.ScopeName, Live: true, Run: run}
}

// outdoors is a bot over a panel of so many sites, each of them looked at an
// hour ago: what it showed then, or well. It lives in a bubble of time.
func outdoors(t *testing.T, w *weather, sites int, before map[string]checks.Code) *Bot {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	watch := NewWatch(j, []Panel{{Name: "isp1", Live: &suite.Live{Checks: []checks.Check{lookingUp(w.look)}}, Workers: 4}}, Rules{}, log)
	p := watch.panels[0]
	p.server = reports.Server{Name: "isp1", Read: time.Now()}
	known := map[string]reports.Look{}
	for i := range sites {
		name := siteNo(i)
		p.server.Subjects = append(p.server.Subjects, checks.Subject{Site: &checks.Site{Server: "isp1", Name: name, Active: checks.On}})
		l := reports.Look{At: time.Now().Add(-time.Hour), Checks: []string{checks.NamesCheck}}
		if code := before[name]; code != "" {
			l.Findings = []checks.Finding{{Check: checks.NamesCheck, Server: "isp1", Site: name, Code: code, Severity: code.Severity()}}
		}
		known[name] = l
	}
	p.seen(known)
	return New(j, watch, Audience{Language: "en", Zone: time.UTC, Bundle: bundle}, reports.Policy{ResolveAfter: 2}, log)
}

func siteNo(i int) string { return fmt.Sprintf("s%d.ru", i) }

// A site that was well and shows a trouble that may pass is looked at again a
// minute later, and only then it counts.
func TestSweepLooksAgain(t *testing.T) {
	const site = "s0.ru"
	for name, c := range map[string]struct {
		before checks.Code
		shows  []checks.Code
		looks  int
		want   checks.Code // the verdict that counts
		detail string      // of its finding, or of what passed
	}{
		"well":                       {"", []checks.Code{checks.OK}, 1, checks.OK, ""},
		"it passed":                  {"", []checks.Code{checks.WebTimeout, checks.OK}, 2, checks.OK, "web.timeout at 2000-01-01T00:00:00Z, ok at 2000-01-01T00:01:00Z"},
		"it stayed":                  {"", []checks.Code{checks.WebRefused}, 2, checks.WebRefused, "web.refused at 2000-01-01T00:00:00Z, web.refused at 2000-01-01T00:01:00Z"},
		"it became another":          {"", []checks.Code{checks.DNSServFail, checks.WebReset}, 2, checks.WebReset, "dns.servfail at 2000-01-01T00:00:00Z, web.reset at 2000-01-01T00:01:00Z"},
		"one that does not pass":     {"", []checks.Code{checks.DNSElsewhere, checks.OK}, 1, checks.DNSElsewhere, ""},
		"it was not well before":     {checks.WebTimeout, []checks.Code{checks.WebRefused, checks.OK}, 1, checks.WebRefused, ""},
		"a worse one than it showed": {checks.DNSElsewhere, []checks.Code{checks.WebTimeout, checks.OK}, 1, checks.WebTimeout, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &weather{shows: map[string][]checks.Code{site: c.shows}, looks: map[string][]time.Time{}}
				b := outdoors(t, w, 12, map[string]checks.Code{site: c.before})
				if err := b.Sweep(t.Context(), Sweep{Since: time.Now(), Apart: Apart}); err != nil {
					t.Fatal(err)
				}
				at := w.looks[site]
				if len(at) != c.looks || len(at) == 2 && at[1].Sub(at[0]) < Apart || len(w.looks["s1.ru"]) != 1 {
					t.Errorf("looked at %v", at)
				}
				counts := b.watch.panels[0].state().Looks[site]
				if v := verdictOf(counts); v.Code != c.want {
					t.Errorf("what counts is %s, want %s", v.Code, c.want)
				}
				told := len(counts.Findings) > 0 && strings.HasPrefix(counts.Findings[0].Detail, "looked twice: "+c.detail+"\nraw")
				if told != (c.detail != "") {
					t.Errorf("%+v tells not of %q", counts.Findings, c.detail)
				}
				stored, err := b.journal.Looks(t.Context(), "isp1")
				if err != nil || len(stored) != 12 || !stored[site].At.Equal(counts.At) {
					t.Errorf("%d looks are stored, that of the site of %v, %v", len(stored), stored[site].At, err)
				}
			})
		})
	}
}

// When a tenth of all changed it is hardly they: nobody waits, and all counts.
func TestSweepOfAStorm(t *testing.T) {
	for _, changed := range []int{20, 21} {
		synctest.Test(t, func(t *testing.T) {
			w := &weather{shows: map[string][]checks.Code{}, looks: map[string][]time.Time{}}
			for i := range changed {
				w.shows[siteNo(i)] = []checks.Code{checks.WebTimeout, checks.OK}
			}
			b, start := outdoors(t, w, 200, nil), time.Now()
			if err := b.Sweep(t.Context(), Sweep{Since: time.Now(), Apart: Apart}); err != nil {
				t.Fatal(err)
			}
			troubled := 0
			for _, l := range b.watch.panels[0].state().Looks {
				if verdictOf(l).Code != checks.OK {
					troubled++
				}
			}
			took := time.Since(start)
			if storm := changed > 20; storm && (took != 0 || troubled != changed) || !storm && (took != Apart || troubled != 0) {
				t.Errorf("%d of 200 changed: %d count after %v", changed, troubled, took)
			}
		})
	}
}

// A sweep that is cut short while it waits has not looked at what is in doubt:
// the next one does.
func TestSweepCutShortInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &weather{shows: map[string][]checks.Code{"s0.ru": {checks.WebTimeout}}, looks: map[string][]time.Time{}}
		b, began := outdoors(t, w, 12, nil), time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), Apart/2)
		defer cancel()
		if err := b.Sweep(ctx, Sweep{Since: began, Apart: Apart}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the sweep ended with %v", err)
		}
		s := b.watch.panels[0].state()
		if todo := swept(s, began); verdictOf(s.Looks["s0.ru"]).Code != checks.OK || len(todo) != 1 || todo[0].Site.Name != "s0.ru" {
			t.Errorf("%d sites are still to be looked at, and %s counts", len(todo), verdictOf(s.Looks["s0.ru"]).Code)
		}
	})
}
