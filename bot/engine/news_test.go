package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
)

// countedPanel counts how often it is read.
type countedPanel struct {
	*enginetest.Panel
	polls atomic.Int64
}

func (p *countedPanel) Poll(ctx context.Context) (checks.Snapshot, bool, error) {
	p.polls.Add(1)
	return p.Panel.Poll(ctx)
}

// A panel of which there is news is observed at once, without any schedule, and others
// are not. A panel that changes all the time is observed once a second.
func TestNewsIsObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy, calm := &countedPanel{Panel: enginetest.NewPanel()}, &countedPanel{Panel: enginetest.NewPanel()}
		news := engine.NewNews()
		e := enginetest.New(t, engine.Config{News: news, Rules: watch.Rules{Within: time.Hour, Times: 2},
			Policy:  reports.Policy{Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Warn: 1, Critical: 5}}},
			Sources: []watch.Source{{Name: "isp1", Reader: busy}, {Name: "isp2", Reader: calm}}})
		running, stop := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer stop()
		go func() { _ = e.Run(running, nil, nil, nil) }() // its error is the end of the context
		observe := func() {
			news.Add("isp1")
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
		}
		observe() // the baseline
		time.Sleep(10 * time.Second)
		open := func() int {
			all, err := e.Journal.OpenIncidents(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		if n := open(); n != 0 {
			t.Fatalf("%d incidents at first", n)
		}
		busy.Change(func(s *checks.Snapshot) {
			for n := range 5 {
				s.Certificates = append(s.Certificates, checks.Certificate{Server: "isp1", ID: int64(n), Name: fmt.Sprintf("c%d", n), Failed: checks.On})
			}
		})
		observe()
		if n := open(); n != 1 {
			t.Errorf("after the news %d incidents are open", n)
		}
		if n := calm.polls.Load(); n != 0 {
			t.Errorf("a panel without news was read %d times", n)
		}
		news.Add("unknown")
		before := busy.polls.Load()
		for range 1000 {
			news.Add("isp1")
			time.Sleep(10 * time.Millisecond)
		}
		if n := busy.polls.Load() - before; n < 5 || n > 11 {
			t.Errorf("in ten seconds of changes it was read %d times", n)
		}
	})
}
