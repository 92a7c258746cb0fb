package bot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/checks/panel"
	"domovoy/checks/suite"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Paces of what a reading does. A panel that is read every five minutes does
// all of it each time; one that is read every second does not.
const (
	again      = time.Minute   // time alone changes the counts
	rereadPace = time.Minute   // rows of the log may be updated in place
	rereadBack = 6 * time.Hour // that far back
	filesPace  = time.Minute   // certificate files may be replaced
)

// reading is what one panel's readings carry over from one to the next.
type reading struct {
	at      time.Time // the last one that was worked out; zero: none
	judged  time.Time // all sites were looked at, not just what changed
	log     time.Time // the log's last hours were read again
	files   time.Time // the certificate files were looked at
	results map[int64]cert.Result
	history map[string]*checks.History // by certificate; nil: not loaded
	overdue reports.OverdueRule
	links   links
	sites   suite.Series
}

// due reports whether to work a snapshot out: it changed, or so much time
// went by that the counts may differ though it did not.
func (r reading) due(changed bool, now time.Time) bool {
	return changed || r.at.IsZero() || now.Sub(r.at) >= again
}

// read works a snapshot out: the log into the journal, the files, the checks,
// the counts.
func (w *Watch) read(ctx context.Context, p *watched, s checks.Snapshot, changed bool, now time.Time) error {
	if err := w.copyLog(ctx, p, changed, now); err != nil {
		return err
	}
	if err := w.readFiles(ctx, p, s, now); err != nil {
		return err
	}
	failing, err := w.journal.Failing(ctx, p.Name, now.Add(-w.rules.Within), w.rules.Times)
	if err != nil {
		return err
	}
	rules := cert.Rules{Now: now, LifeLeft: p.last.overdue.LifeLeft}
	all := p.last.subjects(s)
	out := w.judgeSites(ctx, p, all, rules)
	w.judgePanel(ctx, p, s, &out, now)
	metrics := panel.Counts(s, len(failing), overdue(s, out, rules))
	p.last.at = now
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = reports.Server{
		Name: p.Name, Read: now, Subjects: all, Snapshot: s, Outcome: out,
		Overdue: p.last.overdue, Opened: p.server.Opened,
	}
	for _, m := range metrics {
		p.server.Readings = append(p.server.Readings, reports.Reading{Metric: m})
	}
	return nil
}

// judgeSites looks at the sites: at all of them once a minute, for their
// certificates grow older, and between at those that changed.
func (w *Watch) judgeSites(ctx context.Context, p *watched, all []checks.Subject, rules cert.Rules) checks.Outcome {
	list := suite.Checks(rules, w.issuing)
	if age := rules.Now.Sub(p.last.judged); age >= 0 && age < again {
		return p.last.sites.Run(ctx, list, p.Name, all)
	}
	p.last.judged = rules.Now
	return p.last.sites.Anew(ctx, list, p.Name, all)
}

// judgePanel adds what concerns the server as a whole.
func (w *Watch) judgePanel(ctx context.Context, p *watched, s checks.Snapshot, out *checks.Outcome, now time.Time) {
	out.Checks = append(out.Checks, panel.StaleCheck)
	moved, err := w.journal.LastMoved(ctx, p.Name)
	if err != nil {
		out.Failures = append(out.Failures, checks.Failure{Check: panel.StaleCheck, Server: p.Name, Err: err.Error()})
		return
	}
	out.Findings = append(out.Findings, panel.Stale(s, moved, now)...)
}

// overdue counts the sites whose own finding says so, and beside them the
// rows of a panel that names neither certificate nor domain in them: nobody's
// finding, but the article counts them.
func overdue(s checks.Snapshot, out checks.Outcome, rules cert.Rules) int {
	n := 0
	for _, f := range out.Findings {
		if f.Code == checks.CertOverdue {
			n++
		}
	}
	for _, c := range s.Certificates {
		if c.Name == "" && c.Domain == "" && cert.RowOverdue(c, rules) {
			n++
		}
	}
	return n
}

// copyLog takes over what is new in the issuing log, and now and then what
// may have been updated in place.
func (w *Watch) copyLog(ctx context.Context, p *watched, changed bool, now time.Time) error {
	if !changed && p.last.history != nil {
		return nil
	}
	since := now.AddDate(100, 0, 0) // no row is that new: only what was never read
	if now.Sub(p.last.log) >= rereadPace {
		since = now.Add(-rereadBack)
	}
	from, err := w.journal.NextRow(ctx, p.Name, since)
	if err != nil {
		return err
	}
	newest, err := p.Reader.Newest(ctx)
	if err != nil {
		return err
	}
	if newest < from-1 {
		from = 0 // the log began anew: the panel was set up again, or its log emptied
	}
	touched := map[string]bool{}
	store := func() error {
		return p.Reader.Attempts(ctx, from, func(batch []checks.Attempt) error {
			for _, a := range batch {
				touched[a.Certificate] = true
			}
			return w.journal.KeepAttempts(ctx, p.Name, batch)
		})
	}
	if from == 0 {
		err = w.firstLog(ctx, p, store)
	} else {
		err = store()
	}
	if err != nil {
		return err
	}
	if since.Before(now) {
		p.last.log = now
	}
	return w.loadHistory(ctx, p, touched)
}

// manyRows of a log are worth an import: so many take a second otherwise.
const manyRows = 30_000

// firstLog takes over a log of which nothing is known yet.
func (w *Watch) firstLog(ctx context.Context, p *watched, store func() error) error {
	newest, err := p.Reader.Newest(ctx)
	if err != nil {
		return err
	}
	if newest < manyRows {
		return store()
	}
	return w.journal.Import(ctx, store)
}

// loadHistory brings the history of the touched certificates up to date, or
// all of it at first.
func (w *Watch) loadHistory(ctx context.Context, p *watched, touched map[string]bool) error {
	if p.last.history != nil && len(touched) == 0 {
		return nil
	}
	load := w.journal.LastAttempts
	if p.last.history != nil {
		load = func(ctx context.Context, server string) (map[string]journal.LastAttempt, error) {
			return w.journal.LastAttemptsOf(ctx, server, slices.Collect(maps.Keys(touched)))
		}
	}
	last, err := load(ctx, p.Name)
	if err != nil {
		return err
	}
	history := maps.Clone(p.last.history) // readers may hold the old one
	if history == nil {
		history = make(map[string]*checks.History, len(last))
	}
	for name, l := range last {
		history[name] = &checks.History{Last: l.Attempt, Failures: l.Failures, Since: l.FirstFailed, Issued: l.LastIssued}
	}
	p.last.history = history
	return nil
}

// readFiles looks at the certificate files, and learns from those that were
// replaced when the panel usually renews.
func (w *Watch) readFiles(ctx context.Context, p *watched, s checks.Snapshot, now time.Time) error {
	if now.Sub(p.last.files) < filesPace {
		return nil
	}
	p.last.files = now
	p.last.overdue = reports.OverdueRule{LifeLeft: w.rules.LifeLeft}
	if p.Files == nil {
		return nil
	}
	results, err := p.Files.Read(s.Sites)
	if err != nil {
		w.log.WarnContext(ctx, "certificates not readable", "panel", p.Name, "error", err)
		results = map[int64]cert.Result{}
		for _, site := range s.Sites {
			if site.Certificate != "" {
				results[site.ID] = cert.Result{Err: fmt.Errorf("certificates not readable: %w", cert.ErrFolder)}
			}
		}
	}
	p.last.results = results
	return w.learn(ctx, p, s)
}

// learn keeps the files' dates and works out when this panel renews.
func (w *Watch) learn(ctx context.Context, p *watched, s checks.Snapshot) error {
	var seen []journal.FileSeen
	for _, site := range s.Sites {
		r, ok := p.last.results[site.ID]
		if !ok || r.Err != nil || r.File.SelfSigned || !r.Fresh {
			continue
		}
		seen = append(seen, journal.FileSeen{
			Server: p.Name, Certificate: site.Owner + "/" + cert.Stem(site.Certificate),
			NotBefore: r.File.NotBefore, NotAfter: r.File.NotAfter,
		})
	}
	if len(seen) > 0 {
		if err := w.journal.KeepFiles(ctx, seen); err != nil {
			return err
		}
	}
	if !w.rules.Learn {
		return nil
	}
	renewals, err := w.journal.Renewals(ctx, p.Name, learnFrom)
	if err != nil {
		return err
	}
	p.last.overdue = usual(renewals, w.rules.LifeLeft)
	return nil
}

// Learning: as many renewals are enough, and so many of the newest count.
const (
	enoughRenewals = 50
	learnFrom      = 500
)

// usual is the life left at which a certificate is later than this panel's
// usually are: below nineteen of twenty renewals seen, less two hundredths of
// the lifetime (two days of ninety) as a grace.
func usual(renewals []float64, configured float64) reports.OverdueRule {
	if len(renewals) < enoughRenewals {
		return reports.OverdueRule{LifeLeft: configured}
	}
	sorted := slices.Sorted(slices.Values(renewals))
	return reports.OverdueRule{LifeLeft: max(0, sorted[len(sorted)/20]-0.02), Renewals: len(renewals)}
}
