package reports

import (
	"slices"
	"time"

	"domovoy/checks"
)

// Run is the counts of one reading of a panel.
type Run struct {
	At      time.Time
	Metrics []checks.Metric // without those that have no value
}

// ReplayedChange is a change that a policy would have reported.
type ReplayedChange struct {
	At time.Time
	Change
}

// Replay applies the policy to a server's past runs, in order of time, and returns
// what it would have reported since from. begun has, by check, the times of the
// runs that were a count's baseline; a count without any has its baseline at its
// first run. Only counts are replayed: only they have thresholds.
func (p Policy) Replay(server string, runs []Run, from time.Time, begun map[string][]time.Time) []ReplayedChange {
	var changes []ReplayedChange
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
				changes = append(changes, ReplayedChange{run.At, c})
			}
		}
		for _, m := range run.Metrics {
			played[countFinding(m).Check] = true
		}
	}
	return changes
}

// count is the outcome of a run's counts.
func (p Policy) count(server string, run Run, open []Incident) checks.Outcome {
	out := checks.Outcome{Server: server}
	for _, m := range run.Metrics {
		out.Checks = append(out.Checks, countFinding(m).Check)
	}
	out.Findings, out.Failures = p.Measure(run.Metrics, open)
	return out
}

// after is the open incidents after a change.
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
	Server   string
	Code     checks.Code
	From     time.Time // may be before the days asked for
	Until    time.Time // zero: ongoing
	Peak     int
	Worst    checks.Severity
	Messages []EpisodeMessage
}

// EpisodeMessage is one message of an episode.
type EpisodeMessage struct {
	At   time.Time  `json:"at"`
	Kind ChangeKind `json:"kind"`
}

// Episodes groups the changes of a replay into episodes, in order of their
// beginning.
func Episodes(changes []ReplayedChange) []Episode {
	var episodes []Episode
	open := map[string]int{}
	for _, r := range changes {
		key := r.Incident.Finding.Key()
		i, known := open[key]
		if !known {
			i = len(episodes)
			open[key] = i
			episodes = append(episodes, Episode{Server: r.Incident.Finding.Server, Code: r.Incident.Finding.Code, From: r.Incident.Times.Opened})
		}
		e := &episodes[i]
		e.Messages = append(e.Messages, EpisodeMessage{r.At, r.Kind})
		e.Peak, e.Worst = max(e.Peak, r.Incident.Peak), max(e.Worst, r.Incident.Worst)
		if r.Kind == Resolved {
			e.Until = r.At
			delete(open, key)
		}
	}
	slices.SortStableFunc(episodes, func(a, b Episode) int { return a.From.Compare(b.From) })
	return episodes
}
