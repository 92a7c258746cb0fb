package probe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
)

// weather is what probes of a panel's names find, one probe after the other;
// the last result repeats.
type weather struct {
	mu    sync.Mutex
	shows map[string][]checks.Code // empty: no problem
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

// outdoors is an engine over a panel with the given number of sites, each
// probed an hour ago with the given result or none. It runs in a synctest
// bubble.
func outdoors(t *testing.T, prober watch.Prober, sites int, before map[string]checks.Code) *engine.Engine {
	t.Helper()
	var all []checks.Site
	known := map[string]checks.Probe{}
	for i := range sites {
		name := siteNo(i)
		all = append(all, checks.Site{Name: name})
		l := checks.Probe{At: time.Now().Add(-time.Hour), Checks: []string{checks.NamesCheck}}
		if code := before[name]; code != "" {
			l.Findings = []checks.Finding{{Check: checks.NamesCheck, Server: "isp1", Site: name, Code: code, Severity: code.Severity()}}
		}
		known[name] = l
	}
	e := enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 2},
		Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(all...), Prober: prober, Workers: 4}}})
	enginetest.Read(t, e)
	e.Watch.Panels()[0].Keep(known)
	return e
}

func siteNo(i int) string { return fmt.Sprintf("s%d.ru", i) }

// If a site without problems shows one that may be temporary, it is probed
// again a minute later, and only the second result counts.
func TestSweepLooksAgain(t *testing.T) {
	const site = "s0.ru"
	for name, c := range map[string]struct {
		before checks.Code
		shows  []checks.Code
		looks  int
		want   checks.Code // the verdict that counts
		detail string      // detail of its finding, or of the one that disappeared
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
				b := outdoors(t, enginetest.Prober(w.look), 12, map[string]checks.Code{site: c.before})
				if err := b.Alerts.Sweep(t.Context(), probe.Sweep{Since: time.Now(), Recheck: probe.RecheckDelay}); err != nil {
					t.Fatal(err)
				}
				at := w.looks[site]
				if len(at) != c.looks || len(at) == 2 && at[1].Sub(at[0]) < probe.RecheckDelay || len(w.looks["s1.ru"]) != 1 {
					t.Errorf("looked at %v", at)
				}
				counts := b.Watch.Panels()[0].State().Probes[site]
				if v := counts.Verdict(); v.Code != c.want {
					t.Errorf("what counts is %s, want %s", v.Code, c.want)
				}
				told := len(counts.Findings) > 0 && strings.HasPrefix(counts.Findings[0].Detail, "looked twice: "+c.detail+"\nraw")
				if told != (c.detail != "") {
					t.Errorf("%+v tells not of %q", counts.Findings, c.detail)
				}
				stored, err := b.Journal.Probes(t.Context(), "isp1")
				if err != nil || len(stored) != 12 || !stored[site].At.Equal(counts.At) {
					t.Errorf("%d looks are stored, that of the site of %v, %v", len(stored), stored[site].At, err)
				}
			})
		})
	}
}

// If a tenth of all sites changed, the sites are unlikely to be the cause:
// there is no second probe, and all results count.
func TestSweepOfAStorm(t *testing.T) {
	for _, changed := range []int{20, 21} {
		synctest.Test(t, func(t *testing.T) {
			w := &weather{shows: map[string][]checks.Code{}, looks: map[string][]time.Time{}}
			for i := range changed {
				w.shows[siteNo(i)] = []checks.Code{checks.WebTimeout, checks.OK}
			}
			b, start := outdoors(t, enginetest.Prober(w.look), 200, nil), time.Now()
			if err := b.Alerts.Sweep(t.Context(), probe.Sweep{Since: time.Now(), Recheck: probe.RecheckDelay}); err != nil {
				t.Fatal(err)
			}
			troubled := 0
			for _, l := range b.Watch.Panels()[0].State().Probes {
				if l.Verdict().Code != checks.OK {
					troubled++
				}
			}
			took := time.Since(start)
			if storm := changed > 20; storm && (took != 0 || troubled != changed) || !storm && (took != probe.RecheckDelay || troubled != 0) {
				t.Errorf("%d of 200 changed: %d count after %v", changed, troubled, took)
			}
		})
	}
}

// A sweep that is cut short while it waits leaves the sites in doubt to the
// next sweep.
func TestSweepCutShortInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &weather{shows: map[string][]checks.Code{"s0.ru": {checks.WebTimeout}}, looks: map[string][]time.Time{}}
		b, began := outdoors(t, enginetest.Prober(w.look), 12, nil), time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), probe.RecheckDelay/2)
		defer cancel()
		if err := b.Alerts.Sweep(ctx, probe.Sweep{Since: began, Recheck: probe.RecheckDelay}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the sweep ended with %v", err)
		}
		s := b.Watch.Panels()[0].State()
		if todo := probe.Due(s, began); s.Probes["s0.ru"].Verdict().Code != checks.OK || len(todo) != 1 || todo[0].Site.Name != "s0.ru" {
			t.Errorf("%d sites are still to be looked at, and %s counts", len(todo), s.Probes["s0.ru"].Verdict().Code)
		}
	})
}
