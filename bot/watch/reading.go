package watch

import (
	"context"
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
	at       time.Time // the last one that was worked out; zero: none
	pending  bool      // the panel changed since
	judged   time.Time // all sites were looked at, not just what changed
	log      time.Time // the log's last rows were read again
	logBack  time.Time // its last hours were
	files    time.Time // the certificate files were looked at
	folder   error     // why the certificates' folder could not be opened
	results  map[int64]cert.Result
	history  map[string]*checks.History // by certificate; nil: not loaded
	moved    map[string]bool            // certificates whose history is newer than latest
	latest   []*checks.History          // by site; nil: not worked out
	overdue  reports.OverdueRule
	links    links
	sites    suite.Series
	usage    accountUsage
	sampler  panel.Sampler
	newest   int64            // the log's last row, at the last snapshot
	lost     []checks.Missing // tables and columns that the panel had before
	believed time.Time        // when a doubt about the panel ended though nothing changed back
}

// due reports whether to work a snapshot out: it changed, or so much time
// went by that the counts may differ though it did not.
func (r *reading) due(now time.Time) bool {
	return r.pending || r.at.IsZero() || now.Sub(r.at) >= again
}

// read works a snapshot out: the log into the journal, the files, the checks,
// the counts.
func (w *Watch) read(ctx context.Context, p *Panel, s checks.Snapshot, now time.Time) error {
	if err := w.copyLog(ctx, p, now); err != nil {
		return err
	}
	if len(p.last.lost) == 0 { // files are found by the names of owners and certificates
		if err := w.readFiles(ctx, p, s, now); err != nil {
			return err
		}
	}
	failing, err := w.journal.Failing(ctx, p.Name, now.Add(-w.Rules.Within), w.Rules.Times)
	if err != nil {
		return err
	}
	rules := cert.Rules{LifeLeft: p.last.overdue.LifeLeft, Every: w.Rules.Every, Lifetime: p.lifetime}
	all := p.last.subjects(s)
	out := w.runChecks(ctx, p, s, all, rules, now)
	late := nameless(s, rules, now)
	outage := panel.FindOutage(all, out.Findings)
	metrics := panel.CountsWithout(p.last.lost, panel.Counts(s, len(failing), overdue(out)+len(late)))
	if now.Sub(outage.To) <= w.Rules.Within {
		excuse(metrics, all, out.Findings, failing, outage)
	}
	quota := p.Quota(now)
	p.last.at, p.last.pending = now, false
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = reports.Server{
		Name: p.Name, Read: now, Subjects: all, Snapshot: s, Outcome: out,
		Overdue: p.last.overdue, Nameless: late, Quota: quota, Believed: p.last.believed, Lost: p.last.lost,
	}
	for _, m := range metrics {
		p.server.Readings = append(p.server.Readings, reports.Reading{Metric: m})
	}
	for _, c := range failing {
		p.server.Failing = append(p.server.Failing, c.Certificate)
	}
	return nil
}

// places is what is known of addresses: the configured ones, and those that the
// panel lists.
func (p *Panel) places(s checks.Snapshot) panel.Places {
	known := p.Places
	known.Addresses = slices.Concat(known.Addresses, s.Addresses)
	return known
}

// runChecks runs the checks of a reading: over the sites, all of them every few
// minutes because their certificates grow older, and between at those that
// changed; then over the server as a whole.
func (w *Watch) runChecks(ctx context.Context, p *Panel, s checks.Snapshot, subjects []checks.Subject, rules cert.Rules, now time.Time) checks.Outcome {
	list := suite.Logged(w.log, suite.Checks(suite.Reading{Rules: rules, Classifier: w.issuing, Places: p.places(s), CA: p.directory(), Files: p.Files != nil, Moved: w.journal.LastAttemptTime,
		Prospects: func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
			return w.countBudgets(ctx, p, t.Reading.Subjects, t.Now)
		},
	}, suite.Outside{}))
	run, age := p.last.sites.Run, now.Sub(p.last.judged)
	all := age < 0 || age >= again
	if all {
		p.last.judged, run = now, p.last.sites.RunAll
	}
	p.last.sites.Spare = len(p.last.usage.found)
	out := run(ctx, list, p.Name, subjects, now)
	p.MarkDirty(p.last.sites.Looked(), all)
	out.Failures = append(out.Failures, suite.Blind(list, s)...)
	if p.last.folder != nil {
		out.Failures = append(out.Failures, checks.Failure{Check: cert.FileCheck, Server: p.Name, Err: p.last.folder.Error()})
	}
	server := suite.Server(ctx, list, false, &checks.Target{Server: p.Name, Now: now,
		Reading: &checks.Reading{Snapshot: s, Lost: p.last.lost, Subjects: subjects, Findings: out.Findings}})
	out.Checks = append(out.Checks, server.Checks...)
	out.Findings = append(out.Findings, oneBudget(server.Findings)...)
	out.Failures = append(out.Failures, server.Failures...)
	if len(p.last.lost) > 0 {
		out.Failures = append(out.Failures, suite.Halved(list, p.Name, p.last.lost)...)
	}
	return out
}

// excuse notes of the counts how many certificates an outage of the CA held up:
// those that failed repeatedly in it, and those that are still being ordered,
// were given up or became overdue because of it.
func excuse(metrics []checks.Metric, all []checks.Subject, found []checks.Finding, failing []journal.FailingCertificate, o panel.Outage) {
	held, rows := map[string]bool{}, map[int64]*checks.Certificate{}
	for _, x := range all {
		if !o.Sites[x.Site.Name] {
			continue
		}
		held[x.History.Last.Certificate] = true
		for _, c := range []*checks.Certificate{x.Certificate, x.Order} {
			if c != nil {
				held[c.Name], rows[c.ID] = true, c
			}
		}
	}
	excused := map[checks.Code]int{}
	for _, f := range failing {
		excused[checks.PanelFailing] += one(held[f.Certificate])
	}
	for _, c := range rows {
		excused[checks.PanelProcessing] += one(c.Processing == checks.On)
		excused[checks.PanelFailed] += one(c.Failed == checks.On)
	}
	for i := range found {
		excused[checks.PanelOverdue] += one(found[i].Code == checks.CertOverdue && o.Sites[found[i].Site])
	}
	for i := range metrics {
		if m := &metrics[i]; m.Known() {
			m.Excused = min(m.Value, excused[m.Code])
		}
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
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
// domain in them: they belong to no site's finding, but count for the panel.
func nameless(s checks.Snapshot, rules cert.Rules, now time.Time) []checks.Certificate {
	var late []checks.Certificate
	for _, c := range s.Certificates {
		if c.Name == "" && c.Domain == "" && cert.RowOverdue(c, rules, now) {
			late = append(late, c)
		}
	}
	return late
}
