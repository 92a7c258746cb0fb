package reports

import (
	"slices"
	"time"

	"domovoy/checks"
)

// Run is what one reading of a panel counted.
type Run struct {
	At      time.Time
	Metrics []checks.Metric // a count that could not be had is missing
}

// Replayed is an alert that a policy would have told.
type Replayed struct {
	At time.Time
	Change
}

// Replay plays a server's runs, in order of time, to the policy as if it had
// been in force, and gives what it would have told from a moment on. What is
// above a threshold at the first run of all was there before, as at any
// beginning of a watch. Only counts have thresholds to try, so only they are
// played; nobody takes or silences anything.
func (p Policy) Replay(server string, runs []Run, from time.Time) []Replayed {
	var told []Replayed
	var open []Incident
	begun := map[string]bool{}
	for _, run := range runs {
		out := p.count(server, run, open)
		begins := func(check string) bool { return !begun[check] }
		for _, c := range p.Reconcile(run.At, open, out, begins) {
			open = after(open, c.Incident)
			if c.Kind != "" && c.Kind != Baseline && !run.At.Before(from) {
				told = append(told, Replayed{run.At, c})
			}
		}
		for _, m := range run.Metrics {
			begun[countFinding(m).Check] = true
		}
	}
	return told
}

// count is what a run finds, as far as counts go.
func (p Policy) count(server string, run Run, open []Incident) checks.Outcome {
	out := checks.Outcome{Server: server}
	for _, m := range run.Metrics {
		out.Checks = append(out.Checks, countFinding(m).Check)
	}
	out.Findings, out.Failures = p.Measure(run.Metrics, open)
	return out
}

// after is what is open after a change.
func after(open []Incident, i Incident) []Incident {
	key := i.Finding.Key()
	at := slices.IndexFunc(open, func(x Incident) bool { return x.Finding.Key() == key })
	switch {
	case at < 0 && i.Times.Resolved.IsZero():
		return append(open, i)
	case at < 0:
		return open
	case !i.Times.Resolved.IsZero():
		return slices.Delete(slices.Clone(open), at, at+1)
	}
	open = slices.Clone(open)
	open[at] = i
	return open
}
