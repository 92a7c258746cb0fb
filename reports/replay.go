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
// been in force, and gives what it would have told from a moment on. begun are
// the runs, by check, at which a count was first looked at, or looked at anew:
// what it is then was there before. A count of which that is not known begins
// with its first run. Only counts have thresholds to try, so only they are
// played; nobody takes or silences anything.
func (p Policy) Replay(server string, runs []Run, from time.Time, begun map[string][]time.Time) []Replayed {
	var told []Replayed
	var open []Incident
	played := map[string]bool{}
	for _, run := range runs {
		out := p.count(server, run, open)
		begins := func(check string) bool {
			if known := begun[check]; len(known) > 0 {
				return slices.ContainsFunc(known, run.At.Equal)
			}
			return !played[check]
		}
		for _, c := range p.Reconcile(run.At, open, out, begins) {
			open = after(open, c.Incident)
			if c.Kind != "" && c.Kind != Baseline && !run.At.Before(from) {
				told = append(told, Replayed{run.At, c})
			}
		}
		for _, m := range run.Metrics {
			played[countFinding(m).Check] = true
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

// Episode is one alert of a replay, from its opening to its end.
type Episode struct {
	Server string
	Code   checks.Code
	From   time.Time // may be before the days that were asked for
	Until  time.Time // zero: it goes on
	Peak   int
	Worst  checks.Severity
	Told   []Telling
}

// Telling is one message of an alert.
type Telling struct {
	At   time.Time  `json:"at"`
	Kind ChangeKind `json:"kind"`
}

// Episodes folds what a replay told into alerts, in order of their beginning.
func Episodes(told []Replayed) []Episode {
	var episodes []Episode
	open := map[string]int{}
	for _, r := range told {
		key := r.Incident.Finding.Key()
		i, known := open[key]
		if !known {
			i = len(episodes)
			open[key] = i
			episodes = append(episodes, Episode{Server: r.Incident.Finding.Server, Code: r.Incident.Finding.Code, From: r.Incident.Times.Opened})
		}
		e := &episodes[i]
		e.Told = append(e.Told, Telling{r.At, r.Kind})
		e.Peak, e.Worst = max(e.Peak, r.Incident.Peak), max(e.Worst, r.Incident.Worst)
		if r.Kind == Resolved {
			e.Until = r.At
			delete(open, key)
		}
	}
	slices.SortStableFunc(episodes, func(a, b Episode) int { return a.From.Compare(b.From) })
	return episodes
}
