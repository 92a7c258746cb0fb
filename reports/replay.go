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

// Replayed is something that a policy would have told.
type Replayed struct {
	At time.Time
	Telling
}

// Replay applies the policy to a server's past runs, in order of time, and returns
// what it would have told since from, had nobody taken or silenced anything.
// begun has, by check, the times of the runs that were a count's baseline; a
// count without any has its baseline at its first run. Only counts are replayed:
// only they have thresholds.
func (p Policy) Replay(server string, runs []Run, from time.Time, begun map[string][]time.Time) []Replayed {
	p.Quiet, p.Escalation = Quiet{}, nil
	var told []Replayed
	past := replay{opens: map[string][]time.Time{}}
	played := map[string]bool{}
	for _, run := range runs {
		out := p.count(server, run, past.open)
		begins := func(check string) bool {
			if known := begun[check]; len(known) > 0 {
				return slices.ContainsFunc(known, run.At.Equal)
			}
			return !played[check]
		}
		d := p.Decide(Situation{Now: run.At, Open: past.open, Changes: p.Reconcile(run.At, past.open, out, begins),
			Problems: past.problems, Looked: out.LookedAt, Opens: past.opens})
		past.keep(d)
		for _, t := range d.Tellings {
			if !run.At.Before(from) {
				told = append(told, Replayed{run.At, t})
			}
		}
		for _, m := range run.Metrics {
			played[countFinding(m).Check] = true
		}
	}
	return told
}

// replay is what a journal would hold.
type replay struct {
	open     []Incident
	problems []Problem
	opens    map[string][]time.Time
	lastID   int64
}

// keep stores a decision as the journal does.
func (r *replay) keep(d Decision) {
	for _, pr := range d.Problems {
		at := slices.IndexFunc(r.problems, func(x Problem) bool { return x.Key == pr.Key })
		if at < 0 {
			r.lastID++
			pr.ID = r.lastID
			r.problems, at = append(r.problems, pr), len(r.problems)
		}
		r.problems = slices.Clone(r.problems)
		r.problems[at] = pr
	}
	for _, c := range d.Changes {
		i := c.Incident
		if i.Joins != "" {
			at := slices.IndexFunc(r.problems, func(x Problem) bool { return x.Key == i.Joins })
			i.Problem, i.Joins = r.problems[at].ID, ""
		}
		if key := i.Finding.Key(); c.Kind == Opened || c.Kind == Baseline {
			r.opens[key] = append(r.opens[key], i.Times.Opened)
		}
		r.open = after(r.open, i)
	}
	r.problems = slices.DeleteFunc(r.problems, func(pr Problem) bool { return !pr.Open() })
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
	At   time.Time `json:"at"`
	Kind Reason    `json:"kind"`
}

// Episodes groups what a replay tells into episodes, in order of their
// beginning.
func Episodes(told []Replayed) []Episode {
	var episodes []Episode
	open := map[string]int{}
	for _, r := range told {
		key := r.Problem.Key
		i, known := open[key]
		if !known {
			i = len(episodes)
			open[key] = i
			episodes = append(episodes, Episode{Server: r.Problem.Server, Code: r.Problem.Cause, From: r.Problem.Opened})
		}
		e := &episodes[i]
		e.Messages = append(e.Messages, EpisodeMessage{r.At, r.Reason})
		e.Peak, e.Worst = max(e.Peak, r.Problem.Peak), max(e.Worst, r.Problem.Worst)
		if r.Reason == Resolved {
			e.Until = r.At
			delete(open, key)
		}
	}
	slices.SortStableFunc(episodes, func(a, b Episode) int { return a.From.Compare(b.From) })
	return episodes
}
