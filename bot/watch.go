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
	issuing *acme.Classifier
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
}

// NewWatch makes a watch over panels; it reads nothing yet.
func NewWatch(j *journal.Journal, panels []Panel, rules Rules, log *slog.Logger) *Watch {
	w := &Watch{journal: j, rules: rules, issuing: acme.NewClassifier(), log: log}
	for _, p := range panels {
		w.panels = append(w.panels, &watched{Panel: p, server: unread(p.Name)})
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
func subjects(s checks.Snapshot, files map[int64]cert.Result, history map[string]*checks.History) []checks.Subject {
	byName := make(map[string]*checks.Certificate, len(s.Certificates))
	byDomain := make(map[string]*checks.Certificate, len(s.Certificates))
	for i := range s.Certificates {
		c := &s.Certificates[i]
		if c.Name != "" {
			byName[c.Owner+"/"+c.Name] = c
			byName["/"+c.Name] = c
		}
		if c.Domain != "" {
			byDomain[c.Domain] = c // the last row is the newest order
		}
	}
	out := make([]checks.Subject, len(s.Sites))
	for i, site := range s.Sites {
		out[i] = checks.Subject{Site: site}
		x := &out[i]
		x.Certificate = certificateOf(site, byName, byDomain)
		if x.Certificate != nil {
			x.History = history[x.Certificate.Name]
		}
		if x.History == nil && site.Certificate != "" {
			x.History = history[site.Certificate]
		}
		if r, ok := files[site.ID]; ok {
			if x.FileErr = r.Err; r.Err == nil {
				x.File = &r.File
			}
		}
	}
	return out
}

// certificateOf finds the panel's row of the certificate a site uses: by
// name, of its owner first, for owners may use the same names; else the
// newest order for the site's domain.
func certificateOf(site checks.Site, byName, byDomain map[string]*checks.Certificate) *checks.Certificate {
	if site.Certificate != "" {
		if c := byName[site.Owner+"/"+site.Certificate]; c != nil {
			return c
		}
		if c := byName["/"+site.Certificate]; c != nil {
			return c
		}
	}
	return byDomain[site.Name]
}
