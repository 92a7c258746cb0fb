package reports

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Situation is what a decision rests on, besides the policy.
type Situation struct {
	Now      time.Time
	Open     []Incident // that were open before the changes; only those of a problem matter
	Changes  []Change   // of a run over one server; none when only time has passed
	Problems []Problem  // open ones
	Silences []Silence
	Passed   []Incident // that ended while they were held, which nobody was told

	// Looked reports whether this run could look at what a finding is about: a
	// reminder says that something is so now. Nil: no run looked.
	Looked func(checks.Finding) bool
	// Opens are the moments at which incidents of a finding's key were opened
	// that are over, as far back as FlapWithin.
	Opens map[string][]time.Time
	Owner func(server, site string) string // may be nil
	Sites map[string]int                   // number of sites by server, and by node: isp1/node2

	Node    func(checks.Finding) string // the node of a cluster that a finding is about; empty: none, or not known; may be nil
	Resting map[string][]string         // nodes in maintenance by server; one without an entry was not read yet
}

// Decision is what is to be stored and told.
type Decision struct {
	Changes  []Change  // those of the situation, and incidents that a decision changed
	Problems []Problem // that are new or changed
	Tellings []Telling
	Redraw   []Problem // changed without anything to tell: their messages must show it
}

// Telling is something to tell, for a named reason.
type Telling struct {
	Reason    Reason
	Problem   Problem
	Incidents []Incident // that it is about: open ones, or of Resolved and Passed those that ended
	Fresh     []Incident // of these, those that no message named yet
	Hold      Hold       // of HeldOver and Passed: what held them back, as far as it is known
	Hidden    []Incident // open ones that are not told because of this problem
	Was       Taking     // of Worsened and Released: who had taken it
	Step      Step       // of Escalated: where to; zero: to all chats that receive alerts
	Asked     string     // of Escalated: the name of who asked for it; empty: it was due
}

// regrow is how long sites may join a problem without a message of their own
// where there are no reminders.
const regrow = 4 * time.Hour

// Decide says what is told of a run, or of the passing of time, and what
// becomes of the problems. It is the only place that decides that. Telling is
// for a named reason and only of what nothing holds back. What was held back is
// looked at again at each decision: as soon as nothing holds it any more it is
// told if it is still there, and counted if it came and went.
func (p Policy) Decide(s Situation) Decision {
	d := newDecider(p, s)
	d.join()
	d.findParents()
	for n := 0; n < len(d.problems); n++ { // a storm that ends adds problems
		d.decide(d.problems[n])
	}
	d.passed()
	return d.decision()
}

// decider is one decision under way.
type decider struct {
	Policy
	s        Situation
	problems []*Problem
	before   []Problem // the same, as they were
	byKey    map[string]*Problem
	members  map[string][]*Incident // open incidents by the key of their problem
	ended    map[string][]Change    // incidents that this run resolved, by the same
	parents  []*Problem
	moved    map[string]*Incident // incidents of the situation that are in no change, by the key of their finding
	order    []*Incident          // of these, those to store
	stored   map[*Incident]bool   // the same
	told     map[string]bool      // keys of problems that something is told of
	redraw   map[string]bool      // keys of problems that look different
	out      Decision
}

func newDecider(p Policy, s Situation) *decider {
	d := &decider{Policy: p, s: s, byKey: map[string]*Problem{}, members: map[string][]*Incident{}, ended: map[string][]Change{},
		moved: map[string]*Incident{}, stored: map[*Incident]bool{}, told: map[string]bool{}, redraw: map[string]bool{}}
	for _, pr := range s.Problems {
		d.add(pr, pr)
	}
	d.out.Changes = slices.Clone(s.Changes)
	return d
}

// add keeps a problem under way, with what is stored of it.
func (d *decider) add(pr, stored Problem) *Problem {
	d.problems, d.before = append(d.problems, &pr), append(d.before, stored)
	d.byKey[pr.Key] = &pr
	return &pr
}

// problem finds or opens the problem of a key.
func (d *decider) problem(key, server string, cause checks.Code) *Problem {
	if pr := d.byKey[key]; pr != nil {
		return pr
	}
	return d.add(Problem{Key: key, Server: server, Cause: cause, Opened: d.s.Now}, Problem{})
}

// join sorts incidents into problems, and opens problems for those that are
// news.
func (d *decider) join() {
	byID, changed := map[int64]string{}, map[string]bool{}
	for _, pr := range d.problems {
		byID[pr.ID] = pr.Key
	}
	storms := d.storms()
	for n := range d.out.Changes {
		c := &d.out.Changes[n]
		i := &c.Incident
		changed[i.Finding.Key()] = true
		if i.Problem == 0 && i.Times.Resolved.IsZero() {
			d.admit(c, storms.of(d, i.Finding))
		}
		key := cmp.Or(i.Joins, byID[i.Problem])
		switch {
		case key == "":
		case i.Times.Resolved.IsZero():
			d.members[key] = append(d.members[key], i)
		default:
			d.ended[key] = append(d.ended[key], *c)
			d.hides(i.Held)
		}
		if c.Kind == Opened {
			d.flap(i)
		}
	}
	for _, i := range d.s.Open {
		if key := byID[i.Problem]; i.Problem != 0 && key != "" && !changed[i.Finding.Key()] {
			d.members[key] = append(d.members[key], &i)
			d.moved[i.Finding.Key()] = &i
		}
	}
	for _, pr := range d.problems {
		slices.SortStableFunc(d.members[pr.Key], func(a, b *Incident) int { return a.Times.Opened.Compare(b.Times.Opened) })
	}
}

// admit has an incident join a problem if it is news. Of a baseline only the
// server's own are: half the sites of a real panel have some trouble from the
// start.
func (d *decider) admit(c *Change, storm string) {
	i := &c.Incident
	f := i.Finding
	switch {
	case storm != "" && c.broke():
		i.Joins = d.problem(sitesKey(storm, StormCause), storm, StormCause).Key
	case c.Kind == Opened, c.Kind == Worsened:
		i.Joins = d.problem(ProblemKey(f), f.Server, f.Code).Key
	case c.Kind == Baseline && f.Site == "" && Alerts(f):
		pr := d.problem(ProblemKey(f), f.Server, f.Code)
		i.Joins, i.Notified, i.Times.Notified = pr.Key, f.Severity, d.s.Now
		pr.Baseline, pr.Worst, pr.Peak = true, f.Severity, Value(f)
		pr.Told = Told{Reason: Baseline, Severity: f.Severity, Value: Value(f), At: d.s.Now}
	}
}

// broke reports whether a site broke: it had no trouble before, or its
// certificate ends.
func (c Change) broke() bool {
	return c.Incident.Finding.Site != "" && (c.Broke || c.Kind == Opened)
}

// alike reports whether it was said already that many sites of a server fail
// alike at one of its addresses: that is the storm, with its cause.
func (d *decider) alike(server string) bool {
	return slices.ContainsFunc(d.problems, func(pr *Problem) bool {
		return pr.Server == server && !pr.OfSites() && strings.HasPrefix(string(pr.Cause), "web.")
	})
}

// decide decides about one problem.
func (d *decider) decide(pr *Problem) {
	members := d.members[pr.Key]
	if pr.Cause == StormCause && d.calmed(pr, members) {
		members = nil
	}
	if len(members) == 0 {
		d.over(pr)
		return
	}
	severity := d.severity(pr, members)
	if pr.Worst, pr.Peak = max(pr.Worst, severity), max(pr.Peak, d.value(pr, members)); severity < pr.Told.Severity && pr.Life.Flapping.Since.IsZero() {
		pr.Baseline, pr.Told.Severity = false, severity
	}
	audible := d.audible(pr, members)
	if len(audible) == 0 {
		pr.Life.calm()
		return
	}
	d.speak(pr, audible)
}

// audible are the members that are worth a message and that nothing holds back:
// not those of which nobody was told and that the last reading did not see.
// It notes on the others what holds them back.
func (d *decider) audible(pr *Problem, members []*Incident) (audible []*Incident) {
	held, worth := Hold{}, 0
	for _, i := range members {
		fresh := i.Notified < i.Finding.Severity
		if i.Finding.Severity < checks.Warning || fresh && i.Clear > 0 {
			continue // the last reading did not see it: it may be over
		}
		worth++
		h := d.hold(pr, *i)
		if h.Kind == "" {
			audible = append(audible, i)
			continue
		}
		if held = h; fresh && i.Held != h.Name() {
			i.Held = h.Name()
			d.store(i)
			d.hides(i.Held)
		}
	}
	if worth > 0 && len(audible) == 0 && pr.Life.Held != held.Name() {
		pr.Life.Held = held.Name()
		d.redraw[pr.Key] = true
	}
	return audible
}

// hides has the message of a problem that holds something back redrawn: it says how
// much that is.
func (d *decider) hides(held string) {
	if kind, parent := parseHold(held); kind == HeldByParent {
		d.redraw[parent] = true
	}
}

// speak decides what is told of a problem that nothing holds back.
func (d *decider) speak(pr *Problem, audible []*Incident) {
	now, severity := d.s.Now, d.severity(pr, audible)
	var fresh []*Incident
	for _, i := range audible {
		if i.Notified < i.Finding.Severity {
			fresh = append(fresh, i)
		}
	}
	t := Telling{Reason: d.reason(pr, audible, fresh, severity)}
	if t.Reason == HeldOver {
		t.Hold = d.heldBy(pr, fresh)
	}
	if was := pr.Life.Held; was != "" {
		pr.Life.Held, d.redraw[pr.Key] = "", true
	}
	if t.Reason == Worsened || t.Reason == Released {
		t.Was, pr.Life.Taken = pr.Life.Taken, Taking{}
		pr.Life.calm()
	}
	if t.Reason != "" {
		pr.Told = Told{Reason: t.Reason, Severity: severity, Value: d.value(pr, audible), At: now}
		t.Incidents, t.Fresh = values(audible), values(fresh)
		for _, i := range fresh {
			i.Notified, i.Times.Notified, i.Held = i.Finding.Severity, now, ""
			d.store(i)
		}
		d.tell(pr, t)
	} else if len(fresh) > 0 || len(d.ended[pr.Key]) > 0 {
		d.redraw[pr.Key] = true
	}
	d.escalate(pr, audible, severity)
}

// reason is why to speak of a problem now; empty: there is none.
func (d *decider) reason(pr *Problem, audible, fresh []*Incident, severity checks.Severity) Reason {
	now, life, taken := d.s.Now, &pr.Life, pr.IsTaken(d.s.Now)
	flapping := !pr.OfSites() && !life.Flapping.Since.IsZero()
	waited := slices.ContainsFunc(fresh, func(i *Incident) bool { return d.released(i.Held) })
	switch {
	case flapping && life.Flapping.steady(now):
		life.Flapping = Flapping{}
		if !taken {
			return Settled
		}
	case flapping && !life.Flapping.Told && !taken:
		life.Flapping.Told = true
		return Flaps
	case flapping && severity <= pr.Told.Severity:
		return ""
	case pr.Told.At.IsZero() && d.flapsAlone(pr, fresh):
		return Flaps
	case pr.Told.At.IsZero() && waited:
		return HeldOver
	case pr.Told.At.IsZero():
		return Opened
	case severity > pr.Told.Severity:
		return Worsened
	case taken:
		return ""
	case life.Taken.Person != "":
		return Released
	case waited, d.silenced(life.Held):
		return HeldOver
	case d.grown(pr, audible, fresh, severity):
		return Grown
	case d.remind(pr, audible, severity):
		return Reminded
	}
	return ""
}

// growth is the factor by which a count must exceed the value in the last
// message to be worth another one.
const growth = 1.5

// grown reports whether a problem grew so much since the last message that it
// needs another. A count must be critical for that. Of sites each is news: what
// does not make the problem much larger waits in the problem's message, until
// that is old.
func (d *decider) grown(pr *Problem, audible, fresh []*Incident, severity checks.Severity) bool {
	value := d.value(pr, audible)
	much := pr.Told.Value > 0 && float64(value) >= growth*float64(pr.Told.Value)
	if pr.Cause == checks.CADown { // more sites wait every minute: the message shows how many, and nobody can do more
		if much {
			pr.Told.Value, d.redraw[pr.Key] = value, true
		}
		return false
	}
	if !pr.OfSites() {
		return much && severity == checks.Critical
	}
	if pr.Cause == StormCause {
		return much
	}
	return len(fresh) > 0 && (much || d.s.Now.Sub(pr.Told.At) >= cmp.Or(d.Remind, regrow))
}

// remind reports whether a reminder of a server's critical problem is due. What
// was there at the baseline is known and is not repeated; sites are in the
// digest; at night nobody is reminded.
func (d *decider) remind(pr *Problem, audible []*Incident, severity checks.Severity) bool {
	return d.Remind > 0 && !pr.Baseline && (!pr.OfSites() || pr.Cause == StormCause) && severity == checks.Critical &&
		d.s.Now.Sub(pr.Told.At) >= d.Remind && !d.Quiet.Active(d.s.Now) && d.s.Looked != nil &&
		slices.ContainsFunc(audible, func(i *Incident) bool { return i.Clear == 0 && d.s.Looked(i.Finding) })
}

// over ends a problem without open incidents.
func (d *decider) over(pr *Problem) {
	now, ended := d.s.Now, d.ended[pr.Key]
	if f := &pr.Life.Flapping; !pr.OfSites() && !f.Since.IsZero() {
		if len(ended) > 0 {
			f.Changed = now
		}
		if !f.steady(now) {
			return // it will be back
		}
	}
	pr.Resolved, pr.Life.Held = now, ""
	pr.Life.calm()
	d.redraw[pr.Key] = true
	news := slices.ContainsFunc(ended, func(c Change) bool { return c.Kind == Resolved })
	if !pr.Life.Flapping.Since.IsZero() {
		news = !pr.OfSites() // it stayed away, and one site alone is hushed
	}
	var all []Incident
	held := len(ended) > 0
	for _, c := range ended {
		h := d.hold(pr, c.Incident)
		if h.Kind == HeldByQuiet && pr.Worst >= checks.Critical {
			h = Hold{} // people are up because of it
		}
		held = held && h.Kind != ""
		all = append(all, c.Incident)
	}
	if news && !held && !pr.Told.At.IsZero() {
		d.tell(pr, Telling{Reason: Resolved, Incidents: all})
	}
}

// severity is that of the worst of some members. A storm is critical whatever
// its sites have: the cause is probably the server.
func (d *decider) severity(pr *Problem, members []*Incident) checks.Severity {
	if pr.Cause == StormCause {
		return checks.Critical
	}
	worst := checks.Healthy
	for _, i := range members {
		worst = max(worst, i.Finding.Severity)
	}
	return worst
}

// value is the count that the problem is about, or the number of its sites.
func (d *decider) value(pr *Problem, members []*Incident) int {
	if !pr.OfSites() {
		return Value(members[0].Finding)
	}
	sites := map[string]bool{}
	for _, i := range members {
		sites[i.Finding.Site] = true
	}
	return len(sites)
}

// store has an incident stored that no change of the run may be about.
func (d *decider) store(i *Incident) {
	if d.moved[i.Finding.Key()] == i && !d.stored[i] {
		d.stored[i], d.order = true, append(d.order, i)
	}
}

func (d *decider) tell(pr *Problem, t Telling) {
	t.Problem = *pr
	d.told[pr.Key] = true
	d.out.Tellings = append(d.out.Tellings, t)
}

// decision gathers what is to be stored.
func (d *decider) decision() Decision {
	for _, i := range d.order {
		d.out.Changes = append(d.out.Changes, Change{Incident: *i})
	}
	for n := range d.out.Tellings { // with the state that is stored
		if pr := d.byKey[d.out.Tellings[n].Problem.Key]; pr != nil {
			d.out.Tellings[n].Problem = *pr
		}
	}
	for n, pr := range d.problems {
		if pr.ID == 0 || !reflect.DeepEqual(*pr, d.before[n]) {
			d.out.Problems = append(d.out.Problems, *pr)
		}
		if d.redraw[pr.Key] && !d.told[pr.Key] && !pr.Told.At.IsZero() {
			d.out.Redraw = append(d.out.Redraw, *pr)
		}
	}
	return d.out
}

func values(incidents []*Incident) []Incident {
	out := make([]Incident, len(incidents))
	for n, i := range incidents {
		out[n] = *i
	}
	return out
}
