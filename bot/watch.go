package bot

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/ispmanager"
	"domovoy/checks/panel"
	"domovoy/checks/suite"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Panel is a panel to watch.
type Panel struct {
	Name   string
	Reader *ispmanager.Panel
	Files  *cert.Files // nil: certificates are not read
	Live   *suite.Live // nil: sites are not looked at from outside

	Workers int                         // sites that a sweep looks at together; at least one
	Online  func(context.Context) error // whether we have a network at all, before a sweep; may be nil
	CA      *CA                         // nil: its account at the CA is not known
}

// Rules are what the watch counts by.
type Rules struct {
	Within   time.Duration // how far back failures of issuing count
	Times    int           // as many failures make a certificate failing
	LifeLeft float64       // share of life at which a certificate is overdue
	Learn    bool          // replace LifeLeft by what the panel usually leaves
	Zombie   time.Duration // failing for so long with no success
}

// Watch reads the panels and keeps what is known of them now. It is safe for
// concurrent use; one reading of a panel at a time.
type Watch struct {
	journal *journal.Journal
	rules   Rules
	issuing panel.Classifier
	log     *slog.Logger
	panels  []*watched

	sweeping chan struct{} // holds one while a sweep is under way
}

// watched is one panel with its state.
type watched struct {
	Panel
	reading sync.Mutex // held during a reading
	last    reading    // guarded by reading
	busy    int        // readings in a row that failed; of the job that observes alone

	mu     sync.RWMutex
	server reports.Server          // guarded by mu
	looks  map[string]reports.Look // guarded by mu; nil: not loaded
	news   news                    // guarded by mu
	left   accounting              // guarded by mu

	tried func()        // closes first, once
	first chan struct{} // closed when the first reading ended, however it did
}

// NewWatch makes a watch over panels; it reads nothing yet.
func NewWatch(j *journal.Journal, panels []Panel, rules Rules, log *slog.Logger) *Watch {
	w := &Watch{journal: j, rules: rules, issuing: panel.Remember(acme.NewClassifier()), log: log, sweeping: make(chan struct{}, 1)}
	for _, p := range panels {
		first := make(chan struct{})
		w.panels = append(w.panels, &watched{Panel: p, server: unread(p.Name), first: first, tried: sync.OnceFunc(func() { close(first) })})
	}
	return w
}

// Look reads what is new in every panel. A panel that cannot be read keeps
// what was known of it, with the reason beside it; an error is about our own
// journal or the end of the context.
func (w *Watch) Look(ctx context.Context, now time.Time) error {
	var failed error
	for _, p := range w.panels {
		if _, err := w.look(ctx, p, now); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// look reads one panel; fresh tells whether anything can be different now.
func (w *Watch) look(ctx context.Context, p *watched, now time.Time) (fresh bool, err error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	defer p.tried()
	if err := w.recall(ctx, p); err != nil {
		return false, err
	}
	snapshot, changed, err := p.Reader.Poll(ctx)
	// News that could not be worked out stays news.
	p.last.pending = p.last.pending || changed
	if err == nil && !p.last.due(now) {
		return false, nil
	}
	if err == nil && vanished(p.state(), snapshot) {
		err = &ispmanager.Error{Reason: ispmanager.Shape, Detail: "no sites any more"}
	}
	if err == nil {
		err = w.read(ctx, p, snapshot, now)
	}
	var unreadable *ispmanager.Error
	if errors.As(err, &unreadable) {
		if p.state().Trouble != string(unreadable.Reason) { // each reason once, not at every poll
			w.log.WarnContext(ctx, "panel not readable", "panel", p.Name, "reason", unreadable.Reason, "error", err)
		}
		p.last.at = time.Time{} // whatever comes next is news
		p.fail(unreadable.Reason)
		return true, nil
	}
	return err == nil, err
}

// manySites do not leave a panel between two readings: a table without a row
// is a fault of the panel (its module unloaded, its database begun anew).
const manySites = 20

// vanished reports whether a panel full of sites has none now.
func vanished(known reports.Server, s checks.Snapshot) bool {
	return len(s.Sites) == 0 && len(known.Snapshot.Sites) >= manySites
}

// begun waits until every panel's first reading has ended, but not longer
// than most: reading a large log for the first time takes a minute.
func (w *Watch) begun(ctx context.Context, most time.Duration) {
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

// fail keeps the server's last state and notes why there is none of now.
func (p *watched) fail(reason ispmanager.Reason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server.Trouble = string(reason)
}

// Sites are how many there are on all panels, as last read.
func (w *Watch) Sites() int {
	n := 0
	for _, p := range w.panels {
		n += len(p.state().Subjects)
	}
	return n
}

// state is what is known of a panel now.
func (p *watched) state() reports.Server {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.server
	s.Looks = p.looks
	return s
}

// unread is the state of a panel before its first reading.
func unread(name string) reports.Server {
	s := reports.Server{Name: name, Trouble: "never"}
	for _, m := range panel.Unavailable(name, "never") {
		s.Readings = append(s.Readings, reports.Reading{Metric: m})
	}
	return s
}
