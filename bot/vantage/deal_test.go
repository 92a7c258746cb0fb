package vantage_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/vantage"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/pace"
	"domovoy/checks/quorum"
	"domovoy/checks/suite"
	"domovoy/reports"
)

// town is a panel of which four places see the same, but for what each is told not to
// reach.
type town struct {
	*testing.T
	deal     bool
	workers  int // of each place
	takes    time.Duration
	failures map[string]int // of the orders of sites

	mu     sync.Mutex
	drops  map[string]func(site string) bool // by place
	looked map[string]map[string]int         // by site and place
	keys   map[string]int                    // looks at the files of sites, from home
	paces  map[string]*pace.Keyed[string]    // by place; nil: no address has a limit
	engine *engine.Engine
}

// towns are the places of a town; the first is the bot's.
var towns = []string{"home", "ash1", "fra1", "mow1"}

// stand makes the engine of the town, with this many sites, and so many of its places.
func (w *town) stand(sites, places int) *watch.Panel {
	w.Helper()
	w.drops, w.looked, w.keys = map[string]func(string) bool{}, map[string]map[string]int{}, map[string]int{}
	var list []checks.Site
	for i := range sites {
		list = append(list, checks.Site{Name: fmt.Sprintf("site%03d.ru", i), Owner: fmt.Sprint("client", i)})
	}
	var points []vantage.Point
	for _, name := range towns[1:places] {
		points = append(points, &quarter{w, name, w.live(name), make(chan struct{}, w.workers)})
	}
	home := w.live(towns[0])
	home.Checks = append(home.Checks, checks.Check{Name: "keys", Scope: checks.ScopeSite, Live: true, Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.keys[t.Site.Name]++
		return nil, nil
	}})
	prober := vantage.New(vantage.Config{Home: home, At: checks.Vantage{Name: towns[0]}, Points: func() []vantage.Point { return points },
		Rule:   func(time.Time) quorum.Rule { return func(int) int { return 1 } },
		Before: func(site string) checks.Probe { return w.engine.Watch.Panel("isp1").State().Probes[site] },
		Share: func(places int) {
			for _, p := range w.paces {
				p.Share(places)
			}
		},
		Deal: w.deal, AtHome: semaphore.NewWeighted(int64(w.workers))})
	w.engine = enginetest.New(w, engine.Config{Policy: reports.Policy{ResolveAfter: 1},
		Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(list...), Prober: withFailures{prober, w.failures}, Workers: w.workers}}})
	enginetest.Read(w, w.engine)
	return w.engine.Watch.Panel("isp1")
}

// withFailures adds the orders of sites that fail to what a prober is asked.
type withFailures struct {
	*vantage.Prober
	failures map[string]int
}

func (p withFailures) Probe(ctx context.Context, x checks.Subject, asked bool, now time.Time) (checks.Probe, []string) {
	if n := p.failures[x.Site.Name]; n > 0 {
		x.History = &checks.History{Failures: n}
	}
	return p.Prober.Probe(ctx, x, asked, now)
}

// live are the checks of a place.
func (w *town) live(place string) *suite.Live {
	return &suite.Live{From: place, Checks: []checks.Check{
		{Name: checks.NamesCheck, Scope: checks.ScopeName, Live: true, Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			t.DNS.Points = checks.PointsOurs
			return nil, nil
		}},
		{Name: checks.WayCheck, Scope: checks.ScopeName, Live: true, Run: func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
			if w.paces != nil {
				if err := w.paces[place].Wait(ctx, "203.0.113.10"); err != nil {
					return nil, err
				}
			}
			time.Sleep(w.takes)
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.looked[t.DNS.Name] == nil {
				w.looked[t.DNS.Name] = map[string]int{}
			}
			w.looked[t.DNS.Name][place]++
			if drops := w.drops[place]; drops != nil && drops(t.DNS.Name) {
				return []checks.Finding{{Code: checks.WebTimeout, Severity: checks.Warning, Args: checks.Args{"address": "203.0.113.10", "port": 80}}}, nil
			}
			return nil, nil
		}},
	}}
}

// quarter is a place of a town, which looks at so many sites at once as it has workers.
type quarter struct {
	town *town
	name string
	live *suite.Live
	busy chan struct{}
}

func (q *quarter) At() checks.Vantage { return checks.Vantage{Name: q.name} }

func (q *quarter) Look(ctx context.Context, l vantage.Look) (checks.Probe, checks.Blind) {
	q.busy <- struct{}{}
	defer func() { <-q.busy }()
	seen, _ := q.live.Probe(ctx, l.Subject, l.Asked, l.Now)
	return seen, checks.SightGood
}

// sweep returns how long a sweep takes; what the places looked at before is forgotten.
func (w *town) sweep(recheck time.Duration) time.Duration {
	w.Helper()
	clear(w.looked)
	began := time.Now()
	if err := w.engine.Alerts.Sweep(w.Context(), probe.Sweep{Since: began, Recheck: recheck}); err != nil {
		w.Fatal(err)
	}
	took := time.Since(began)
	time.Sleep(time.Hour) // the next is another one
	return took
}

// A site that is fine is looked at from one place in a sweep, and from each in four; what
// needs the panel's host is looked at in each.
func TestFineSitesAreDealt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{T: t, deal: true, workers: 4, failures: map[string]int{"site007.ru": 3}}
		panel := w.stand(200, 4)
		all := map[string]map[string]int{}
		for n := range 4 {
			w.sweep(0)
			parts := map[string]int{}
			for site, places := range w.looked {
				if len(places) != 1 && site != "site007.ru" || len(places) != 4 && site == "site007.ru" {
					t.Fatalf("sweep %d: %s was looked at from %v", n, site, places)
				}
				for place := range places {
					if all[site] == nil {
						all[site] = map[string]int{}
					}
					all[site][place]++
					parts[place]++
				}
			}
			if len(w.looked) != 200 || len(parts) != 4 || min(parts["home"], parts["ash1"], parts["fra1"], parts["mow1"]) < 200/4/2 {
				t.Errorf("sweep %d: %d sites, of which the places had %v", n, len(w.looked), parts)
			}
		}
		for site, places := range all {
			if len(places) != 4 {
				t.Errorf("%s was never looked at from all: %v", site, places)
			}
			p := panel.State().Probes[site]
			if w.keys[site] != 4 || p.Verdict().Code != checks.OK || (p.Alone == "") != (site == "site007.ru") || !slices.Contains(p.Checks, "keys") {
				t.Errorf("%s: %d looks at its files; %+v", site, w.keys[site], p)
			}
		}
	})
}

// What one place does not reach is found when it is its turn, with what all see; they are
// asked until it is over, and as long as it may only have been a moment.
func TestWhatOneMissesIsFoundInItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{T: t, deal: true, workers: 4}
		panel := w.stand(40, 4)
		w.drops["mow1"] = only("site011.ru")
		found := 0
		for found = 1; found <= 4; found++ {
			if w.sweep(probe.RecheckDelay); panel.State().Probes["site011.ru"].Verdict().Code == checks.WebBlocked {
				break
			}
		}
		f := panel.State().Probes["site011.ru"].Verdict().Finding
		if got := fmt.Sprint(f.Args[quorum.ReachedArg], f.Args[quorum.MissedArg]); found > 4 || got != "[home ash1 fra1] [mow1]" {
			t.Fatalf("sweep %d: the evidence is %s", found, got)
		}
		for range 2 {
			if w.sweep(0); len(w.looked["site011.ru"]) != 4 || panel.State().Probes["site011.ru"].Verdict().Code != checks.WebBlocked {
				t.Errorf("while it lasts it is looked at from %v", w.looked["site011.ru"])
			}
		}
		delete(w.drops, "mow1")
		if w.sweep(0); len(w.looked["site011.ru"]) != 4 || panel.State().Probes["site011.ru"].Verdict().Code != checks.OK {
			t.Errorf("that it is over was seen from %v", w.looked["site011.ru"])
		}
		if w.sweep(0); len(w.looked["site011.ru"]) != 1 {
			t.Errorf("afterwards it is looked at from %v", w.looked["site011.ru"])
		}
		// A server that restarts is looked at again from everywhere.
		looks := 0
		for _, place := range towns {
			w.drops[place] = func(site string) bool {
				if site != "site020.ru" {
					return false
				}
				looks++
				return looks <= 4
			}
		}
		if w.sweep(probe.RecheckDelay); looks != 8 || panel.State().Probes["site020.ru"].Verdict().Code != checks.OK {
			t.Errorf("looked at %d times: %+v", looks, panel.State().Probes["site020.ru"].Verdict())
		}
	})
}

// A place that reaches nothing is found in one sweep, makes nothing down, and is not
// blamed for the few names that only it does not reach.
func TestADarkPlaceAmongDealtSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{T: t, deal: true, workers: 4}
		panel := w.stand(200, 4)
		w.sweep(0)
		w.drops["mow1"] = always
		w.sweep(0)
		if got := verdicts(panel); got[checks.OK] != 200 {
			t.Errorf("the verdicts are %v", got)
		}
		if got := split(t, w.engine); got == "" {
			t.Error("nothing is said of it")
		}
		w.drops["mow1"] = only("site001.ru", "site002.ru", "site003.ru")
		for range 4 {
			w.sweep(0)
		}
		if got := verdicts(panel); got[checks.WebBlocked] != 3 || got[checks.OK] != 197 {
			t.Errorf("the verdicts are %v", got)
		}
		if got := split(t, w.engine); got != "" {
			t.Errorf("it is blamed: %q", got)
		}
	})
}

// Four places that share a sweep are four times as fast as one where it is bound by what
// a place can do at once; where an address may be asked only so often, they are as fast
// as one, and places that all look at everything take four times as long.
func TestSharedSweepsAreFaster(t *testing.T) {
	const sites, workers = 400, 10
	takes := func(t *testing.T, places int, deal bool, limit rate.Limit) (took time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			w := &town{T: t, deal: deal, workers: workers, takes: time.Second}
			if limit > 0 {
				w.takes, w.paces = 0, map[string]*pace.Keyed[string]{}
				for _, name := range towns {
					w.paces[name] = pace.New[string](limit, 1)
				}
			}
			w.stand(sites, places)
			took = w.sweep(0)
		})
		return took
	}
	one, shared, each := takes(t, 1, true, 0), takes(t, 4, true, 0), takes(t, 4, false, 0)
	t.Logf("a place can do so much at once: one %v, four that share %v, four that all look %v", one, shared, each)
	if 2*one < 7*shared || each < one {
		t.Errorf("four are %.2f times as fast as one", one.Seconds()/shared.Seconds())
	}
	one, shared, each = takes(t, 1, true, 10), takes(t, 4, true, 10), takes(t, 4, false, 10)
	t.Logf("an address may be asked so often: one %v, four that share %v, four that all look %v", one, shared, each)
	if shared > one*5/4 || each < one*7/2 {
		t.Errorf("four that share take %v, one %v, four that all look %v", shared, one, each)
	}
}
