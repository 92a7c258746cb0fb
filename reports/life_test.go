package reports

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// life is a panel whose problems people take and silence.
type life struct {
	*history
	silences []Silence
	passed   []Incident
	owners   map[string]string // by site
	sites    int
	nodes    map[string]string   // by site
	resting  map[string][]string // nodes in maintenance, by server
}

func (l *life) node(f checks.Finding) string { return l.nodes[f.Site] }

// moment is one step of a life: what people do then, and what is read then.
type moment struct {
	at    string // "14:05", or "+1 08:00" on the day after
	do    func(*life)
	found []checks.Finding
	time  bool // only time has passed: nothing is read
	want  string
	of    string // the server that is read; empty: isp1
}

// allChecks are the checks that a reading runs.
var allChecks = []string{"certificate", "issuing", "counts.panel.processing", "counts.panel.failing", "reading", "account"}

func (l *life) play(t *testing.T, m moment) {
	t.Helper()
	l.now = clock(t, m.at)
	if m.do != nil {
		m.do(l)
	}
	s := Situation{Now: l.now, Open: l.open, Problems: l.problems, Silences: l.silences, Passed: l.passed, Opens: l.over(),
		Owner: func(_, site string) string { return l.owners[site] }, Sites: map[string]int{"isp1": l.sites}, Node: l.node, Resting: l.resting}
	for _, node := range l.nodes {
		s.Sites["isp1/"+node]++
	}
	if !m.time {
		out := checks.Outcome{Server: "isp1", Checks: allChecks, Findings: m.found}
		if m.of != "" {
			out.Server = m.of
		}
		if len(m.found) == 1 && m.found[0].Code == checks.PanelUnavailable {
			out.Checks = []string{"reading"} // nothing else could be looked at
		}
		s.Changes, s.Looked = l.policy.Reconcile(l.now, l.open, out, begins(false)), out.LookedAt
	}
	d := l.policy.Decide(s)
	l.keep(d)
	l.keepPassed(d)
	var told []string
	for _, said := range d.Tellings {
		told = append(told, spoken(said))
	}
	if got := strings.Join(told, ", "); got != m.want {
		t.Fatalf("%s:\n got %q\nwant %q", m.at, got, m.want)
	}
	if again := l.policy.Decide(Situation{Now: l.now, Open: l.open, Problems: l.problems, Silences: l.silences, Passed: l.passed, Opens: l.over(),
		Owner: s.Owner, Sites: s.Sites, Node: l.node, Resting: l.resting}); len(again.Tellings) > 0 {
		t.Fatalf("%s: told twice: %v", m.at, spoken(again.Tellings[0]))
	}
}

// keepPassed keeps what ended while it was held, as the journal does.
func (l *life) keepPassed(d Decision) {
	for _, c := range d.Changes {
		i, key := c.Incident, c.Incident.Finding.Key()
		var left []Incident
		for _, x := range l.passed {
			if x.Finding.Key() != key || !x.Times.Opened.Equal(i.Times.Opened) {
				left = append(left, x)
			}
		}
		if l.passed = left; i.Held != "" && !i.Times.Resolved.IsZero() {
			l.passed = append(l.passed, i)
		}
	}
}

// over are the openings of incidents that are over.
func (l *life) over() map[string][]time.Time {
	open := map[string]time.Time{}
	for _, i := range l.open {
		open[i.Finding.Key()] = i.Times.Opened
	}
	opens := map[string][]time.Time{}
	for key, all := range l.opens {
		for _, at := range all {
			if !at.Equal(open[key]) {
				opens[key] = append(opens[key], at)
			}
		}
	}
	return opens
}

// spoken is a telling in a few words: its reason, with what held it back, its
// cause, the sites that it names as news, who had taken it, and where it goes.
func spoken(t Telling) string {
	text := line(t)
	if t.Reason == Passed {
		text = "passed"
		for _, i := range t.Incidents {
			text += " " + string(i.Finding.Code) + strings.TrimSuffix(" "+i.Finding.Site, " ")
		}
	}
	if t.Hold.Kind != "" {
		text += " after " + string(t.Hold.Kind)
	}
	if t.Was.Person != "" {
		text += " from " + t.Was.By()
	}
	return text
}

// clock is a time of the day of noon, or of a later day.
func clock(t *testing.T, at string) time.Time {
	t.Helper()
	days := 0
	if rest, ok := strings.CutPrefix(at, "+"); ok {
		if _, err := fmt.Sscanf(rest, "%d %s", &days, &at); err != nil {
			t.Fatal(err)
		}
	}
	c, err := time.Parse("15:04", at)
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(noon.Year(), noon.Month(), noon.Day()+days, c.Hour(), c.Minute(), 0, 0, time.UTC)
}

// What people do.
func take(cause checks.Code, by string, while time.Duration) func(*life) {
	return func(l *life) {
		l.change(cause, func(p *Problem) { p.Take(Taking{Person: by, At: l.now, Until: l.now.Add(while)}) })
	}
}

func hand(cause checks.Code, to string) func(*life) {
	return func(l *life) { l.change(cause, func(p *Problem) { p.Hand(Handing{To: to, By: "Ann", At: l.now}) }) }
}

func (l *life) change(cause checks.Code, change func(*Problem)) {
	for n := range l.problems {
		if l.problems[n].Cause == cause {
			l.problems = append([]Problem(nil), l.problems...)
			change(&l.problems[n])
			return
		}
	}
	panic("no problem " + string(cause))
}

// hush is a silence from now on; later is one that begins after a while.
func hush(m Match, while time.Duration) func(*life) { return later(m, 0, while) }

func later(m Match, in, while time.Duration) func(*life) {
	return func(l *life) {
		l.silences = append(l.silences, Silence{ID: int64(len(l.silences) + 1), Match: m, Reason: "moving", Person: "Ann", Created: l.now,
			Start: l.now.Add(in), End: l.now.Add(in + while)})
	}
}

func endHush(l *life) { l.silences[0].End = l.now }

func (l *life) both(all ...func(*life)) {
	for _, do := range all {
		do(l)
	}
}

// TestLife plays the lives of problems, in the time of a table: what is told, and
// when. Rows that a peer gets wrong name its issue.
func TestLife(t *testing.T) {
	busy := func(value int) checks.Finding { return count(checks.PanelProcessing, checks.Critical, value) }
	warned := count(checks.PanelProcessing, checks.Warning, 70)
	failing := count(checks.PanelFailing, checks.Critical, 30)
	expired := func(sites ...string) (all []checks.Finding) {
		for _, s := range sites {
			all = append(all, onSite(s, checks.CertExpired))
		}
		return all
	}
	late := func(site string) checks.Finding { return onSite(site, checks.CertOverdue) }
	unreachable := checks.Finding{Check: "account", Server: "isp1", Code: checks.CAUnreachable, Severity: checks.Critical, Args: checks.Args{"value": 12}}
	down := unreachable
	down.Code = checks.CADown
	waiting := func(sites int) checks.Finding {
		f := down
		f.Args = checks.Args{"value": sites}
		return f
	}
	ofCA := func(server, ca string) checks.Finding {
		f := waiting(41)
		f.Server, f.Args["ca"] = server, ca
		return f
	}
	unavailable := checks.Finding{Check: "reading", Server: "isp1", Code: checks.PanelUnavailable, Severity: checks.Critical, Args: checks.Args{"reason": "locked"}}
	many := func(n int, code checks.Code) (all []checks.Finding) {
		for i := range n {
			all = append(all, onSite(fmt.Sprintf("s%02d.ru", i), code))
		}
		return all
	}
	steps := []Step{{After: 15 * time.Minute, To: "slack:C1"}, {After: time.Hour, To: "webhook:duty"}}
	night := Quiet{From: 22 * 60, To: 8 * 60, Zone: time.UTC}
	server := Match{Server: "isp1"}
	tests := []struct {
		name   string
		policy func(*Policy)
		steps  []moment
	}{
		// Silences.
		{"a silence holds back what opens in it; at its end that speaks once", nil, []moment{
			{at: "12:00", do: hush(server, 2*time.Hour), found: list(busy(120))},
			{at: "13:00", found: list(busy(300))},
			{at: "13:59", time: true},
			{at: "14:00", time: true, want: "heldover panel.processing after silence"},
			{at: "14:05", found: list(busy(300))},
		}},
		{"a silence is looked at again when it begins and when it ends, also of what was told before (IncidentRelay#38)", nil, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:10", do: hush(server, 6*time.Hour), time: true},
			{at: "16:10", found: list(busy(120))}, // no reminder
			{at: "18:10", time: true, want: "heldover panel.processing after silence"},
			{at: "22:10", found: list(busy(120)), want: "reminded panel.processing"},
		}},
		{"what came and went in a silence is one line at its end", nil, []moment{
			{at: "12:00", do: hush(server, 2*time.Hour), found: append(expired("a.ru", "b.ru"), busy(120))},
			{at: "12:05", found: expired("b.ru")}, {at: "12:10", found: expired("b.ru")},
			{at: "14:00", found: expired("b.ru"), want: "heldover cert.expired b.ru after silence, passed cert.expired a.ru panel.processing after silence"},
		}},
		{"of two silences the later end counts", nil, []moment{
			{at: "12:00", do: func(l *life) { l.both(hush(server, time.Hour), hush(server, 2*time.Hour)) }, found: list(busy(120))},
			{at: "13:00", time: true}, {at: "13:30", found: list(busy(120))},
			{at: "14:00", time: true, want: "heldover panel.processing after silence"},
		}},
		{"a silence that is ended early speaks at once", nil, []moment{
			{at: "12:00", do: hush(server, 5*time.Hour), found: list(busy(120))},
			{at: "12:30", do: endHush, time: true, want: "heldover panel.processing after silence"},
		}},
		{"what is over in a silence that held back nothing else is told at its end", nil, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:10", do: hush(server, time.Hour), time: true},
			{at: "12:15"}, {at: "12:20"},
			{at: "13:10", time: true, want: "passed panel.processing after silence"},
		}},
		{"a silence of a customer leaves the others; at its end only the customer's speak", nil, []moment{
			{at: "12:00", do: hush(Match{Owner: "client1*"}, time.Hour), found: expired("a.ru", "b.ru"), want: "opened cert.expired b.ru"},
			{at: "12:30", found: expired("a.ru", "b.ru")},
			{at: "13:00", time: true, want: "heldover cert.expired a.ru after silence"},
		}},
		{"by name, by cause, by problem; another server is another server", nil, []moment{
			{at: "12:00", do: func(l *life) {
				l.both(hush(Match{Site: "*.ru"}, time.Hour), hush(Match{Cause: "panel"}, time.Hour), hush(Match{Server: "isp1/node2"}, time.Hour))
			}, found: append(expired("a.ru"), busy(120), unreachable), want: "opened ca.unreachable"},
			{at: "12:30", do: hush(Match{Problem: 2}, time.Hour), found: append(expired("a.ru"), busy(120), unreachable)},
			{at: "13:00", time: true, want: "heldover cert.expired a.ru after silence"}, // problem 2 is panel.processing, see the table of openings
			{at: "13:30", time: true, want: "heldover panel.processing after silence"},
		}},
		// Maintenance windows.
		{"a window that is planned holds from its start to its end (IncidentRelay#41)", nil, []moment{
			{at: "12:00", do: later(server, time.Hour, time.Hour), found: list(busy(120)), want: "opened panel.processing"},
			{at: "13:00", found: append(expired("a.ru"), busy(120))},
			{at: "14:00", time: true, want: "heldover panel.processing after window, heldover cert.expired a.ru after window"},
		}},
		{"a window holds back the first message, reminders and escalation alike (IncidentRelay#40)", func(p *Policy) { p.Escalation, p.Remind = steps, time.Hour }, []moment{
			{at: "12:00", do: hush(server, 5*time.Hour), found: list(busy(120))},
			{at: "12:15", time: true}, {at: "13:00", found: list(busy(120))}, {at: "15:00", found: list(busy(120))},
			{at: "17:00", time: true, want: "heldover panel.processing after silence"},
			{at: "17:14", time: true}, {at: "17:15", time: true, want: "escalated panel.processing slack:C1"},
		}},
		// Quiet hours.
		{"a warning waits for the morning, what is critical does not", func(p *Policy) { p.Quiet = night }, []moment{
			{at: "23:00", found: list(warned, failing), want: "opened panel.failing"},
			{at: "+1 03:00", found: list(warned, failing)}, // nobody is reminded at night
			{at: "+1 08:00", found: list(warned, failing), want: "heldover panel.processing after quiet, reminded panel.failing"},
		}},
		{"a warning that becomes critical at night speaks then", func(p *Policy) { p.Quiet = night }, []moment{
			{at: "23:00", found: list(warned)},
			{at: "23:30", found: list(busy(120)), want: "opened panel.processing"},
			{at: "+1 08:00", time: true},
		}},
		{"what was over before the morning is one line", func(p *Policy) { p.Quiet = night }, []moment{
			{at: "23:00", found: list(warned, late("a.ru"))}, {at: "23:05"}, {at: "23:10"},
			{at: "+1 07:59", time: true},
			{at: "+1 08:00", time: true, want: "passed panel.processing cert.overdue a.ru after quiet"},
		}},
		{"what is critical and over at night is told: people are up", func(p *Policy) { p.Quiet = night }, []moment{
			{at: "23:00", found: list(failing), want: "opened panel.failing"}, {at: "23:05"}, {at: "23:10", want: "resolved panel.failing"},
		}},
		{"what is critical at night is escalated", func(p *Policy) { p.Quiet, p.Escalation = night, steps }, []moment{
			{at: "23:00", found: list(failing), want: "opened panel.failing"},
			{at: "23:15", time: true, want: "escalated panel.failing slack:C1"},
		}},
		// Taking.
		{"taking ends reminders and escalation, and survives growth", func(p *Policy) { p.Escalation = steps }, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:10", do: take(checks.PanelProcessing, "Ann", 8*time.Hour), time: true},
			{at: "12:15", time: true}, {at: "13:00", found: list(busy(400))}, {at: "17:00", found: list(busy(400))},
			{at: "17:05"}, {at: "17:10", want: "resolved panel.processing"},
		}},
		{"sites that join do not end a taking (IncidentRelay#73)", nil, []moment{
			{at: "12:00", found: expired("a.ru"), want: "opened cert.expired a.ru"},
			{at: "12:10", do: take(checks.CertExpired, "Ann", 2*time.Hour), time: true},
			{at: "12:15", found: expired("a.ru", "b.ru", "c.ru")},
			{at: "14:10", time: true, want: "released cert.expired b.ru c.ru from Ann"},
		}},
		{"what becomes more severe speaks again, and says by whom it was taken", nil, []moment{
			{at: "12:00", found: list(warned), want: "opened panel.processing"},
			{at: "12:10", do: take(checks.PanelProcessing, "Ann", 8*time.Hour), time: true},
			{at: "12:20", found: list(busy(120)), want: "worsened panel.processing from Ann"},
			{at: "12:30", found: list(busy(200)), want: "grown panel.processing"}, // nobody has it any more
		}},
		{"at the end of its time it speaks again (oncall#1792)", nil, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:10", do: take(checks.PanelProcessing, "Ann", time.Hour), time: true},
			{at: "13:09", time: true}, {at: "13:10", time: true, want: "released panel.processing from Ann"},
			{at: "13:15", found: list(busy(120))},
		}},
		{"taken again before its end it goes on", nil, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:10", do: take(checks.PanelProcessing, "Ann", time.Hour), time: true},
			{at: "13:00", do: take(checks.PanelProcessing, "Ann", time.Hour), time: true},
			{at: "13:10", time: true}, {at: "14:00", time: true, want: "released panel.processing from Ann"},
		}},
		{"a taking is no silence: the end is told (karma#3175)", nil, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:10", do: take(checks.PanelProcessing, "Ann", time.Hour), time: true},
			{at: "12:15"}, {at: "12:20", want: "resolved panel.processing"},
		}},
		{"handed over is not taken: the escalation goes on (IncidentRelay#83)", func(p *Policy) { p.Escalation = steps }, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:10", do: hand(checks.PanelProcessing, "@ivan"), time: true},
			{at: "12:15", time: true, want: "escalated panel.processing slack:C1"},
		}},
		{"what one hands over is free again, and waits again", func(p *Policy) { p.Escalation = steps }, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:05", do: take(checks.PanelProcessing, "Ann", 8*time.Hour), time: true},
			{at: "13:00", do: hand(checks.PanelProcessing, "@ivan"), time: true},
			{at: "13:14", time: true}, {at: "13:15", time: true, want: "escalated panel.processing slack:C1"},
		}},
		// Escalation.
		{"each step comes once, until somebody takes it", func(p *Policy) { p.Escalation = steps }, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:14", time: true}, {at: "12:15", time: true, want: "escalated panel.processing slack:C1"}, {at: "12:30", time: true},
			{at: "13:00", time: true, want: "escalated panel.processing webhook:duty"}, {at: "15:00", time: true},
		}},
		{"steps that were missed come together", func(p *Policy) { p.Escalation = steps }, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "14:00", time: true, want: "escalated panel.processing slack:C1, escalated panel.processing webhook:duty"},
		}},
		{"a warning calls nobody, nor does what became one", func(p *Policy) { p.Escalation = steps }, []moment{
			{at: "12:00", found: list(warned), want: "opened panel.processing"}, {at: "12:20", time: true},
			{at: "12:30", found: list(busy(120)), want: "worsened panel.processing"}, {at: "12:40", found: list(warned)}, {at: "12:50", time: true},
		}},
		{"who lets the time run out is asked for again", func(p *Policy) { p.Escalation = steps }, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:15", time: true, want: "escalated panel.processing slack:C1"},
			{at: "12:20", do: take(checks.PanelProcessing, "Ann", time.Hour), time: true},
			{at: "13:20", time: true, want: "released panel.processing from Ann"},
			{at: "13:35", time: true, want: "escalated panel.processing slack:C1"},
		}},
		// Parents.
		{"a panel that cannot be read hides all of its server", nil, []moment{
			{at: "12:00", found: list(busy(120)), want: "opened panel.processing"},
			{at: "12:05", found: list(unavailable), want: "opened panel.unavailable"},
			{at: "18:00", found: list(unavailable), want: "reminded panel.unavailable"},
			{at: "18:05", found: list(busy(120)), want: "reminded panel.processing"}, {at: "18:10", found: list(busy(120)), want: "resolved panel.unavailable"},
		}},
		{"a CA out of reach explains failures: they speak when it is back, or are one line", nil, []moment{
			{at: "12:00", found: list(unreachable, failing), want: "opened ca.unreachable"},
			{at: "12:05", found: list(failing), want: "heldover panel.failing after parent"},
			{at: "12:10", found: list(failing), want: "resolved ca.unreachable"},
		}},
		{"and what it explained is over with it", nil, []moment{
			{at: "12:00", found: list(unreachable, failing), want: "opened ca.unreachable"},
			{at: "12:05", found: list(unreachable)}, {at: "12:10", found: list(unreachable)},
			{at: "12:15", want: "passed panel.failing after parent"}, {at: "12:20", want: "resolved ca.unreachable"},
		}},
		{"a CA that is down hides what it does to the sites", nil, []moment{
			{at: "12:00", found: list(down, failing), want: "opened ca.down"},
			{at: "12:05", found: append(expired("a.ru"), down, failing), want: "opened cert.expired a.ru"}, // visitors see that
			{at: "12:10", found: expired("a.ru")}, {at: "12:15", found: expired("a.ru"), want: "resolved ca.down"},
		}},
		{"a CA that is down is told once, however many wait, and hides the counts that rise because of it", nil, []moment{
			{at: "12:00", found: list(waiting(5)), want: "opened ca.down"},
			{at: "12:05", found: list(waiting(50), busy(120))}, {at: "12:10", found: list(waiting(500), busy(300), failing)},
			{at: "12:15", found: list(busy(300))},
			{at: "12:20", found: list(busy(300)), want: "resolved ca.down, heldover panel.processing after parent"},
		}},
		{"a CA that seemed out of reach and is down is over once", nil, []moment{
			{at: "12:00", found: list(unreachable), want: "opened ca.unreachable"}, {at: "12:05", found: list(unreachable, down), want: "opened ca.down"},
			{at: "12:10", found: list(down)}, {at: "12:15", found: list(down)}, {at: "12:20"}, {at: "12:25", want: "resolved ca.down"},
		}},
		{"a CA that is down for several servers is told of the first", nil, []moment{
			{at: "12:00", found: list(ofCA("isp1", "le")), want: "opened ca.down"},
			{at: "12:01", of: "isp2", found: list(ofCA("isp2", "le"))},
			{at: "12:02", of: "isp3", found: list(ofCA("isp3", "another")), want: "opened ca.down"},
			{at: "12:05"}, {at: "12:06", of: "isp2"}, {at: "12:10", want: "resolved ca.down"}, {at: "12:11", of: "isp2"},
			{at: "12:12", of: "isp3"}, {at: "12:13", of: "isp3", want: "resolved ca.down"},
		}},
		{"where it lasts longer on another server, that one speaks", nil, []moment{
			{at: "12:00", found: list(ofCA("isp1", "le")), want: "opened ca.down"}, {at: "12:01", of: "isp2", found: list(ofCA("isp2", "le"))},
			{at: "12:05"}, {at: "12:06", of: "isp2", found: list(ofCA("isp2", "le"))}, {at: "12:10", want: "resolved ca.down, heldover ca.down after parent"},
		}},
		// Storms.
		{"many sites at once are one problem, of which what is left speaks at the end", nil, []moment{
			{at: "12:00", found: many(30, checks.CertExpired), want: "opened storm " + names(0, 30)},
			{at: "12:05", found: many(40, checks.CertExpired)},
			{at: "12:10", found: many(70, checks.CertExpired), want: "grown storm " + names(30, 70)},
			{at: "12:15", found: many(12, checks.CertExpired)},
			{at: "12:20", found: many(12, checks.CertExpired), want: "resolved storm " + names(12, 70) + ", heldover cert.expired " + names(0, 12) + " after parent"},
		}},
		{"sites that only wait for the digest make a storm, too", nil, []moment{
			{at: "12:00", found: many(25, checks.CADNS), want: "opened storm " + names(0, 25)},
			{at: "12:05"}, {at: "12:10", want: "resolved storm " + names(0, 25)},
		}},
		// Growth.
		{"sites that join wait in the message until it is old, or there are half as many more", nil, []moment{
			{at: "12:00", found: expired("a.ru", "b.ru", "c.ru", "d.ru"), want: "opened cert.expired a.ru b.ru c.ru d.ru"},
			{at: "12:05", found: expired("a.ru", "b.ru", "c.ru", "d.ru", "e.ru")},
			{at: "12:10", found: expired("a.ru", "b.ru", "c.ru", "d.ru", "e.ru", "f.ru"), want: "grown cert.expired e.ru f.ru"},
			{at: "12:15", found: expired("a.ru", "b.ru", "c.ru", "d.ru", "e.ru", "f.ru", "g.ru")},
			{at: "16:10", time: true, want: "grown cert.expired g.ru"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &life{history: newHistory(), owners: map[string]string{"a.ru": "client17", "b.ru": "other"}, sites: 150}
			if tt.policy != nil {
				tt.policy(&l.policy)
			}
			for _, m := range tt.steps {
				l.play(t, m)
			}
		})
	}
}

// names are the sites of many, from one to another.
func names(from, to int) string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("s%02d.ru", i))
	}
	return strings.Join(all, " ")
}

// TestFlapping has a count open again and again: it is said at the sixth time,
// and then hushed until it stays.
func TestFlapping(t *testing.T) {
	up, down := list(count(checks.PanelProcessing, checks.Critical, 120)), list()
	for _, tt := range []struct {
		name  string
		after []moment
	}{
		{"and stays bad", []moment{{at: "14:10", found: up}, {at: "15:05", found: up}, {at: "15:10", found: up, want: "settled panel.processing"}, {at: "15:15", found: up}}},
		{"and stays away", []moment{{at: "14:25", found: down}, {at: "15:05", found: down},
			{at: "15:10", time: true, want: "resolved panel.processing"}, {at: "15:15", found: down}}},
		{"unless it becomes worse", []moment{{at: "14:15", found: list(count(checks.PanelProcessing, checks.Warning, 70))}, {at: "14:20", found: up}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &life{history: newHistory(), sites: 100}
			for n := range 7 {
				at := func(minutes int) string { return fmt.Sprintf("%02d:%02d", 12+(n*20+minutes)/60, (n*20+minutes)%60) }
				opened, resolved := "opened panel.processing", "resolved panel.processing"
				if n == 5 {
					opened, resolved = "flapping panel.processing", ""
				} else if n > 5 {
					opened, resolved = "", ""
				}
				l.play(t, moment{at: at(0), found: up, want: opened})
				l.play(t, moment{at: at(5), found: down})
				l.play(t, moment{at: at(10), found: down, want: resolved})
			}
			for _, m := range tt.after {
				l.play(t, m)
			}
		})
	}
}

// A site that comes and goes is hushed alone: the others of its problem speak.
func TestOneSiteFlaps(t *testing.T) {
	l := &life{history: newHistory(), sites: 100}
	for n := range 8 {
		at := func(minutes int) string { return fmt.Sprintf("%02d:%02d", 12+(n*20+minutes)/60, (n*20+minutes)%60) }
		opened, resolved := "opened cert.expired a.ru", "resolved cert.expired a.ru"
		if n == 5 {
			opened, resolved = "flapping cert.expired a.ru", ""
		} else if n > 5 {
			opened, resolved = "", ""
		}
		l.play(t, moment{at: at(0), found: list(onSite("a.ru", checks.CertExpired)), want: opened})
		l.play(t, moment{at: at(5)})
		l.play(t, moment{at: at(10), want: resolved})
	}
	both := list(onSite("a.ru", checks.CertExpired), onSite("b.ru", checks.CertExpired))
	l.play(t, moment{at: "15:00", found: both, want: "opened cert.expired b.ru"})
	l.play(t, moment{at: "16:00", found: both, want: "heldover cert.expired a.ru after flapping"})
}

// TestQuietHours compares the hours with the clocks of a zone, also where they are
// put forward or back.
func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, tt := range []struct {
		name  string
		quiet Quiet
		at    string
		want  bool
		next  string
	}{
		{"before", Quiet{22 * 60, 8 * 60, berlin}, "2026-11-21T21:59:59+01:00", false, "2026-11-21T22:00:00+01:00"},
		{"at the start", Quiet{22 * 60, 8 * 60, berlin}, "2026-11-21T22:00:00+01:00", true, "2026-11-22T08:00:00+01:00"},
		{"after midnight", Quiet{22 * 60, 8 * 60, berlin}, "2026-11-22T00:30:00+01:00", true, "2026-11-22T08:00:00+01:00"},
		{"at the end", Quiet{22 * 60, 8 * 60, berlin}, "2026-11-22T08:00:00+01:00", false, "2026-11-22T22:00:00+01:00"},
		{"at noon", Quiet{13 * 60, 14 * 60, berlin}, "2026-11-22T13:30:00+01:00", true, "2026-11-22T14:00:00+01:00"},
		{"a night with an hour less", Quiet{22 * 60, 8 * 60, berlin}, "2026-03-29T07:59:00+02:00", true, "2026-03-29T08:00:00+02:00"},
		{"an end that the clocks skip is the end of the gap", Quiet{22 * 60, 2*60 + 30, berlin}, "2026-03-29T03:00:00+02:00", false, ""},
		{"and the moment before", Quiet{22 * 60, 2*60 + 30, berlin}, "2026-03-29T01:59:59+01:00", true, "2026-03-29T03:00:00+02:00"},
		{"an hour that comes twice is quiet twice", Quiet{22 * 60, 2*60 + 30, berlin}, "2026-10-25T02:10:00+01:00", true, "2026-10-25T02:30:00+01:00"},
		{"none", Quiet{}, "2026-11-21T23:00:00+01:00", false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := at(tt.at)
			if got := tt.quiet.Active(now); got != tt.want {
				t.Errorf("quiet: %t, want %t", got, tt.want)
			}
			if tt.next != "" && !tt.quiet.Next(now).Equal(at(tt.next)) {
				t.Errorf("next %v, want %s", tt.quiet.Next(now), tt.next)
			}
		})
	}
}

// TestNextIsWhenTimeDecides compares the moment at which the problems are
// looked at again with what there is to wait for.
func TestNextIsWhenTimeDecides(t *testing.T) {
	p := Policy{Escalation: []Step{{After: 15 * time.Minute}, {After: time.Hour}}}
	problem := func(l Life) []Problem { return []Problem{{Life: l}} }
	for _, tt := range []struct {
		name     string
		problems []Problem
		silences []Silence
		want     time.Duration // after noon; 0: never
	}{
		{"nothing", nil, nil, 0},
		{"a taking ends", problem(Life{Taken: Taking{Person: "a", Until: noon.Add(time.Hour)}}), nil, time.Hour},
		{"a step is due", problem(Life{Waiting: noon.Add(-5 * time.Minute)}), nil, 10 * time.Minute},
		{"the second step", problem(Life{Waiting: noon.Add(-20 * time.Minute), Step: 1}), nil, 40 * time.Minute},
		{"no step is left", problem(Life{Waiting: noon.Add(-2 * time.Hour), Step: 2}), nil, 0},
		{"what flaps is steady", problem(Life{Flapping: Flapping{Since: noon.Add(-time.Hour), Changed: noon.Add(-20 * time.Minute)}}), nil, 40 * time.Minute},
		{"a silence begins", nil, []Silence{{Start: noon.Add(time.Minute), End: noon.Add(time.Hour)}}, time.Minute},
		{"a silence ends", nil, []Silence{{Start: noon.Add(-time.Minute), End: noon.Add(time.Hour)}}, time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want time.Time
			if tt.want > 0 {
				want = noon.Add(tt.want)
			}
			if diff := cmp.Diff(want, p.Next(noon, tt.problems, tt.silences)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
