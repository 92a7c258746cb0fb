package probe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// sky is what sweeps see: of every name the same, or nothing; and what the
// controls say.
type sky struct {
	code   atomic.Value // checks.Code
	online atomic.Value // func() error
	looks  atomic.Int32
}

func (s *sky) look(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
	s.looks.Add(1)
	switch code := s.code.Load().(checks.Code); code {
	case checks.OK:
		return nil, nil
	case checks.Unknown:
		return nil, errors.New("the resolver did not answer in time")
	default:
		return []checks.Finding{{Code: code, Severity: code.Severity()}}, nil
	}
}

// under is an engine over a panel with 40 sites of 40 owners, each of which
// points elsewhere or is fine; that was seen an hour ago.
func under(t *testing.T, s *sky) *engine.Engine {
	t.Helper()
	var all []checks.Site
	known := map[string]checks.Probe{}
	for i := range 40 {
		name := siteNo(i)
		all = append(all, checks.Site{Name: name, Owner: fmt.Sprint("client", i)})
		p := checks.Probe{At: time.Now().Add(-time.Hour), Checks: []string{checks.NamesCheck}}
		if i%2 == 0 {
			p.Findings = []checks.Finding{{Check: checks.NamesCheck, Server: "isp1", Site: name, Code: checks.DNSElsewhere, Severity: checks.Warning}}
		}
		known[name] = p
	}
	s.online.Store(func() error { return nil })
	e := enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 2},
		Audience: bot.Audience{Chats: []bot.Chat{{To: bot.Address{Messenger: "telegram", Chat: "1"}, Language: "en", Receives: []string{bot.Alerts}}}},
		Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(all...), Prober: enginetest.Prober(s.look), Workers: 4,
			Online: func(context.Context) error { return s.online.Load().(func() error)() }}}})
	enginetest.Read(t, e)
	if err := e.Journal.KeepProbes(t.Context(), "isp1", known); err != nil {
		t.Fatal(err)
	}
	e.Watch.Panels()[0].Keep(known)
	return e
}

// asBefore fails the test unless what is known and what is stored of every site
// is what was known before.
func asBefore(t *testing.T, e *engine.Engine) {
	t.Helper()
	stored, err := e.Journal.Probes(t.Context(), "isp1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		want := checks.OK
		if i%2 == 0 {
			want = checks.DNSElsewhere
		}
		for _, p := range []checks.Probe{stored[siteNo(i)], e.Watch.Panels()[0].State().Probes[siteNo(i)]} {
			if got := p.Verdict().Code; got != want {
				t.Fatalf("%s became %s, was %s", siteNo(i), got, want)
			}
		}
	}
}

// day is a digest's day with the incidents of the journal.
func day(t *testing.T, e *engine.Engine) reports.Day {
	t.Helper()
	d := reports.Day{From: time.Now().Add(-24 * time.Hour), Begun: time.Now().Add(-48 * time.Hour)}
	var err error
	if d.Open, err = e.Journal.OpenIncidents(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.Resolved, err = e.Journal.IncidentsBetween(t.Context(), d.From, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	d.Resolved = slices.DeleteFunc(d.Resolved, func(i reports.Incident) bool { return i.Times.Resolved.IsZero() })
	return d
}

func sweep(t *testing.T, e *engine.Engine) error {
	t.Helper()
	return e.Alerts.Sweep(t.Context(), probe.Sweep{Since: time.Now(), Recheck: probe.RecheckDelay})
}

// Whatever makes all sites fail alike in one sweep, what was known of them
// stays, and one incident says whose fault it is.
func TestAllSitesTurnAlike(t *testing.T) {
	resolver := &checks.Blindness{Cause: checks.BlindResolver, Err: errors.New("it knows a name that does not exist")}
	for name, c := range map[string]struct {
		shows  checks.Code
		online error // from the second control on
		fails  bool
	}{
		"SERVFAIL, and the controls work":     {checks.DNSServFail, nil, false},
		"NXDOMAIN, and the controls work":     {checks.DNSNXDomain, nil, false},
		"no addresses":                        {checks.DNSNoAddress, nil, false},
		"nothing seen, and the controls work": {checks.Unknown, nil, false},
		"nothing seen":                        {checks.Unknown, fmt.Errorf("%w: %w", probe.ErrOffline, resolver), true},
		"NXDOMAIN":                            {checks.DNSNXDomain, fmt.Errorf("%w: %w", probe.ErrOffline, resolver), true},
		"turned for the better":               {checks.OK, fmt.Errorf("%w: %w", probe.ErrOffline, resolver), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sky{}
				s.code.Store(c.shows)
				e := under(t, s)
				asked := 0
				s.online.Store(func() error {
					if asked++; asked > 1 {
						return c.online
					}
					return nil
				})
				if err := sweep(t, e); errors.Is(err, probe.ErrOffline) != c.fails || err != nil && !c.fails {
					t.Fatalf("the sweep ended with %v", err)
				}
				asBefore(t, e)
				blind := day(t, e).Blind()
				if len(blind) != 1 || blind[0].Cause != checks.BlindResolver || !blind[0].To.IsZero() {
					t.Fatalf("blind: %+v", blind)
				}
			})
		})
	}
}

// Blind at the beginning, the sweep looks at nothing; the digest then says from
// when to when.
func TestBlindnessIsToldOnceAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sky{}
		s.code.Store(checks.DNSServFail)
		e := under(t, s)
		network := fmt.Errorf("%w: %w", probe.ErrOffline, &checks.Blindness{Cause: checks.BlindNetwork, Err: errors.New("no route")})
		s.online.Store(func() error { return network })
		began := time.Now()
		for range 2 {
			if err := sweep(t, e); !errors.Is(err, probe.ErrOffline) {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		if n := s.looks.Load(); n != 0 {
			t.Errorf("%d sites were looked at", n)
		}
		asBefore(t, e)
		s.online.Store(func() error { return nil })
		s.code.Store(checks.OK)
		if err := sweep(t, e); err != nil {
			t.Fatal(err)
		}
		blind := day(t, e).Blind()
		if len(blind) != 1 || !blind[0].From.Equal(began) || blind[0].To.Sub(began) < 2*time.Hour {
			t.Fatalf("blind: %+v", blind)
		}
		for language, want := range map[string]string{"en": "our network was down", "ru": "не работала наша сеть"} {
			m := compose.Daily(compose.Writer{Locale: enginetest.Bundle(t).Locale(language, time.UTC), Now: time.Now()}, day(t, e))
			if text := m.Sections[0].Text; strings.Count(text, want) != 1 {
				t.Errorf("the digest says %q", text)
			}
		}
	})
}

// What a second sweep sees again with healthy controls is true, such as a
// hoster of name servers that closed.
func TestWhatStaysIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sky{}
		s.code.Store(checks.DNSNXDomain)
		e := under(t, s)
		if err := sweep(t, e); err != nil {
			t.Fatal(err)
		}
		asBefore(t, e)
		time.Sleep(6 * time.Hour)
		if err := sweep(t, e); err != nil {
			t.Fatal(err)
		}
		if got := e.Watch.Panels()[0].State().Probes[siteNo(0)].Verdict().Code; got != checks.DNSNXDomain {
			t.Errorf("the second sweep is not believed: %s", got)
		}
	})
}

// A sweep that ends in the middle has stored nothing that may be blind.
func TestASweepKilledBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sky{}
		s.code.Store(checks.Unknown)
		e := under(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		err := e.Alerts.Sweep(ctx, probe.Sweep{Since: time.Now(), Recheck: probe.RecheckDelay, Progress: func(done, _ int) {
			if done == 15 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		asBefore(t, e)
	})
}
