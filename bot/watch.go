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
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Panel is a panel to watch.
type Panel struct {
	Name   string
	Reader *ispmanager.Panel
	Files  *cert.Files // nil: certificates are not read
}

// Rules are what the watch counts by.
type Rules struct {
	Within   time.Duration // how far back failures of issuing count
	Times    int           // as many failures make a certificate failing
	LifeLeft float64       // share of life at which a certificate is overdue
	Learn    bool          // replace LifeLeft by what the panel usually leaves
}

// Watch reads the panels and keeps what is known of them now. It is safe for
// concurrent use; one reading of a panel at a time.
type Watch struct {
	journal *journal.Journal
	rules   Rules
	issuing panel.Classifier
	log     *slog.Logger
	panels  []*watched
}

// watched is one panel with its state.
type watched struct {
	Panel
	reading sync.Mutex // held during a reading
	last    reading    // guarded by reading
	busy    int        // readings in a row that failed; guarded by reading

	mu     sync.RWMutex
	server reports.Server // guarded by mu

	tried func()        // closes first, once
	first chan struct{} // closed when the first reading ended, however it did
}

// NewWatch makes a watch over panels; it reads nothing yet.
func NewWatch(j *journal.Journal, panels []Panel, rules Rules, log *slog.Logger) *Watch {
	w := &Watch{journal: j, rules: rules, issuing: panel.Remember(acme.NewClassifier()), log: log}
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
	snapshot, changed, err := p.Reader.Poll(ctx)
	if err == nil && !p.last.due(changed, now) {
		return false, nil
	}
	if err == nil {
		err = w.read(ctx, p, snapshot, changed, now)
	}
	var unreadable *ispmanager.Error
	if errors.As(err, &unreadable) {
		w.log.WarnContext(ctx, "panel not readable", "panel", p.Name, "reason", unreadable.Reason, "error", err)
		p.last.at = time.Time{} // whatever comes next is news
		p.fail(unreadable.Reason)
		return true, nil
	}
	return err == nil, err
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

// Server gives what is known of a panel now.
func (p *watched) state() reports.Server {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.server
}

// subjects joins sites with their certificates, files and history.
func (r *reading) subjects(s checks.Snapshot) []checks.Subject {
	r.links.follow(s)
	out := make([]checks.Subject, len(s.Sites))
	for i := range s.Sites {
		site, x := &s.Sites[i], &out[i]
		x.Site = *site
		if at := r.links.of[i]; at >= 0 {
			x.Certificate = &s.Certificates[at]
			x.History = r.history[x.Certificate.Name]
		}
		if x.History == nil && site.Certificate != "" {
			x.History = r.history[site.Certificate]
		}
		if result, ok := r.results[site.ID]; ok {
			if x.FileErr = result.Err; result.Err == nil {
				x.File = &result.File
			}
		}
	}
	return out
}

// links are which of a snapshot's certificates its sites use. They hold for
// the next one too where no name changed, which is nearly always.
type links struct {
	sites        []checks.Site
	certificates []checks.Certificate
	of           []int // by site; -1: none
}

func (l *links) follow(s checks.Snapshot) {
	if l.of == nil || !l.hold(s) {
		l.find(s)
	}
	l.sites, l.certificates = s.Sites, s.Certificates
}

// hold relies on a snapshot's sites being shared with the one before when
// they are the same.
func (l *links) hold(s checks.Snapshot) bool {
	if len(l.sites) != len(s.Sites) || len(l.certificates) != len(s.Certificates) {
		return false
	}
	if len(s.Sites) > 0 && &l.sites[0] != &s.Sites[0] {
		return false
	}
	for i := range s.Certificates {
		was, is := &l.certificates[i], &s.Certificates[i]
		if was.Name != is.Name || was.Domain != is.Domain || was.Owner != is.Owner {
			return false
		}
	}
	return true
}

// named is a certificate's name at an owner; without one, at any.
type named struct{ owner, name string }

func (l *links) find(s checks.Snapshot) {
	byName := make(map[named]int, 2*len(s.Certificates))
	byDomain := make(map[string]int, len(s.Certificates))
	for i := range s.Certificates {
		c := &s.Certificates[i]
		if c.Name != "" {
			byName[named{c.Owner, c.Name}] = i
			byName[named{"", c.Name}] = i
		}
		if c.Domain != "" {
			byDomain[c.Domain] = i // the last row is the newest order
		}
	}
	l.of = make([]int, len(s.Sites))
	for i := range s.Sites {
		l.of[i] = certificateOf(&s.Sites[i], byName, byDomain)
	}
}

// certificateOf finds the panel's row of the certificate a site uses: by
// name, of its owner first, for owners may use the same names; else the
// newest order for the site's domain. -1: there is none.
func certificateOf(site *checks.Site, byName map[named]int, byDomain map[string]int) int {
	if site.Certificate != "" {
		if i, ok := byName[named{site.Owner, site.Certificate}]; ok {
			return i
		}
		if i, ok := byName[named{"", site.Certificate}]; ok {
			return i
		}
	}
	if i, ok := byDomain[site.Name]; ok {
		return i
	}
	return -1
}
