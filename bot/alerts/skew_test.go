package alerts_test

import (
	"testing"
	"time"

	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
)

// A clock that is off is one incident, however often and however far, and the panel is
// read all the same.
func TestAClockThatIsOff(t *testing.T) {
	panel := enginetest.NewPanel(checks.Site{Name: "shop.ru", Active: checks.On})
	e := enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 2}, Sources: []watch.Source{{Name: "isp1", Reader: panel}}})
	now := time.Now().Truncate(time.Second)
	for _, step := range []struct {
		skew time.Duration
		open int
	}{{0, 0}, {2 * time.Minute, 1}, {3 * time.Minute, 1}, {-2 * time.Minute, 1}, {0, 1}, {0, 0}} {
		panel.Change(func(s *checks.Snapshot) { s.Skew = step.skew })
		now = now.Add(time.Minute)
		for _, p := range e.Watch.Panels() {
			if _, err := e.Watch.ReadPanel(t.Context(), p, now); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Alerts.Observe(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		open, err := e.Journal.OpenIncidents(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, i := range open {
			switch i.Finding.Code {
			case checks.FleetSkew:
				found++
			case checks.PanelUnavailable, checks.FleetSilent:
				t.Errorf("a clock that is off by %v: %v", step.skew, i.Finding)
			}
		}
		if found != step.open {
			t.Errorf("a clock that is off by %v: %d incidents and not %d", step.skew, found, step.open)
		}
	}
}
