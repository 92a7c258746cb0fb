package reports

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Incident is a finding over time: from the run that first saw it to the run
// that saw it gone.
type Incident struct {
	ID       int64 // the journal's; zero until stored
	Finding  checks.Finding
	Peak     int             // highest value of a metric; 0 for a finding without one
	Worst    checks.Severity // highest severity it had
	Told     checks.Severity // severity of the last message about it; Healthy: never told
	ToldPeak int             // value that the last message gave
	Clear    int             // runs in a row that looked and did not see it
	Times    IncidentTimes
	Baseline bool // it was there when the watch began
}

// IncidentTimes are the moments of an incident; any but Opened may be zero.
type IncidentTimes struct {
	Opened, Seen, ToldAt, Resolved time.Time
}

// ChangeKind is the reason to speak. There is no other.
type ChangeKind string

// The reasons.
const (
	Opened   ChangeKind = "opened"
	Worsened ChangeKind = "worsened"
	Reminded ChangeKind = "reminded"
	Resolved ChangeKind = "resolved"
	Baseline ChangeKind = "baseline" // recorded at the first complete run, told in one summary
)

// Change is an incident that has something to say, or that must be stored.
type Change struct {
	Kind     ChangeKind // empty: nothing to say, only to store
	Incident Incident
}

// growth is how much a count must grow over what was last told to be worth
// another message.
const growth = 1.5

// seenGrain is how exact Times.Seen is of an incident that only goes on. Half
// of a panel's names may be in trouble: a row for each at every reading would
// be thousands of writes that tell nothing.
const seenGrain = time.Hour

// Reconcile compares what is open with what a run over one server found, and
// decides what to say. It is the only place that does, and always for a named
// reason. The changes come in the order of the findings, then of what is
// over; each is to be stored, those with a Kind are to be told. What merely
// goes on as it was is no change.
//
// A run that could not look at something resolves nothing about it. What a
// check finds at its first complete look, its baseline, is recorded and not
// told: the caller makes one summary of it. begins tells which checks these
// are.
func (p Policy) Reconcile(now time.Time, open []Incident, out checks.Outcome, begins func(check string) bool) []Change {
	known, was, is := map[string]Incident{}, map[string]checks.Severity{}, map[string]checks.Severity{}
	for _, i := range open {
		if f := i.Finding; f.Server == out.Server {
			known[f.Key()] = i
			was[f.Site] = max(was[f.Site], f.Severity)
		}
	}
	var changes []Change
	for _, f := range out.Findings {
		key := f.Key()
		is[f.Site] = max(is[f.Site], f.Severity)
		i, ok := known[key]
		if !ok {
			changes = append(changes, opened(now, f, begins(f.Check), was[f.Site]))
			continue
		}
		delete(known, key)
		if c := p.still(now, i, f); c.Kind != "" || material(i, c.Incident) {
			changes = append(changes, c)
		}
	}
	for _, i := range open { // not the map: the order must be the same every time
		if _, gone := known[i.Finding.Key()]; gone && out.LookedAt(i.Finding) {
			changes = append(changes, p.clear(now, i, is[i.Finding.Site]))
		}
	}
	return changes
}

// material reports whether an incident that goes on is to be stored anew.
func material(was, is Incident) bool {
	a, b := was.Finding, is.Finding
	return was.Clear != is.Clear || was.Peak != is.Peak || was.Worst != is.Worst ||
		a.Severity != b.Severity || a.Check != b.Check || a.Detail != b.Detail || a.From != b.From ||
		!maps.EqualFunc(a.Args, b.Args, sameArg) ||
		is.Times.Seen.Sub(was.Times.Seen) >= seenGrain
}

// sameArg compares an argument with what the journal kept of it, which has
// milliseconds and no zone.
func sameArg(a, b any) bool {
	x, isTime := a.(time.Time)
	y, both := b.(time.Time)
	if isTime && both {
		return x.UnixMilli() == y.UnixMilli()
	}
	return reflect.DeepEqual(a, b)
}

// opened is a finding seen for the first time. A name whose cause changed was
// in trouble already: that is news only if it is worse than what was there.
func opened(now time.Time, f checks.Finding, baseline bool, was checks.Severity) Change {
	i := Incident{Finding: f, Peak: Value(f), Worst: f.Severity, Baseline: baseline}
	i.Times.Opened, i.Times.Seen = now, now
	if baseline {
		return told(now, i, Baseline)
	}
	if Alerts(f) && (f.Site == "" || f.Severity > was || ends(f)) {
		return told(now, i, Opened)
	}
	return Change{Incident: i}
}

// still is a finding that was open already.
func (p Policy) still(now time.Time, i Incident, f checks.Finding) Change {
	worse := f.Severity > i.Finding.Severity && f.Severity > checks.Info
	if f.Severity < i.Finding.Severity {
		i.Baseline = false // it eased: from here on it is a trouble like any other
	}
	i.Finding, i.Clear, i.Times.Seen = f, 0, now
	i.Peak, i.Worst = max(i.Peak, Value(f)), max(i.Worst, f.Severity)
	switch {
	case !Alerts(f):
		return Change{Incident: i}
	case worse, grown(i, f):
		return told(now, i, Worsened)
	case p.remind(now, i):
		return told(now, i, Reminded)
	}
	return Change{Incident: i}
}

// grown reports a critical count that rose by half since it was last told.
func grown(i Incident, f checks.Finding) bool {
	return f.Severity == checks.Critical && i.ToldPeak > 0 && float64(Value(f)) >= growth*float64(i.ToldPeak)
}

// remind reports whether it is time to say again that a server's trouble goes
// on. What was there at the baseline is known and is not repeated; names have
// the digest.
func (p Policy) remind(now time.Time, i Incident) bool {
	return p.Remind > 0 && !i.Baseline && i.Finding.Site == "" && i.Finding.Severity == checks.Critical &&
		!i.Times.ToldAt.IsZero() && now.Sub(i.Times.ToldAt) >= p.Remind
}

// clear is an incident that a run looked for and did not see. Of a name that
// still has another trouble nothing is told: the cause changed, and "over"
// would be a lie.
func (p Policy) clear(now time.Time, i Incident, is checks.Severity) Change {
	i.Clear++
	if i.Clear < max(1, p.ResolveAfter) {
		return Change{Incident: i}
	}
	i.Times.Resolved = now
	over := i.Finding.Site == "" || !i.Baseline && is < checks.Warning
	if i.Told > checks.Healthy && over {
		return told(now, i, Resolved)
	}
	return Change{Incident: i}
}

// told marks the incident as said now, for that reason.
func told(now time.Time, i Incident, kind ChangeKind) Change {
	i.Told, i.ToldPeak, i.Times.ToldAt = i.Finding.Severity, Value(i.Finding), now
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
	if f.Code == checks.CertUntrusted {
		return false // the panel's own stand-in until the CA's certificate arrives
	}
	return f.Site == "" || strings.HasPrefix(string(f.Code), "cert.")
}

// Value of a count's finding; 0 for any other.
func Value(f checks.Finding) int {
	v, _ := f.Args["value"].(int)
	return v
}

// storm is when so many of a server's sites break at once that the cause is
// hardly theirs: a tenth of them, and not just a handful. So many that recover
// at once are no storm.
const (
	stormShare = 0.10
	stormLeast = 20
)

// Stormy reports whether so many sites of all changed at once.
func Stormy(changed, all int) bool {
	return changed >= stormLeast && float64(changed) > stormShare*float64(all)
}

// Beginning is what a run looked at for the first time.
type Beginning struct {
	Server bool     // the panel itself
	Checks []string // checks that could not look before
}

// Begins reports whether what the check found is its baseline.
func (b Beginning) Begins(check string) bool { return b.Server || slices.Contains(b.Checks, check) }

// Troubles are the codes of the sites that the baseline found in trouble.
func Troubles(changes []Change) []checks.Code {
	var codes []checks.Code
	for _, c := range changes {
		if c.Kind == Baseline && troubled(c.Incident) && !ends(c.Incident.Finding) {
			codes = append(codes, c.Incident.Finding.Code)
		}
	}
	return codes
}
