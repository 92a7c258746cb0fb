package probe_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/checks"
	"domovoy/checks/registry"
	"domovoy/checks/suite"
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

// number returns the number of a site named by siteNo.
func number(name string) int {
	for i := range 1000 {
		if siteNo(i) == name {
			return i
		}
	}
	return -1
}
