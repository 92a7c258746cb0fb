package bot

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/checks/panel"
	"domovoy/checks/suite"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// patience is how many readings in a row must meet a busy database before it
// is worth a message: a panel may write for a few seconds.
const patience = 3

// Observe is the job that reads the panels: what changed is recorded and told
// in one transaction a panel. A panel in trouble holds no other up.
func (b *Bot) Observe(ctx context.Context, now time.Time) error {
	var failed error
	for _, p := range b.watch.panels {
		failed = errors.Join(failed, b.observe(ctx, p, now))
	}
	return failed
}

func (b *Bot) observe(ctx context.Context, p *watched, now time.Time) (err error) {
	fresh, err := b.watch.look(ctx, p, now)
	if err != nil || !fresh {
		return err
	}
	s, latest := p.takeNews()
	defer func() {
		if err != nil { // not recorded: it is news still
			p.learned(nil, true)
		}
	}()
	entry, err := b.entryOf(ctx, p, s, latest, now)
	if err != nil {
		return err
	}
	if err := b.journal.Record(ctx, entry); err != nil {
		return err
	}
	if len(entry.Deliveries) > 0 {
		b.rang.ring() // only then: whoever is woken looks into the journal
	}
	return nil
}

// entryOf is what the journal is to record of a reading: what changed since
// the last one, the counts, what was looked at for the first time, and what is
// to be told.
func (b *Bot) entryOf(ctx context.Context, p *watched, s reports.Server, latest news, now time.Time) (journal.Entry, error) {
	entry := journal.Entry{At: now}
	open, err := b.journal.OpenIncidents(ctx)
	if err != nil {
		return entry, err
	}
	begun, err := b.journal.Baselines(ctx)
	if err != nil {
		return entry, err
	}
	some, standing := latest.narrow(s, open)
	out := b.outcome(ctx, p, some, standing)
	begin := beginning(out, s, begun)
	if begin.Server || len(begin.Checks) > 0 {
		// Whatever a check finds at its first look belongs together.
		standing, out = open, b.outcome(ctx, p, s, open)
	}
	entry.Changes = b.policy.Reconcile(now, standing, out, begin.Begins)
	if s.Trouble == "" {
		for _, r := range s.Readings {
			entry.Metrics = append(entry.Metrics, r.Metric)
		}
	}
	if begin.Server {
		entry.Baseline = []string{p.Name}
	}
	for _, check := range begin.Checks {
		entry.Baseline = append(entry.Baseline, p.Name+"/"+check)
	}
	if s, err = b.dress(ctx, s, after(open, entry.Changes), now); err != nil {
		return entry, err
	}
	entry.Deliveries, err = b.tell(ctx, s, entry.Changes, begin, now)
	return entry, err
}

// beginning is what this run looked at for the first time: the panel, and
// each check that could look. What it finds was there before the watch.
func beginning(out checks.Outcome, s reports.Server, begun map[string]time.Time) reports.Beginning {
	if s.Trouble != "" {
		return reports.Beginning{}
	}
	_, known := begun[s.Name]
	begin := reports.Beginning{Server: !known}
	for _, check := range out.Checks {
		blind := slices.ContainsFunc(out.Failures, func(f checks.Failure) bool { return f.Check == check && f.Site == "" })
		if _, known := begun[s.Name+"/"+check]; !known && !blind && check != panel.ReadingCheck {
			begin.Checks = append(begin.Checks, check)
		}
	}
	if slices.Contains(begin.Checks, cert.FileCheck) {
		// Files that are read at last show certificates that were late before.
		begin.Checks = append(begin.Checks, reports.CountCheck+"."+string(checks.PanelOverdue))
	}
	return begin
}

// Retire closes what nobody looks at any more, without a word: the incidents
// of panels that left the configuration, and those found in certificate files
// of panels whose files are not read any more.
func (b *Bot) Retire(ctx context.Context, now time.Time) error {
	open, err := b.journal.OpenIncidents(ctx)
	if err != nil {
		return err
	}
	entry := journal.Entry{At: now}
	for _, i := range open {
		at := slices.IndexFunc(b.watch.panels, func(p *watched) bool { return p.Name == i.Finding.Server })
		if at < 0 || i.Finding.Check == cert.FileCheck && b.watch.panels[at].Files == nil {
			i.Times.Resolved = now
			entry.Changes = append(entry.Changes, reports.Change{Incident: i})
		}
	}
	if len(entry.Changes) == 0 {
		return nil
	}
	return b.journal.Record(ctx, entry)
}

// after is what is open once the changes are made.
func after(open []reports.Incident, changes []reports.Change) iter.Seq[reports.Incident] {
	changed := make(map[string]bool, len(changes))
	for _, c := range changes {
		changed[c.Incident.Finding.Key()] = true
	}
	return func(yield func(reports.Incident) bool) {
		for _, i := range open {
			if (len(changed) == 0 || !changed[i.Finding.Key()]) && !yield(i) {
				return
			}
		}
		for _, c := range changes {
			if c.Incident.Times.Resolved.IsZero() && !yield(c.Incident) {
				return
			}
		}
	}
}

// outcome is what a reading gave, as incidents are made of it: each site's
// root cause, the counts above their thresholds, and the reading itself.
func (b *Bot) outcome(ctx context.Context, p *watched, s reports.Server, open []reports.Incident) checks.Outcome {
	if s.Trouble != "" {
		return b.blindOutcome(ctx, p, s, open)
	}
	p.busy = 0
	out := s.Outcome
	out.Findings = s.NotSuperseded(out.Findings)
	out.Findings = reports.Causes(out, reports.Verdicts(out, s.Subjects))
	out.Checks = slices.Clip(out.Checks)
	var metrics []checks.Metric
	for _, r := range s.Readings {
		metrics = append(metrics, r.Metric)
		out.Checks = append(out.Checks, reports.CountCheck+"."+string(r.Code))
	}
	findings, failures := b.policy.Measure(metrics, open)
	out.Findings = append(findings, out.Findings...)
	out.Failures = append(failures, out.Failures...)
	return out
}

// blindOutcome is a reading that failed: nothing else was looked at.
func (b *Bot) blindOutcome(ctx context.Context, p *watched, s reports.Server, open []reports.Incident) checks.Outcome {
	out := suite.Server(ctx, []checks.Check{panel.Readable()}, false, &checks.Target{Server: s.Name, Reading: &checks.Reading{Trouble: s.Trouble}})
	p.busy++
	passing := s.Trouble == "locked" || s.Trouble == "timeout"
	for _, i := range open {
		if i.Finding.Code == checks.PanelUnavailable && i.Finding.Server == s.Name {
			passing = false // reported already
		}
	}
	if passing && p.busy < patience {
		return checks.Outcome{Server: s.Name}
	}
	return out
}
