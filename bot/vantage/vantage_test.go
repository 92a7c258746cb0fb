package vantage_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/vantage"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/quorum"
	"domovoy/checks/suite"
	"domovoy/reports"
)

// place looks with the real suite, at a world that is the same for all names but
// the given ones.
type place struct {
	at    checks.Vantage
	live  *suite.Live
	blind checks.Blind
}

// newPlace is a place from which some names drop connections; drops may be nil.
func newPlace(name, country string, drops func(name string) bool) *place {
	p := &place{at: checks.Vantage{Name: name, Country: country}}
	p.live = &suite.Live{Checks: []checks.Check{
		{Name: checks.NamesCheck, Scope: checks.ScopeName, Live: true, Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			t.DNS.Points = checks.PointsOurs
			return nil, nil
		}},
		{Name: checks.WayCheck, Scope: checks.ScopeName, Live: true, Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
			if drops != nil && drops(t.DNS.Name) {
				return []checks.Finding{{Code: checks.WebTimeout, Severity: checks.Warning, Args: checks.Args{"address": "203.0.113.10", "port": 80}}}, nil
			}
			return nil, nil
		}},
	}}
	return p
}

func (p *place) At() checks.Vantage { return p.at }

func (p *place) Look(ctx context.Context, l vantage.Look) (checks.Probe, checks.Blind) {
	seen, _ := p.live.Probe(ctx, l.Subject, l.Asked, l.Now)
	return seen, p.blind
}

// fleet is an engine whose one panel has these sites and is looked at from here
// and from the places.
func fleet(t *testing.T, sites int, here *place, places ...vantage.Point) (*engine.Engine, *watch.Panel) {
	t.Helper()
	var list []checks.Site
	for i := range sites {
		list = append(list, checks.Site{Name: fmt.Sprintf("site%03d.ru", i), Owner: fmt.Sprint("client", i)})
	}
	var e *engine.Engine
	prober := vantage.New(vantage.Config{Home: here.live, At: here.at, Points: func() []vantage.Point { return places },
		Rule: func(time.Time) quorum.Rule {
			return func(looks int) int { return map[int]int{2: 1, 3: 1, 4: 1, 5: 1}[looks] }
		},
		Before: func(site string) checks.Probe { return e.Watch.Panel("isp1").State().Probes[site] }})
	e = enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 1},
		Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(list...), Prober: prober, Workers: 4}}})
	enginetest.Read(t, e)
	return e, e.Watch.Panel("isp1")
}

func sweep(t *testing.T, e *engine.Engine) {
	t.Helper()
	if err := e.Alerts.Sweep(t.Context(), probe.Sweep{Since: time.Now(), Recheck: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
}

// verdicts counts the sites by their verdict.
func verdicts(p *watch.Panel) map[checks.Code]int {
	counts := map[checks.Code]int{}
	for _, l := range p.State().Probes {
		counts[l.Verdict().Code]++
	}
	return counts
}

func only(names ...string) func(string) bool {
	return func(name string) bool { return slices.Contains(names, name) }
}

func always(string) bool { return true }

// TestSweepFromThreePlaces: what one of three does not reach is web.blocked, what
// two do not reach is what they saw.
func TestSweepFromThreePlaces(t *testing.T) {
	e, panel := fleet(t, 30, newPlace("home", "de", only("site002.ru")), newPlace("ash1", "us", nil), newPlace("mow1", "ru", only("site001.ru", "site002.ru")))
	sweep(t, e)
	want := map[string]checks.Code{"site000.ru": checks.OK, "site001.ru": checks.WebBlocked, "site002.ru": checks.WebTimeout}
	for name, code := range want {
		if got := panel.State().Probes[name].Verdict().Code; got != code {
			t.Errorf("%s: %s, want %s", name, got, code)
		}
	}
	f := panel.State().Probes["site001.ru"].Verdict().Finding
	if got := fmt.Sprint(f.Args[quorum.ReachedArg], f.Args[quorum.MissedArg]); got != "[home (de) ash1 (us)] [mow1 (ru)]" {
		t.Error("the evidence is", got)
	}
}

// TestBlackedOut: a place that reaches nothing makes nothing down. If it knows
// that itself, it does not count; if not, that is the finding, and it is over when
// it reaches the sites again.
func TestBlackedOut(t *testing.T) {
	blind := newPlace("mow1", "ru", always)
	blind.blind = checks.BlindCanary
	e, panel := fleet(t, 30, newPlace("home", "de", nil), newPlace("ash1", "us", nil), blind)
	sweep(t, e)
	if got := verdicts(panel); got[checks.OK] != 30 {
		t.Errorf("it knows that it is blind: %v", got)
	}
	dark := true
	e, panel = fleet(t, 30, newPlace("home", "de", nil), newPlace("ash1", "us", nil), newPlace("mow1", "ru", func(string) bool { return dark }))
	sweep(t, e)
	if got := verdicts(panel); got[checks.OK] != 30 {
		t.Errorf("it does not know that it is blind: %v", got)
	}
	if got := split(t, e); got != "mow1 30" {
		t.Errorf("said of it: %q", got)
	}
	dark = false
	sweep(t, e)
	if got := split(t, e); got != "" {
		t.Errorf("still said of it: %q", got)
	}
}

// split is which place an open incident says disagrees, and about how much.
func split(t *testing.T, e *engine.Engine) string {
	t.Helper()
	open, err := e.Journal.OpenIncidents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range open {
		if i.Finding.Code == checks.FleetSplit {
			return fmt.Sprint(i.Finding.Name, " ", i.Finding.Args["value"])
		}
	}
	return ""
}

// TestHomeAloneGetsThrough: a firewall that only lets the bot's own host in is
// found, though it looks well from here.
func TestHomeAloneGetsThrough(t *testing.T) {
	e, panel := fleet(t, 30, newPlace("home", "de", nil), newPlace("ash1", "us", always), newPlace("mow1", "ru", always))
	sweep(t, e)
	if got := verdicts(panel); got[checks.WebTimeout] != 30 {
		t.Errorf("the verdicts are %v", got)
	}
	if got := split(t, e); got != "home 30" {
		t.Errorf("said of it: %q", got)
	}
}

// TestInsideDoesNotLook: a place on the panel's own host does not look at its sites, and
// its part of the pace is not given to others.
func TestInsideDoesNotLook(t *testing.T) {
	home, there := newPlace("home", "de", nil), newPlace("isp1", "de", only("site001.ru"))
	share := 0
	for inside, want := range map[string]checks.Code{"": checks.WebBlocked, "isp2": checks.WebBlocked, "isp1": checks.OK} {
		p := vantage.New(vantage.Config{Home: home.live, At: home.at, Points: func() []vantage.Point { return []vantage.Point{there} },
			Inside: func() string { return inside }, Share: func(places int) { share = places },
			Rule: func(time.Time) quorum.Rule { return func(int) int { return 1 } }})
		seen, _ := p.Probe(t.Context(), checks.Subject{Site: &checks.Site{Server: "isp1", Name: "site001.ru"}}, true, time.Now())
		if got := seen.Verdict().Code; got != want || share != 2 {
			t.Errorf("inside is %q: %s, want %s; %d share the pace", inside, got, want, share)
		}
	}
}

// TestNoPlaces: without other places the result is that of this host.
func TestNoPlaces(t *testing.T) {
	here := newPlace("home", "de", only("site001.ru"))
	e, panel := fleet(t, 3, here)
	sweep(t, e)
	alone, _ := here.live.Probe(t.Context(), checks.Subject{Site: &checks.Site{Server: "isp1", Name: "site001.ru"}}, false, panel.State().Probes["site001.ru"].At)
	if got := panel.State().Probes["site001.ru"]; fmt.Sprint(got.Findings, got.Checks, got.Failures, got.Sights) != fmt.Sprint(alone.Findings, alone.Checks, alone.Failures, alone.Sights) {
		t.Errorf("from here %v, with the seam %v", alone, got)
	}
}
