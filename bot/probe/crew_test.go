package probe_test

import (
	"context"
	"fmt"
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

// street is a panel whose address answers one look after the other.
type street struct {
	takes time.Duration // a look
	turn  chan struct{}
	last  time.Time // look
}

func (s *street) look(context.Context, *checks.Target) ([]checks.Finding, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	time.Sleep(s.takes)
	s.last = time.Now()
	return nil, nil
}

// What one address may be asked bounds a panel, and not the sweep: all panels are swept
// at once. One that answers slowly keeps no other waiting, and gets the workers that the
// others do not need any more.
func TestPanelsAreSweptAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sites, workers = 20, 8
		streets := []*street{{takes: time.Second}, {takes: time.Second}, {takes: time.Second}, {takes: 10 * time.Second}}
		var sources []watch.Source
		for n, s := range streets {
			s.turn = make(chan struct{}, 1)
			var all []checks.Site
			for i := range sites {
				all = append(all, checks.Site{Name: fmt.Sprintf("s%d.isp%d.ru", i, n)})
			}
			sources = append(sources, watch.Source{Name: fmt.Sprint("isp", n), Reader: enginetest.NewPanel(all...), Prober: enginetest.Prober(s.look), Workers: workers})
		}
		e := enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 2}, Sources: sources})
		enginetest.Read(t, e)
		began, said := time.Now(), 0
		if err := e.Alerts.Sweep(t.Context(), probe.Sweep{Since: began, Progress: func(done, total int) {
			if said++; done != said || total != len(streets)*sites {
				t.Errorf("progress: %d of %d, the %d. time", done, total, said)
			}
		}}); err != nil {
			t.Fatal(err)
		}
		for n, s := range streets {
			if took := s.last.Sub(began); took != sites*s.takes {
				t.Errorf("isp%d: took %v, and %v by itself", n, took, sites*s.takes)
			}
		}
		if took := time.Since(began); took != sites*10*time.Second || said != len(streets)*sites {
			t.Errorf("the sweep took %v, %d sites", took, said)
		}
	})
}
