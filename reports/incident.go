package reports

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Incident is a finding over time: from the run that first found it to the run
// that no longer does.
type Incident struct {
	ID           int64 // given by the journal; zero until stored
	Finding      checks.Finding
	Peak         int             // highest value of a metric; 0 for a finding without one
	Worst        checks.Severity // highest severity it had
	Notified     checks.Severity // severity in the last message about it; Healthy: there was none
	NotifiedPeak int             // value in the last message
	Clear        int             // consecutive runs that checked and did not find it
	Times        IncidentTimes
	Baseline     bool // it was there when its check first ran, so it is at least as old as Times.Opened
	Improved     bool // it was less severe for a while: a later rise is reported like any other problem's
}

// settled reports whether the incident is known from the baseline's summary alone,
// and has not changed since in a way that makes it a problem like any other.
func (i Incident) settled() bool { return i.Baseline && !i.Improved }

// inTrouble reports whether the incident is about a site that counts as in
// trouble.
func (i Incident) inTrouble() bool {
	return i.Finding.Site != "" && i.Finding.Severity >= checks.Warning
}

// IncidentTimes are the times of an incident: when it was opened, last found,
// last reported in a message, and resolved. All but Opened may be zero.
type IncidentTimes struct {
	Opened, Seen, Notified, Resolved time.Time
}

// ChangeKind is the reason for a message. There are no other reasons.
type ChangeKind string

// Reasons for a message.
const (
	Opened   ChangeKind = "opened"
	Worsened ChangeKind = "worsened"
	Reminded ChangeKind = "reminded"
	Resolved ChangeKind = "resolved"
	Baseline ChangeKind = "baseline" // found by the first complete run; reported in one summary
)

// Change is an incident that must be stored, and possibly reported.
type Change struct {
	Kind     ChangeKind // empty: only to be stored
	Incident Incident
}

// growth is the factor by which a count must exceed the value in the last message
// to be worth another one.
const growth = 1.5

// seenGrain is the precision of Times.Seen while nothing else changes. Half of a
// panel's sites may be in trouble: writing each of them at every reading would
// be thousands of useless writes.
const seenGrain = time.Hour

// Reconcile compares the open incidents with what a run over one server found,
// and decides what to report. It is the only place that decides that, and always
// for a named reason. The changes come in the order of the findings, followed by
// what was not found; each must be stored, those with a Kind must be reported.
// An incident that continues unchanged is not returned.
//
// A run resolves nothing that it could not check. What a check finds at its
// first complete run is its baseline: it is stored, and the caller reports it in
// one summary. begins says which checks run for the first time.
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

// material reports whether an open incident changed enough to be stored again.
func material(was, is Incident) bool {
	a, b := was.Finding, is.Finding
	return was.Clear != is.Clear || was.Peak != is.Peak || was.Worst != is.Worst ||
		a.Severity != b.Severity || a.Check != b.Check || a.Detail != b.Detail || a.From != b.From ||
		!maps.EqualFunc(a.Args, b.Args, sameArg) ||
		is.Times.Seen.Sub(was.Times.Seen) >= seenGrain
}

// sameArg compares an argument with the one that the journal stored: its times
// have milliseconds and no zone.
func sameArg(a, b any) bool {
	x, isTime := a.(time.Time)
	y, both := b.(time.Time)
	if isTime && both {
		return x.UnixMilli() == y.UnixMilli()
	}
	return reflect.DeepEqual(a, b)
}

// opened is a finding that was not open before. If the site was in trouble
// already, its cause has changed: that is reported only if it is worse.
func opened(now time.Time, f checks.Finding, baseline bool, was checks.Severity) Change {
	i := Incident{Finding: f, Peak: Value(f), Worst: f.Severity, Baseline: baseline}
	i.Times.Opened, i.Times.Seen = now, now
	if baseline {
		return notify(now, i, Baseline)
	}
	if Alerts(f) && (f.Site == "" || f.Severity > was || ends(f)) {
		return notify(now, i, Opened)
	}
	return Change{Incident: i}
}

// still is an incident that a run found again.
func (p Policy) still(now time.Time, i Incident, f checks.Finding) Change {
	worse := f.Severity > i.Finding.Severity && f.Severity > checks.Info
	if f.Severity < i.Finding.Severity {
		i.Improved = true
	}
	i.Finding, i.Clear, i.Times.Seen = f, 0, now
	i.Peak, i.Worst = max(i.Peak, Value(f)), max(i.Worst, f.Severity)
	switch {
	case !Alerts(f):
		return Change{Incident: i}
	case worse, grown(i, f):
		return notify(now, i, Worsened)
	case p.remind(now, i):
		return notify(now, i, Reminded)
	}
	return Change{Incident: i}
}

// grown reports whether a critical count rose by half since the last message.
func grown(i Incident, f checks.Finding) bool {
	return f.Severity == checks.Critical && i.NotifiedPeak > 0 && float64(Value(f)) >= growth*float64(i.NotifiedPeak)
}

// remind reports whether a reminder of a server's critical incident is due. What
// was there at the baseline is known and is not repeated; sites are in the
// digest.
func (p Policy) remind(now time.Time, i Incident) bool {
	return p.Remind > 0 && !i.settled() && i.Finding.Site == "" && i.Finding.Severity == checks.Critical &&
		!i.Times.Notified.IsZero() && now.Sub(i.Times.Notified) >= p.Remind
}

// clear is an incident that a run checked and did not find. If the site still has
// another problem, its end is not reported: only the cause has changed.
func (p Policy) clear(now time.Time, i Incident, is checks.Severity) Change {
	i.Clear++
	if i.Clear < max(1, p.ResolveAfter) {
		return Change{Incident: i}
	}
	i.Times.Resolved = now
	over := i.Finding.Site == "" || !i.settled() && is < checks.Warning
	if i.Notified > checks.Healthy && over {
		return notify(now, i, Resolved)
	}
	return Change{Incident: i}
}

// notify marks the incident as reported now.
func notify(now time.Time, i Incident, kind ChangeKind) Change {
	i.Notified, i.NotifiedPeak, i.Times.Notified = i.Finding.Severity, Value(i.Finding), now
	return Change{Kind: kind, Incident: i}
}

// Alerts reports whether a finding is worth a message of its own: one about the
// server as a whole, or about a site's certificate. Nearly half the sites of a
// real panel have some problem from the start; the others are in the digest.
func Alerts(f checks.Finding) bool {
	if f.Severity < checks.Warning {
		return false
	}
	if f.Code == checks.CertUntrusted {
		return false // the panel's temporary certificate, until the CA issues one
	}
	return f.Site == "" || strings.HasPrefix(string(f.Code), "cert.")
}

// Value is the value in a count's finding; 0 for any other finding.
func Value(f checks.Finding) int {
	v, _ := f.Args["value"].(int)
	return v
}

// A storm is when so many of a server's sites break at once that the cause is
// probably not theirs: more than a tenth of them, and at least twenty.
const (
	stormShare = 0.10
	stormLeast = 20
)

// Stormy reports whether so many sites broke at once that one message should
// stand for all.
func Stormy(changed, all int) bool {
	return changed >= stormLeast && float64(changed) > stormShare*float64(all)
}

// Beginning says what a run checked for the first time.
type Beginning struct {
	Server bool     // everything: the panel is new
	Checks []string // checks that did not run completely before
}

// Begins reports whether a check ran for the first time.
func (b Beginning) Begins(check string) bool { return b.Server || slices.Contains(b.Checks, check) }

// BaselineTroubles are the root causes of the sites that a baseline found in
// trouble.
func BaselineTroubles(changes []Change) []checks.Code {
	var codes []checks.Code
	for _, c := range changes {
		if c.Kind == Baseline && c.Incident.inTrouble() && !ends(c.Incident.Finding) {
			codes = append(codes, c.Incident.Finding.Code)
		}
	}
	return codes
}
