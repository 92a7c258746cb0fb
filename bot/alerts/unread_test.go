package alerts_test

import (
	"context"
	"testing"
	"time"

	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/reports"
)

// unreadable is a panel that cannot be read.
type unreadable struct{ watch.Reader }

func (unreadable) Poll(context.Context) (checks.Snapshot, bool, error) {
	return checks.Snapshot{}, false, &ispmanager.Error{Reason: ispmanager.Gone}
}

// A sweep of a program that has not read the panel yet, since it cannot be read,
// ends nothing: it does not know the sites.
func TestASweepOfAnUnreadPanelEndsNothing(t *testing.T) {
	j := enginetest.Journal(t)
	begin := func(reader watch.Reader) *engine.Engine {
		prober := enginetest.Prober(func(context.Context, *checks.Target) ([]checks.Finding, error) {
			return []checks.Finding{{Code: checks.DNSNXDomain, Severity: checks.Warning}}, nil
		})
		return enginetest.New(t, engine.Config{Journal: j, Policy: reports.Policy{ResolveAfter: 1},
			Sources: []watch.Source{{Name: "isp1", Reader: reader, Prober: prober, Workers: 1}}})
	}
	sweep := func(e *engine.Engine) (open int) {
		t.Helper()
		enginetest.Read(t, e)
		if err := e.Alerts.Sweep(t.Context(), probe.Sweep{Since: time.Now()}); err != nil {
			t.Fatal(err)
		}
		incidents, err := j.OpenIncidents(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range incidents {
			if i.Finding.Code == checks.DNSNXDomain {
				open++
			}
		}
		return open
	}
	if n := sweep(begin(enginetest.NewPanel(checks.Site{Name: "a.example"}, checks.Site{Name: "b.example"}))); n != 2 {
		t.Fatalf("%d sites have a problem, want both", n)
	}
	for range 3 { // each over a restart
		if n := sweep(begin(unreadable{})); n != 2 {
			t.Fatalf("%d problems are open after a sweep of a panel that cannot be read, want both", n)
		}
	}
}
