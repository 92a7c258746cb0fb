package reports

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// hold is what keeps an incident of a problem from being told now. What somebody
// asked for comes first: it is what people look for.
func (d *decider) hold(pr *Problem, i Incident) Hold {
	f := i.Finding
	for _, s := range d.s.Silences {
		if s.Active(d.s.Now) && s.Match.Covers(pr.ID, f, d.owner(s, f), d.node(s, f)) {
			return s.hold()
		}
	}
	if h := d.byNode(i); h.Kind != "" {
		return h
	}
	for _, parent := range d.parents {
		if parent != pr && (explains(*parent, *pr, f) || d.sameOutage(parent, pr, f)) {
			return Hold{Kind: HeldByParent, Parent: *parent}
		}
	}
	if f.Severity < checks.Critical && pr.Cause != StormCause && d.Quiet.Active(d.s.Now) {
		return Hold{Kind: HeldByQuiet}
	}
	if f.Site != "" && d.hushed(i) {
		return Hold{Kind: HeldByFlapping}
	}
	return Hold{}
}

// owner of a finding's site; not looked for where a silence does not ask.
func (d *decider) owner(s Silence, f checks.Finding) string {
	if s.Match.Owner == "" || d.s.Owner == nil || f.Site == "" {
		return ""
	}
	return d.s.Owner(f.Server, f.Site)
}

// node of a cluster that a finding is about; not looked for where a silence does
// not ask.
func (d *decider) node(s Silence, f checks.Finding) string {
	if !strings.Contains(s.Match.Server, "/") || d.s.Node == nil {
		return ""
	}
	return d.s.Node(f)
}

// findParents finds the problems that explain others. One explains only while
// it is seen: a panel that can be read again has its own news, even before the
// problem counts as over.
func (d *decider) findParents() {
	for _, pr := range d.problems {
		switch pr.Cause {
		case checks.PanelUnavailable, checks.FleetSilent, checks.CADown, checks.CAUnreachable, checks.CABlocked:
		default:
			continue
		}
		draining := pr.Cause == checks.CADown // until its end is sure: what it held up passes by and by
		if !pr.OfSites() && slices.ContainsFunc(d.members[pr.Key], func(i *Incident) bool { return (i.Clear == 0 || draining) && i.Finding.Severity >= checks.Warning }) {
			d.parents = append(d.parents, pr)
		}
	}
}

// explains reports whether a problem of a server is why there is another. What
// visitors see of a certificate is told beside its cause.
func explains(parent, child Problem, f checks.Finding) bool {
	switch {
	case parent.Server != child.Panel():
		return false
	case parent.Cause == checks.PanelUnavailable, parent.Cause == checks.FleetSilent:
		return true
	}
	failing := slices.Contains([]checks.Code{checks.PanelFailing, checks.PanelFailed, checks.CABudget}, child.Cause)
	if parent.Cause == checks.CADown {
		failing = failing || slices.Contains([]checks.Code{checks.PanelProcessing, checks.PanelOverdue, checks.CAUnreachable}, child.Cause)
	}
	return failing || child.OfSites() && strings.HasPrefix(string(f.Code), "ca.")
}

// sameOutage reports whether the CA's outage on one server was told before that
// of another server with the same CA: one message stands for both.
func (d *decider) sameOutage(parent, child *Problem, f checks.Finding) bool {
	if parent.Cause != checks.CADown || child.Cause != checks.CADown || parent.Told.At.IsZero() || !child.Told.At.IsZero() {
		return false
	}
	return d.members[parent.Key][0].Finding.Args["ca"] == f.Args["ca"]
}

// silenced reports whether a name is that of a silence which is over: what it
// held back is told once, even if people knew of it before.
func (d *decider) silenced(name string) bool {
	kind, _ := parseHold(name)
	return kind == HeldBySilence && d.released(name)
}

// released reports whether a hold is over; false for an empty name, and for
// quiet hours that something critical breaks.
func (d *decider) released(name string) bool {
	kind, which := parseHold(name)
	switch kind {
	case "":
		return false
	case HeldBySilence:
		return !slices.ContainsFunc(d.s.Silences, func(s Silence) bool { return s.hold().Name() == name && s.Active(d.s.Now) })
	case HeldByQuiet:
		return !d.Quiet.Active(d.s.Now)
	case HeldByNode:
		rests, known := d.resting(checks.ParsePlace(which))
		return known && !rests
	case HeldByParent:
		return !slices.ContainsFunc(d.parents, func(p *Problem) bool { return p.Key == which })
	}
	return true
}

// heldBy is what held the members back that are told now.
func (d *decider) heldBy(pr *Problem, fresh []*Incident) Hold {
	for _, i := range fresh {
		if d.released(i.Held) {
			return d.named(i.Held)
		}
	}
	return d.named(pr.Life.Held)
}

// named is a hold by its name, as far as it is still known.
func (d *decider) named(name string) Hold {
	kind, which := parseHold(name)
	h := Hold{Kind: kind}
	for _, s := range d.s.Silences {
		if s.hold().Name() == name {
			h = s.hold()
		}
	}
	if kind == HeldByNode {
		h.Node = which
	}
	if kind == HeldByParent {
		h.Parent = Problem{Key: which}
		if pr := d.byKey[which]; pr != nil {
			h.Parent = *pr
		}
	}
	return h
}

// passed tells in one line for each hold that is over what ended while it held.
func (d *decider) passed() {
	ended := slices.Clone(d.s.Passed)
	known := len(ended) // the rest is in the changes
	for n := range d.out.Changes {
		c := &d.out.Changes[n]
		i := &c.Incident
		if i.Times.Resolved.IsZero() {
			continue
		}
		if pr := d.problemOf(*i); pr != nil && !d.told[pr.Key] && c.Kind == Resolved {
			if h := d.hold(pr, *i); h.Kind != "" && h.Kind != HeldByFlapping {
				i.Held = h.Name() // its end is held back
			}
		}
		if d.released(i.Held) {
			ended = append(ended, *i)
			i.Held = ""
		}
	}
	var names []string
	for _, i := range ended {
		if d.released(i.Held) && !slices.Contains(names, i.Held) {
			names = append(names, i.Held)
		}
	}
	for _, name := range names {
		t := Telling{Reason: Passed, Hold: d.named(name)}
		for n, i := range ended {
			if i.Held != name {
				continue
			}
			i.Held = ""
			t.Incidents = append(t.Incidents, i)
			if n < known {
				d.out.Changes = append(d.out.Changes, Change{Incident: i})
			}
		}
		explained := t.Hold.Kind == HeldByParent && strings.HasSuffix(t.Hold.Parent.Key, "/"+string(checks.CADown)) // its end says that all of it is over
		if t.Hold.Kind != HeldByFlapping && !explained {
			d.out.Tellings = append(d.out.Tellings, t)
		}
	}
}

// problemOf is the problem of an incident; nil: it has none that is open.
func (d *decider) problemOf(i Incident) *Problem {
	for _, pr := range d.problems {
		if i.Problem != 0 && pr.ID == i.Problem || i.Joins != "" && pr.Key == i.Joins {
			return pr
		}
	}
	return nil
}

// calmed reports whether a storm is over: half of it, or too little to be a
// storm, is left. What is left goes to problems of its own, and is told there.
func (d *decider) calmed(pr *Problem, members []*Incident) bool {
	if n := len(members); n > 0 && 2*d.value(pr, members) > pr.Peak && n >= stormLeast/2 || pr.ID == 0 {
		return false
	}
	for _, i := range members {
		i.Problem, i.Joins = 0, ""
		if Alerts(i.Finding) {
			own := d.problem(ProblemKey(i.Finding), i.Finding.Server, i.Finding.Code)
			i.Joins, i.Notified, i.Held = own.Key, checks.Healthy, Hold{Kind: HeldByParent, Parent: *pr}.Name()
			d.members[own.Key] = append(d.members[own.Key], i)
		}
		d.store(i)
	}
	d.members[pr.Key] = nil
	return true
}

// Next is the first moment after now at which time alone changes a decision;
// zero: there is none.
func (p Policy) Next(now time.Time, problems []Problem, silences []Silence) time.Time {
	next := p.Quiet.Next(now)
	at := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, s := range silences {
		at(s.Start)
		at(s.End)
	}
	for _, pr := range problems {
		at(pr.Life.Taken.Until)
		at(p.nextStep(pr.Life, now))
		if f := pr.Life.Flapping; !f.Since.IsZero() {
			at(f.Changed.Add(flapSteady))
		}
	}
	return next
}
