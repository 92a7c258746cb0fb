package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/checks/guard"
	"domovoy/checks/pace"
)

// News are the panels that changed since they were observed. It is safe for concurrent
// use.
type News struct {
	mu     sync.Mutex
	panels map[string]bool
	wake   bot.Signal
}

// NewNews returns news of no panel.
func NewNews() *News { return &News{panels: map[string]bool{}, wake: bot.NewSignal()} }

// Add notes that a panel changed. It does not block.
func (n *News) Add(panel string) {
	n.mu.Lock()
	n.panels[panel] = true
	n.mu.Unlock()
	n.wake.Wake()
}

// take returns the panels, in order, and forgets them.
func (n *News) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	names := slices.Sorted(maps.Keys(n.panels))
	clear(n.panels)
	return names
}

// newsPace is the time between two observations of a panel, at least: an agent may read
// its panel once a second, and fifty of them may.
const newsPace = time.Second

// follow observes panels of which there are news, one after another, until the context
// ends. What comes meanwhile is observed together.
func (e *Engine) follow(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.news.wake:
		}
		begun := time.Now()
		for _, name := range e.news.take() {
			p := e.Watch.Panel(name)
			if p == nil { // the program is about to be built again, with this panel
				continue
			}
			err := guard.Run(func() error { return e.Alerts.ObservePanel(ctx, p, time.Now()) })
			if err != nil && ctx.Err() == nil {
				e.Log.ErrorContext(ctx, "cannot observe the panel", "panel", name, "error", err)
			}
		}
		// A rest as long as the work leaves half a processor to all else.
		if err := pace.Sleep(ctx, max(newsPace, min(time.Since(begun), newsRest))); err != nil {
			return err
		}
	}
}

// newsRest is the longest rest between two rounds of observations.
const newsRest = 3 * time.Second
