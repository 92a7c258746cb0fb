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
	ID       int64 // given by the journal; zero until stored
	Problem  int64 // ID of the problem that it belongs to; zero: none, nobody is told of it
	Finding  checks.Finding
	Peak     int             // highest value of a metric; 0 for a finding without one
	Worst    checks.Severity // highest severity it had
	Notified checks.Severity // its severity when a message last named it; Healthy: none did
	Held     string          // what keeps it from being told, as Hold.Name says; empty: nothing does
	Clear    int             // consecutive runs that checked and did not find it
	Times    IncidentTimes
	Baseline bool // it was there when its check first ran, so it is at least as old as Times.Opened
	Improved bool // it was less severe for a while: a later rise is reported like any other problem's

	// Joins says that it belongs to the open problem of this key, whose ID may
	// not be known yet. It is not stored: the journal sets Problem.
	Joins string
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
// last named in a message, and resolved. All but Opened may be zero.
type IncidentTimes struct {
	Opened, Seen, Notified, Resolved time.Time
}

// Reason is why something is told. There are no other reasons.
type Reason string

// Reasons for a message.
const (
	Opened    Reason = "opened"
	Worsened  Reason = "worsened" // more severe
	Grown     Reason = "grown"    // a count that rose, or more sites
	Reminded  Reason = "reminded"
	Resolved  Reason = "resolved"
	Baseline  Reason = "baseline"  // found by the first complete run; told in one summary
	HeldOver  Reason = "heldover"  // what held it back is over, and it is still there
	Passed    Reason = "passed"    // what held it back is over, and so is it
	Released  Reason = "released"  // the time for which somebody took it is over
	Handed    Reason = "handed"    // somebody was named who is to take it
	Flaps     Reason = "flapping"  // it comes and goes: hushed from now on
	Settled   Reason = "settled"   // it no longer comes and goes, and is still there
	Escalated Reason = "escalated" // nobody took it
)

// Change is an incident that must be stored. The kind says what changed of it,
// if that is news: Opened, Worsened, Resolved or Baseline.
type Change struct {
	Kind     Reason // empty: only to be stored
	Broke    bool   // it is new trouble of a site that had none
	Incident Incident
}

// seenGrain is the precision of Times.Seen while nothing else changes. Half of a
// panel's sites may be in trouble: writing each of them at every reading would
// be thousands of useless writes.
const seenGrain = time.Hour

// Reconcile compares the open incidents with what a run over one server found,
// and says what changed. What is told of it is decided by Decide. The changes
// come in the order of the findings, followed by what was not found; each must
// be stored. An incident that continues unchanged is not returned.
//
// A run resolves nothing that it could not check. What a check finds at its
// first complete run is its baseline, which is told in one summary. begins says
// which checks run for the first time.
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
	return was.Clear != is.Clear || was.Peak != is.Peak || was.Worst != is.Worst || was.Notified != is.Notified ||
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
// already, its cause has changed: that is news only if it is worse.
func opened(now time.Time, f checks.Finding, baseline bool, was checks.Severity) Change {
	i := Incident{Finding: f, Peak: Value(f), Worst: f.Severity, Baseline: baseline}
	i.Times.Opened, i.Times.Seen = now, now
	switch {
	case baseline:
		return Change{Kind: Baseline, Incident: i}
	case Alerts(f) && (f.Site == "" || f.Severity > was || ends(f)):
		return Change{Kind: Opened, Incident: i}
	}
	return Change{Broke: f.Site != "" && f.Severity >= checks.Warning && was < checks.Warning, Incident: i}
}

// still is an incident that a run found again.
func (p Policy) still(now time.Time, i Incident, f checks.Finding) Change {
	worse := f.Severity > i.Finding.Severity
	if f.Severity < i.Finding.Severity {
		i.Improved = true
		i.Notified = min(i.Notified, f.Severity)
	}
	i.Finding, i.Clear, i.Times.Seen = f, 0, now
	i.Peak, i.Worst = max(i.Peak, Value(f)), max(i.Worst, f.Severity)
	if worse && Alerts(f) {
		return Change{Kind: Worsened, Incident: i}
	}
	return Change{Incident: i}
}

// clear is an incident that a run checked and did not find. If the site still has
// another problem, its end is no news: only the cause has changed.
func (p Policy) clear(now time.Time, i Incident, is checks.Severity) Change {
	i.Clear++
	if i.Clear < max(1, p.ResolveAfter) {
		return Change{Incident: i}
	}
	i.Times.Resolved = now
	if i.Problem != 0 && (i.Finding.Site == "" || !i.settled() && is < checks.Warning) {
		return Change{Kind: Resolved, Incident: i}
	}
	return Change{Incident: i}
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
func Stormy(changed, all int) bool { return Policy{}.stormy(changed, all) }

func (p Policy) stormy(changed, all int) bool {
	share := p.Storm
	if share == 0 {
		share = stormShare
	}
	return changed >= stormLeast && float64(changed) > share*float64(all)
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
