package reports

import (
	"strings"
	"time"

	"domovoy/checks"
)

// growth is how much a count must grow over what was last told to be worth
// another message.
const growth = 1.5

// Reconcile compares what is open with what a run over one server found, and
// decides what to say. It is the only place that does, and always for a named
// reason. The changes come in the order of the findings, then of what is
// over; each is to be stored, those with a Kind are to be told.
//
// A run that could not look at something resolves nothing about it. During
// the baseline everything found is recorded and nothing is told: the caller
// makes one summary of it.
func (p Policy) Reconcile(now time.Time, open []Incident, out checks.Outcome, baseline bool) []Change {
	known := map[string]Incident{}
	for _, i := range open {
		if i.Finding.Server == out.Server {
			known[i.Finding.Key()] = i
		}
	}
	var changes []Change
	for _, f := range out.Findings {
		key := f.Key()
		if i, ok := known[key]; ok {
			changes = append(changes, p.still(now, i, f))
			delete(known, key)
		} else {
			changes = append(changes, opened(now, f, baseline))
		}
	}
	for _, i := range open { // not the map: the order must be the same every time
		if _, gone := known[i.Finding.Key()]; gone && out.LookedAt(i.Finding) {
			changes = append(changes, p.clear(now, i))
		}
	}
	return changes
}

// opened is a finding seen for the first time.
func opened(now time.Time, f checks.Finding, baseline bool) Change {
	i := Incident{Finding: f, Peak: value(f), Worst: f.Severity, Baseline: baseline}
	i.Times.Opened, i.Times.Seen = now, now
	if baseline {
		return told(now, i, Baseline)
	}
	if Alerts(f) {
		return told(now, i, Opened)
	}
	return Change{Incident: i}
}

// still is a finding that was open already.
func (p Policy) still(now time.Time, i Incident, f checks.Finding) Change {
	i.Finding, i.Clear, i.Times.Seen = f, 0, now
	i.Peak, i.Worst = max(i.Peak, value(f)), max(i.Worst, f.Severity)
	switch {
	case !Alerts(f):
		return Change{Incident: i}
	case f.Severity > i.Told, grown(i, f):
		return told(now, i, Worsened)
	case p.remind(now, i):
		return told(now, i, Reminded)
	}
	return Change{Incident: i}
}

// grown reports a critical count that rose by half since it was last told.
func grown(i Incident, f checks.Finding) bool {
	return f.Severity == checks.Critical && i.ToldPeak > 0 && float64(value(f)) >= growth*float64(i.ToldPeak)
}

// remind reports whether it is time to say again that a server's trouble goes
// on. What was there at the baseline is known and is not repeated; names have
// the digest.
func (p Policy) remind(now time.Time, i Incident) bool {
	return p.Remind > 0 && !i.Baseline && i.Finding.Site == "" && i.Finding.Severity == checks.Critical &&
		!i.Times.ToldAt.IsZero() && now.Sub(i.Times.ToldAt) >= p.Remind
}

// clear is an incident that a run looked for and did not see.
func (p Policy) clear(now time.Time, i Incident) Change {
	i.Clear++
	if i.Clear < max(1, p.ResolveAfter) {
		return Change{Incident: i}
	}
	i.Times.Resolved = now
	if i.Told > checks.Healthy && !(i.Baseline && i.Finding.Site != "") {
		return told(now, i, Resolved)
	}
	return Change{Incident: i}
}

// told marks the incident as said now, for that reason.
func told(now time.Time, i Incident, kind ChangeKind) Change {
	i.Told, i.ToldPeak, i.Times.ToldAt = i.Finding.Severity, value(i.Finding), now
	return Change{Kind: kind, Incident: i}
}

// Alerts reports whether a finding is worth a message by itself: the server
// as a whole, and names that were healthy and are so no longer. Nearly half
// of a real panel's names are bad from the start; everything else waits for
// the digest.
func Alerts(f checks.Finding) bool {
	if f.Severity < checks.Warning {
		return false
	}
	return f.Site == "" || strings.HasPrefix(string(f.Code), "cert.")
}

// value of a count's finding; 0 for any other.
func value(f checks.Finding) int {
	v, _ := f.Args["value"].(int)
	return v
}
