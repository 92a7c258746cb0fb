package probe_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/registry"
	"domovoy/checks/suite"
	"domovoy/reports"
)

// A sweep does not wait for a registry's rate limit: the questions that would
// have to wait are asked after all sites were probed, and none is lost.
func TestSweepAsksRegistriesAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sites, free = 300, 100
		w := &weather{shows: map[string][]checks.Code{}, looks: map[string][]time.Time{}}
		live := &suite.Live{}
		b := outdoors(t, live, sites, nil)
		line := rate.NewLimiter(rate.Every(2*time.Second), 5) // thirty a minute
		gone := []checks.Finding{{Code: checks.DNSUnregistered, Severity: checks.Warning}}
		live.Checks = []checks.Check{
			enginetest.NamesCheck(func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
				t.DNS.Register = number(t.DNS.Name) < free
				return w.look(ctx, t)
			}),
			{Name: registry.Name, Scope: checks.ScopeName, Live: true, Needs: checks.Needs{Registry: true}, Run: func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
				switch {
				case t.Asked:
					return gone, line.Wait(ctx)
				case line.Allow():
					return gone, nil
				}
				return nil, registry.ErrTurn
			}},
		}
		began := time.Now()
		last := 0
		if err := b.Alerts.Sweep(t.Context(), probe.Sweep{Since: began, Progress: func(done, total int) { last = total - done }}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 3*time.Minute || took > 4*time.Minute {
			t.Errorf("a hundred questions at thirty a minute took %s", took)
		}
		if last != 0 {
			t.Errorf("progress ends %d before the end", last)
		}
		looks, err := b.Journal.Probes(t.Context(), "isp1")
		if err != nil {
			t.Fatal(err)
		}
		for i := range sites {
			l := looks[siteNo(i)]
			if asked := i < free; len(l.Findings) == 1 != asked || len(l.Failures) > 0 {
				t.Errorf("%s: %+v, failed %+v", siteNo(i), l.Findings, l.Failures)
			}
			if looked := w.looks[siteNo(i)]; len(looked) != 1 || looked[0].Sub(began) > time.Second {
				t.Errorf("%s was looked at %v after the beginning", siteNo(i), looked)
			}
		}
	})
}

// What a registry says at the end of a sweep about a domain on a registrar's
// servers for unpaid domains is said with what was seen of it; that it is free
// contradicts what was seen.
func TestRegistriesOfParkedDomains(t *testing.T) {
	till := time.Date(2099, 3, 1, 0, 0, 0, 0, time.UTC)
	unpaid := checks.Finding{Code: checks.DNSUndelegated, Severity: checks.Warning, Args: checks.Args{"reason": "unpaid"}}
	for name, c := range map[string]struct {
		says []checks.Finding
		term checks.Term
		want checks.Code
		args checks.Args
	}{
		"paid":           {nil, checks.Term{PaidTill: till}, checks.DNSElsewhere, checks.Args{"parking": "REG.RU", "paid_till": till}},
		"not identified": {nil, checks.Term{PaidTill: till, Unverified: true}, checks.DNSElsewhere, checks.Args{"parking": "REG.RU", "paid_till": till, "unverified": true}},
		"no term":        {nil, checks.Term{}, checks.DNSElsewhere, checks.Args{"parking": "REG.RU"}},
		"not paid":       {[]checks.Finding{unpaid}, checks.Term{}, checks.DNSUndelegated, checks.Args{"reason": "unpaid", "parking": "REG.RU"}},
		"free":           {[]checks.Finding{{Code: checks.DNSUnregistered, Severity: checks.Warning}}, checks.Term{}, checks.DNSElsewhere, checks.Args{"parking": "REG.RU"}},
	} {
		t.Run(name, func(t *testing.T) {
			live := &suite.Live{Checks: []checks.Check{
				enginetest.NamesCheck(func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
					t.DNS.Register, t.DNS.Parking, t.DNS.Delegated = true, "REG.RU", true
					return []checks.Finding{{Code: checks.DNSElsewhere, Severity: checks.Warning, Args: checks.Args{"parking": "REG.RU"}}}, nil
				}),
				{Name: registry.Name, Scope: checks.ScopeName, Live: true, Needs: checks.Needs{Registry: true}, Run: func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
					if !t.Asked {
						return nil, registry.ErrTurn
					}
					t.DNS.Term = c.term
					return c.says, nil
				}},
			}}
			b := outdoors(t, live, 1, nil)
			if err := b.Alerts.Sweep(t.Context(), probe.Sweep{Since: time.Now()}); err != nil {
				t.Fatal(err)
			}
			probes, err := b.Journal.Probes(t.Context(), "isp1")
			if err != nil {
				t.Fatal(err)
			}
			verdict := probes[siteNo(0)].Verdict()
			if diff := cmp.Diff(c.args, verdict.Finding.Args); diff != "" || verdict.Code != c.want {
				t.Errorf("%s, want %s: %s", verdict.Code, c.want, diff)
			}
		})
	}
}

// number returns the number of a site named by siteNo.
func number(name string) int {
	for i := range 1000 {
		if siteNo(i) == name {
			return i
		}
	}
	return -1
}

// Who asks about a site whose registration was never asked about waits for its
// registry, but not for long; what is known is not asked again.
func TestAPersonWaitsForTheRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known, asked := map[string]*checks.Registration{}, map[string]int{}
		ends := time.Now().AddDate(0, 0, 14)
		source := watch.Source{Name: "isp1", Workers: 1, Reader: enginetest.NewPanel(checks.Site{Name: "shop.ru", Aliases: []string{"www.shop.ru", "silent.by"}}),
			Prober:        enginetest.Prober(func(context.Context, *checks.Target) ([]checks.Finding, error) { return nil, nil }),
			Registrations: func() map[string]*checks.Registration { return known },
			AskRegistry: func(ctx context.Context, domain string) error {
				asked[domain]++
				if domain == "silent.by" {
					<-ctx.Done()
					return ctx.Err()
				}
				known[domain] = &checks.Registration{Domain: domain, Asked: time.Now(), Looked: time.Now(), Answer: checks.RegistryAnswer{State: checks.RegistryDelegated, PaidTill: ends}}
				return nil
			}}
		e := enginetest.New(t, engine.Config{Sources: []watch.Source{source}})
		enginetest.Read(t, e)
		s := e.Watch.States()[0]
		began := time.Now()
		site, err := e.Prober.Site(t.Context(), reports.Site{Server: s, Subject: s.Subjects[0]}, enginetest.Request(t, bot.Viewer))
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		var found []checks.Code
		for _, f := range site.Findings() {
			found = append(found, f.Code)
		}
		if diff := cmp.Diff([]checks.Code{checks.DNSEnding}, found); diff != "" || asked["shop.ru"] != 1 || asked["silent.by"] != 1 {
			t.Errorf("%s, asked %v", diff, asked)
		}
	})
}
