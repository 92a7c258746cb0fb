// Package watch reads the panels and keeps what is known of them: sites,
// certificates, what the issuance log says, and what each account spent at its
// CA.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/panel"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Rules are what the watch counts by.
type Rules struct {
	Within   time.Duration // how far back failures of issuing count
	Times    int           // as many failures make a certificate failing
	LifeLeft float64       // share of life at which a certificate is overdue
	Every    time.Duration // interval between two sweeps; 0: there are none
	Learn    bool          // replace LifeLeft by what the panel usually leaves
	Zombie   time.Duration // failing for so long with no success
}

// Watch reads panels. It is safe for concurrent use, one reading of a panel at a
// time; its exported fields do not change.
type Watch struct {
	Rules  Rules
	Policy reports.Policy

	journal *journal.Journal
	issuing panel.Classifier
	log     *slog.Logger
	panels  []*Panel
}

// New makes a watch over the panels of the sources; it reads nothing yet.
func New(j *journal.Journal, sources []Source, rules Rules, policy reports.Policy, log *slog.Logger) *Watch {
	w := &Watch{Rules: rules, Policy: policy, journal: j, issuing: panel.Remember(acme.NewClassifier()), log: log}
	for _, s := range sources {
		w.panels = append(w.panels, newPanel(s))
	}
	return w
}

// Panels are all of them, in the order of the configuration.
func (w *Watch) Panels() []*Panel { return w.panels }

// Panel of that name; nil: there is none.
func (w *Watch) Panel(name string) *Panel {
	for _, p := range w.panels {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Classify says what the text of a failed attempt means.
func (w *Watch) Classify(text string) (checks.Code, checks.Args) { return w.issuing.Classify(text) }

// Read reads what is new in every panel. A panel that cannot be read keeps
// what was known of it, with the reason beside it; an error is about our own
// journal or the end of the context.
func (w *Watch) Read(ctx context.Context, now time.Time) error {
	var failed error
	for _, p := range w.panels {
		if _, err := w.ReadPanel(ctx, p, now); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// ReadPanel reads one panel, as Read does. fresh: something may be different
// now.
func (w *Watch) ReadPanel(ctx context.Context, p *Panel, now time.Time) (fresh bool, err error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	defer p.firstDone()
	if err := w.loadProbes(ctx, p); err != nil {
		return false, err
	}
	snapshot, changed, err := p.Reader.Poll(ctx)
	// A change that could not be worked out is still one at the next poll.
	p.last.pending = p.last.pending || changed
	if err == nil && !p.last.due(now) {
		return false, nil
	}
	if err == nil {
		err = w.believe(ctx, p, snapshot, now)
	}
	if err == nil {
		err = w.read(ctx, p, snapshot, now)
	}
	if unreadable, ok := errors.AsType[Unreadable](err); ok {
		if p.State().Trouble != unreadable.Why() { // each reason once, not at every poll
			w.log.WarnContext(ctx, "cannot read the panel", "panel", p.Name, "reason", unreadable.Why(), "error", err)
		}
		p.last.at = time.Time{} // the next snapshot is worked out, changed or not
		p.fail(unreadable.Why())
		return true, nil
	}
	return err == nil, err
}

// WaitFirst waits until every panel's first reading has ended, but not longer
// than most: reading a large log for the first time takes a minute.
func (w *Watch) WaitFirst(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for _, p := range w.panels {
		select {
		case <-p.first:
		case <-ctx.Done():
			return
		}
	}
}

// States are what is known of every panel now, without what the journal
// remembers: see Servers.
func (w *Watch) States() []reports.Server {
	var states []reports.Server
	for _, p := range w.panels {
		states = append(states, p.State())
	}
	return states
}
