package bot

import (
	"context"
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
	again      = 4 * time.Minute  // time alone changes the counts, and slowly
	rereadPace = time.Minute      // rows of the log may be updated in place,
	rereadSoon = 30 * time.Minute // mostly while they are this young;
	backPace   = 15 * time.Minute // at this pace all are read again
	rereadBack = 6 * time.Hour    // that are younger than this
	filesPace  = time.Minute      // certificate files may be replaced
	future     = 48 * time.Hour
)

// reading is what one panel's readings carry over from one to the next.
type reading struct {
	at      time.Time // the last one that was worked out; zero: none
	pending bool      // the panel changed since
	judged  time.Time // all sites were looked at, not just what changed
	log     time.Time // the log's last rows were read again
	logBack time.Time // its last hours were
	files   time.Time // the certificate files were looked at
	folder  error     // why the certificates' folder could not be opened
	results map[int64]cert.Result
	history map[string]*checks.History // by certificate; nil: not loaded
	moved   map[string]bool            // certificates whose history is newer than latest
	latest  []*checks.History          // by site; nil: not worked out
	overdue reports.OverdueRule
	links   links
	sites   suite.Series
	ledger  ledger
}

// due reports whether to work a snapshot out: it changed, or so much time
// went by that the counts may differ though it did not.
func (r *reading) due(now time.Time) bool {
	return r.pending || r.at.IsZero() || now.Sub(r.at) >= again
}

// read works a snapshot out: the log into the journal, the files, the checks,
// the counts.
func (w *Watch) read(ctx context.Context, p *watched, s checks.Snapshot, now time.Time) error {
	if err := w.copyLog(ctx, p, now); err != nil {
		return err
	}
	if err := w.readFiles(ctx, p, s, now); err != nil {
		return err
	}
	failing, err := w.journal.Failing(ctx, p.Name, now.Add(-w.rules.Within), w.rules.Times)
	if err != nil {
		return err
	}
	rules := cert.Rules{Now: now, LifeLeft: p.last.overdue.LifeLeft, Lifetime: p.lifetime}
	all := p.last.subjects(s)
	out := w.judgeSites(ctx, p, s, all, rules)
	w.judgePanel(ctx, p, s, &out, now)
	w.judgeAccount(ctx, p, &out, all, now)
	late := nameless(s, rules)
	metrics := panel.Counts(s, len(failing), overdue(out)+len(late))
	quota := p.quota(now)
	p.last.at, p.last.pending = now, false
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = reports.Server{
		Name: p.Name, Read: now, Subjects: all, Snapshot: s, Outcome: out,
		Overdue: p.last.overdue, Nameless: late, Quota: quota,
	}
	for _, m := range metrics {
		p.server.Readings = append(p.server.Readings, reports.Reading{Metric: m})
	}
	return nil
}

// judgeSites looks at the sites: at all of them every few minutes, for their
// certificates grow older, and between at those that changed.
func (w *Watch) judgeSites(ctx context.Context, p *watched, s checks.Snapshot, all []checks.Subject, rules cert.Rules) checks.Outcome {
	list := suite.Checks(rules, w.issuing, p.Files != nil)
	run, age := p.last.sites.Run, rules.Now.Sub(p.last.judged)
	anew := age < 0 || age >= again
	if anew {
		p.last.judged, run = rules.Now, p.last.sites.Anew
	}
	p.last.sites.Spare = len(p.last.ledger.found)
	out := run(ctx, list, p.Name, all)
	p.learned(p.last.sites.Looked(), anew)
	out.Failures = append(out.Failures, suite.Blind(list, s)...)
	if p.last.folder != nil {
		out.Failures = append(out.Failures, checks.Failure{Check: cert.FileCheck, Server: p.Name, Err: p.last.folder.Error()})
	}
	return out
}

// judgePanel adds what concerns the server as a whole.
func (w *Watch) judgePanel(ctx context.Context, p *watched, s checks.Snapshot, out *checks.Outcome, now time.Time) {
	out.Checks = append(out.Checks, panel.StaleCheck, panel.RowsCheck, panel.AccountCheck)
	moved, err := w.journal.LastMoved(ctx, p.Name)
	if err != nil {
		out.Failures = append(out.Failures, checks.Failure{Check: panel.StaleCheck, Server: p.Name, Err: err.Error()})
		return
	}
	account := panel.Account(out.Findings, s.Server)
	out.Findings = append(out.Findings, panel.Stale(s, moved, now)...)
	out.Findings = append(out.Findings, panel.Unreadable(s)...)
	out.Findings = append(out.Findings, account...)
}

// overdue counts the sites whose own finding says so.
func overdue(out checks.Outcome) int {
	n := 0
	for _, f := range out.Findings {
		if f.Code == checks.CertOverdue {
			n++
		}
	}
	return n
}

// nameless are the overdue rows of a panel that names neither certificate nor
// domain in them: nobody's finding, but the article counts them.
func nameless(s checks.Snapshot, rules cert.Rules) []checks.Certificate {
	var late []checks.Certificate
	for _, c := range s.Certificates {
		if c.Name == "" && c.Domain == "" && cert.RowOverdue(c, rules) {
			late = append(late, c)
		}
	}
	return late
}

// copyLog takes over what is new in the issuing log, and now and then what
// may have been updated in place.
func (w *Watch) copyLog(ctx context.Context, p *watched, now time.Time) error {
	if !p.last.pending && p.last.history != nil {
		return nil
	}
	since := now.AddDate(100, 0, 0) // no row is that new: only what was never read
	back := now.Sub(p.last.logBack) >= backPace
	switch {
	case back:
		since = now.Add(-rereadBack)
	case now.Sub(p.last.log) >= rereadPace:
		since = now.Add(-rereadSoon)
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
			for i := range batch {
				if batch[i].Time.After(now.Add(future)) {
					batch[i].Time = time.Time{} // no attempt is of next week: its time is unreadable
				}
				touched[batch[i].Certificate] = true
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
		p.last.history = nil // what was stored before it is not read again soon
		return err
	}
	if since.Before(now) {
		p.last.log = now
	}
	if back {
		p.last.logBack = now
	}
	return w.loadHistory(ctx, p, touched, now)
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
func (w *Watch) loadHistory(ctx context.Context, p *watched, touched map[string]bool, now time.Time) error {
	if p.last.history != nil && len(touched) == 0 {
		return nil
	}
	var names []string // nil: all
	if p.last.history != nil {
		names = slices.Collect(maps.Keys(touched))
	}
	recovered, err := w.journal.Recovered(ctx, p.Name, names, now.Add(-panel.Fresh))
	if names == nil {
		p.last.history, p.last.moved, p.last.latest = map[string]*checks.History{}, map[string]bool{}, nil
	}
	if err == nil {
		err = w.journal.LastAttempts(ctx, p.Name, names, func(l journal.LastAttempt) {
			h := historyOf(l) // a new one: subjects hold the old
			name := h.Last.Certificate
			if r, ok := recovered[name]; ok {
				h.Recovered = &r
			}
			if was := p.last.history[name]; was != nil && sameHistory(was, h) {
				return // rows that were read again are mostly as they were
			}
			p.last.history[name] = h
			if names != nil {
				p.last.moved[name] = true
			}
		})
	}
	if err != nil {
		p.last.history = nil // all of it anew the next time: nobody will touch these again
	}
	return err
}

func sameHistory(a, b *checks.History) bool {
	if (a.Recovered == nil) != (b.Recovered == nil) || a.Recovered != nil && *a.Recovered != *b.Recovered {
		return false
	}
	return a.Last == b.Last && a.Failures == b.Failures && a.Since.Equal(b.Since) && a.Issued.Equal(b.Issued)
}

// historyOf is what stays in memory, of ten thousands: the words of an attempt
// that did not fail say nothing, and the journal has them.
func historyOf(l journal.LastAttempt) *checks.History {
	last := checks.LastTry{Certificate: l.Attempt.Certificate, Outcome: l.Attempt.Outcome, Time: l.Attempt.Time}
	if last.Outcome == checks.OutcomeFailed {
		last.Text = l.Attempt.Text
	}
	return &checks.History{Last: last, Failures: l.Failures, Since: l.FirstFailed, Issued: l.LastIssued}
}
