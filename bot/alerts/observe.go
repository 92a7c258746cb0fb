// Package alerts records what changed on the panels as incidents, together
// with the messages that tell the chats about it.
package alerts

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/bot/probe"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/checks/panel"
	"domovoy/checks/suite"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Recorder turns readings and probes into incidents and alerts.
type Recorder struct {
	journal *journal.Journal
	watch   *watch.Watch
	prober  *probe.Prober
	people  *people.Directory
	send    bot.Signal // there is something to send
	log     *slog.Logger

	turns map[string]*turn // of the panels, by name

	deciding sync.Mutex // held from what a decision rests on until it is stored
	review   bot.Signal // problems or silences changed: when they change by themselves is to be worked out again
}

// New makes a recorder.
func New(j *journal.Journal, w *watch.Watch, p *probe.Prober, d *people.Directory, send bot.Signal, log *slog.Logger) *Recorder {
	r := &Recorder{journal: j, watch: w, prober: p, people: d, send: send, log: log, turns: map[string]*turn{}, review: bot.NewSignal()}
	for _, p := range w.Panels() {
		r.turns[p.Name] = &turn{}
	}
	return r
}

// turn is held from a panel's reading until what it found is recorded: an older reading
// must not be recorded after a newer one.
type turn struct {
	sync.Mutex
	failed int // readings in a row that failed
}

// patience is how many readings in a row must find the database busy before it
// is reported: a panel may write for a few seconds.
const patience = 3

// Observe is the job that reads the panels. For each panel it records what
// changed, together with the messages about it, in one transaction. A panel that
// cannot be read does not delay the others.
func (r *Recorder) Observe(ctx context.Context, now time.Time) error {
	var failed error
	for _, p := range r.watch.Panels() {
		failed = errors.Join(failed, r.observe(ctx, p, now))
	}
	return failed
}

// ObservePanel is Observe for one panel, of which there is news.
func (r *Recorder) ObservePanel(ctx context.Context, p *watch.Panel, now time.Time) error {
	return r.observe(ctx, p, now)
}

func (r *Recorder) observe(ctx context.Context, p *watch.Panel, now time.Time) (err error) {
	turn := r.turns[p.Name]
	turn.Lock()
	defer turn.Unlock()
	fresh, err := r.watch.ReadPanel(ctx, p, now)
	if err != nil || !fresh {
		return err
	}
	s, dirty := p.TakeDirty()
	defer func() {
		if err != nil { // not recorded: to be compared again
			p.MarkDirty(nil, true)
			p.Again()
		}
	}()
	reading, err := r.reading(ctx, p, s, dirty, now)
	if err != nil {
		return err
	}
	entry, err := r.settle(ctx, reading)
	if err == nil && ending(entry) {
		p.Again()
	}
	return err
}

// reading is the run of a panel's reading: what it found, the counts, and what
// was looked at for the first time.
func (r *Recorder) reading(ctx context.Context, p *watch.Panel, s reports.Server, dirty watch.Dirty, now time.Time) (run, error) {
	open, err := r.journal.OpenIncidents(ctx)
	if err != nil {
		return run{}, err
	}
	begun, err := r.journal.Baselines(ctx)
	if err != nil {
		return run{}, err
	}
	some, standing := dirty.Narrow(s, open)
	out := r.outcome(ctx, p, some, standing)
	found := run{now: now, server: s.Name, out: out, begin: beginning(out, s, begun), policy: r.watch.Policy}
	if found.begin.Server || len(found.begin.Checks) > 0 {
		// All findings of a check's first look belong together.
		found.out = r.outcome(ctx, p, s, open)
	} else {
		found.narrow = func(open []reports.Incident) []reports.Incident {
			_, standing := dirty.Narrow(s, open)
			return standing
		}
	}
	if s.Trouble == "" {
		for _, x := range s.Readings {
			found.entry.Metrics = append(found.entry.Metrics, x.Metric)
		}
		found.entry.Metrics = append(found.entry.Metrics, checks.Metric{Server: s.Name, Code: checks.PanelUnreadable, Value: s.Snapshot.UnreadableN})
	}
	if found.begin.Server {
		found.entry.Baseline = []string{p.Name}
	}
	for _, check := range found.begin.Checks {
		found.entry.Baseline = append(found.entry.Baseline, p.Name+"/"+check)
	}
	return found, nil
}

// beginning is what this run looked at for the first time: the panel, and each
// check that could look. What they find existed before the watch began.
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
		// Files that become readable show certificates that were overdue before.
		begin.Checks = append(begin.Checks, reports.CountCheck+"."+string(checks.PanelOverdue))
	}
	return begin
}

// Retire closes, without a message, the incidents that no check looks at any
// more: those of panels that left the configuration, and those found in the
// certificate files of panels whose files are not read any more. It also drops what
// waits for addresses that left the configuration, and has chats that did not take
// the summary of a panel get it after all.
func (r *Recorder) Retire(ctx context.Context, now time.Time) error {
	if err := errors.Join(r.leave(ctx), r.journal.ForgetGreetings(ctx)); err != nil {
		return err
	}
	open, err := r.journal.OpenIncidents(ctx)
	if err != nil {
		return err
	}
	over := run{now: now, policy: r.watch.Policy}
	for _, i := range open {
		at := slices.IndexFunc(r.watch.Panels(), func(p *watch.Panel) bool { return p.Name == i.Finding.Server })
		if at < 0 || i.Finding.Check == cert.FileCheck && r.watch.Panels()[at].Files == nil {
			i.Times.Resolved = now
			over.changes = append(over.changes, reports.Change{Incident: i})
		}
	}
	if len(over.changes) == 0 {
		return nil
	}
	_, err = r.settle(ctx, over)
	return err
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
func (r *Recorder) outcome(ctx context.Context, p *watch.Panel, s reports.Server, open []reports.Incident) checks.Outcome {
	if s.Trouble != "" {
		return r.blindOutcome(ctx, s, open)
	}
	r.turns[p.Name].failed = 0
	return r.judged(s, open)
}

// judged is what a reading that succeeded gave.
func (r *Recorder) judged(s reports.Server, open []reports.Incident) checks.Outcome {
	out := s.Outcome
	out.Findings = s.NotSuperseded(out.Findings)
	out.Findings = reports.Causes(out, reports.Verdicts(out, s.Subjects))
	out.Checks = slices.Clip(out.Checks)
	var metrics []checks.Metric
	for _, x := range s.Readings {
		metrics = append(metrics, x.Metric)
		out.Checks = append(out.Checks, reports.CountCheck+"."+string(x.Code))
	}
	findings, failures := r.watch.Policy.Measure(metrics, open)
	out.Findings = append(findings, out.Findings...)
	out.Failures = append(failures, out.Failures...)
	return out
}

// passes reports whether a trouble of a reading usually is over at the next one: the
// database was busy.
func passes(trouble string) bool { return trouble == "locked" || trouble == "timeout" }

// blindOutcome is a reading that failed: nothing else was looked at.
func (r *Recorder) blindOutcome(ctx context.Context, s reports.Server, open []reports.Incident) checks.Outcome {
	r.turns[s.Name].failed++
	passing := passes(s.Trouble)
	for _, i := range open {
		if i.Finding.Code == checks.PanelUnavailable && i.Finding.Server == s.Name {
			passing = false // reported already
		}
	}
	if passing && r.turns[s.Name].failed < patience || r.saidElsewhere(s) {
		return checks.Outcome{Server: s.Name}
	}
	return suite.Server(ctx, []checks.Check{panel.Readable()}, false, &checks.Target{Server: s.Name, Reading: &checks.Reading{Trouble: s.Trouble}})
}

// saidElsewhere reports whether what keeps a panel behind an agent from being known is
// no problem of its own: a hub that is gone is one problem for all panels, an agent
// that is not there yet is none, a hub that is away for a short time is none yet, and
// what is on its way will come.
func (r *Recorder) saidElsewhere(s reports.Server) bool {
	switch s.Trouble {
	case panel.AgentUnseen, panel.AgentPartial, panel.HubLost:
		return true
	case panel.HubGone:
		for _, p := range r.watch.Panels() {
			if p.State().Trouble == panel.HubGone {
				return p.Name != s.Name
			}
		}
	}
	return false
}
