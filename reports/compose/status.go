package compose

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Delivery is how well messages are delivered.
type Delivery struct {
	Waiting int
	Oldest  time.Time // zero when nothing waits
	Lost    int       // that no messenger took, in 24 hours
	Closed  []string  // chats that take no messages
	Out     []Out     // messengers that cannot be reached

	Canary reports.Canary // the test alarms
}

// Out is a messenger that cannot be reached, or that refuses the token.
type Out struct {
	Messenger string
	Since     time.Time
	Token     bool
}

// Status is the state of every panel on one screen.
func Status(w Writer, servers []reports.Server, d Delivery) reports.Message {
	m := statusTitle(w, servers)
	w = w.counting()
	for _, s := range servers {
		m.Sections = append(m.Sections, statusOf(w.of(s), s)...)
	}
	m.Sections = append(m.Sections, reports.Section{Text: w.health(d)})
	if line := w.canary(d.Canary); line != "" {
		m.Sections = append(m.Sections, reports.Section{Text: line})
	}
	worst := slices.SortedStableFunc(slices.Values(servers), func(a, b reports.Server) int { return cmp.Compare(b.Worst(), a.Worst()) })
	m.Numbers, m.Actions = w.numbers(), withCharts(w, w.buttons(names(worst)), servers)
	return m
}

// Doubt is what is in doubt about a panel that could be read.
type Doubt struct {
	Server  string
	Reason  string // a word of the catalogs, under "trouble."; empty: only what is missing
	Table   string // that lost rows; else empty
	Was, Is int64  // its rows
	Since   time.Time
	Missing []string // tables and columns
	Command string   // takes the data for right
}

// Doubts asks whether the data of panels is right.
func Doubts(w Writer, doubts []Doubt) reports.Message {
	if len(doubts) == 0 {
		return Believed(w, nil)
	}
	m := w.message(reports.ToneWarning, w.Say("status.doubt.single", i18n.Args{"Server": doubts[0].Server}))
	if len(doubts) > 1 {
		m.Title = w.Say("status.doubt.several", i18n.Args{"N": len(doubts)})
	}
	for _, d := range doubts {
		var parts []string
		if d.Reason != "" {
			parts = append(parts, w.Say("trouble."+d.Reason), w.Say("status.doubt.since", i18n.Args{"At": w.dateTime(d.Since)}))
		}
		if d.Table != "" {
			parts = append(parts, w.Say("status.doubt.rows", i18n.Args{"Table": d.Table, "Was": d.Was, "Is": d.Is}))
		}
		if len(d.Missing) > 0 {
			parts = append(parts, w.Say("status.doubt.missing", i18n.Args{"What": d.Missing}))
		}
		section := reports.Section{Text: strings.Join(parts, " ")}
		if len(doubts) > 1 {
			section.Heading = d.Server
		}
		m.Sections = append(m.Sections, section)
		m.Actions = append(m.Actions, reports.Action{Label: w.Say("status.doubt.accept", i18n.Args{"Server": d.Server}), Command: d.Command, Danger: true})
	}
	m.Sections = append(m.Sections, reports.Section{Text: w.Say("status.doubt.effect")})
	return m
}

// Believed says of which panels the data counts as right from now on.
func Believed(w Writer, servers []string) reports.Message {
	if len(servers) == 0 {
		return w.message(reports.Plain, w.Say("status.undoubted"))
	}
	return w.message(reports.Plain, w.Count("status.believed", len(servers), i18n.Args{"Servers": servers}))
}

// health is one line about the delivery.
func (w Writer) health(d Delivery) string {
	var parts, rest []string
	if d.Waiting > 0 {
		parts = append(parts, w.Count("status.waiting", d.Waiting, i18n.Args{"Age": w.Now.Sub(d.Oldest)}))
	}
	for _, o := range d.Out {
		parts = append(parts, MessengerOut(w, o.Messenger, o.Since, o.Token))
	}
	if len(d.Closed) > 0 {
		rest = append(rest, w.Say("status.delivery.closed", i18n.Args{"Chats": strings.Join(d.Closed, ", ")}))
	}
	if d.Lost > 0 {
		rest = append(rest, w.Say("status.delivery.lost", i18n.Args{"N": d.Lost}))
	}
	if len(rest) > 0 {
		parts = append(parts, w.Say("status.delivery.rest", i18n.Args{"What": strings.Join(rest, "; ")}))
	}
	if len(parts) == 0 {
		return w.Say("status.delivery.fine")
	}
	return strings.Join(parts, " ")
}

// statusTitle says the worst of all, and of which panels. What could not be
// counted is not within its threshold.
func statusTitle(w Writer, servers []reports.Server) reports.Message {
	worst, doubt := checks.Healthy, false
	var unread []string
	var critical []reports.Server
	for _, s := range servers {
		severity := s.Worst()
		worst = max(worst, severity)
		switch {
		case s.Trouble != "":
			unread = append(unread, s.Name)
		case severity == checks.Critical:
			critical = append(critical, s)
		}
		doubt = doubt || slices.ContainsFunc(s.Readings, func(r reports.Reading) bool { return !r.Known() })
	}
	switch {
	case len(unread) > 0:
		return w.message(reports.ToneBad, w.Say("status.title.unread", i18n.Args{"Servers": unread}))
	case len(critical) == 1:
		return w.message(reports.ToneBad, w.Say("status.title.above", i18n.Args{"Server": critical[0].Name, "What": strings.Join(criticalThings(w, critical[0]), ", ")}))
	case len(critical) > 0:
		return w.message(reports.ToneBad, w.Say("status.title.critical", i18n.Args{"Servers": names(critical)}))
	case doubt && worst < checks.Warning:
		return w.message(reports.ToneUnknown, w.Say("status.title.unknown"))
	case worst == checks.Warning && !slices.ContainsFunc(servers, reports.Server.Warned):
		return w.message(reports.ToneWarning, w.Say("status.title.attention"))
	}
	return w.message(toneOf(worst), w.Say("status.title."+worst.String()))
}

// criticalThings is what makes a server's state critical.
func criticalThings(w Writer, s reports.Server) []string {
	var what []string
	for _, f := range s.Findings("") {
		if f.Severity == checks.Critical {
			what = append(what, w.title(f.Code))
		}
	}
	for _, r := range s.Readings {
		if r.Severity == checks.Critical {
			what = append(what, w.Say("metric."+string(r.Code)))
		}
	}
	return what
}

// statusOf writes one panel.
func statusOf(w Writer, s reports.Server) []reports.Section {
	if s.Trouble != "" {
		return []reports.Section{{Heading: s.Name, Text: w.trouble(s)}}
	}
	section := w.countsOf(s)
	section.Items = append(section.Items, w.unjudged(s)...)
	note := reports.Section{Text: w.Say("status.read", i18n.Args{"At": w.dateTime(s.Read)})}
	if s.Overdue.Renewals > 0 {
		note.Text += " " + w.Count("status.learned", s.Overdue.Renewals, i18n.Args{"Share": w.Percent(s.Overdue.LifeLeft)})
	}
	if n := s.Snapshot.UnreadableN; n > 0 {
		note.Text += " " + w.unreadable(s)
		for _, u := range s.Snapshot.Unreadable[:min(3, len(s.Snapshot.Unreadable))] {
			note.Items = append(note.Items, reports.Item{Text: w.Say("status.value", i18n.Args{
				"Place": u.Table + "." + u.Column, "Row": u.Row, "Value": u.Value})})
		}
	}
	if n := s.Unfamiliar(); n > 0 {
		note.Text += " " + w.Count("status.unfamiliar", w.listed(n, w.title(checks.Unknown), "trouble", "cause="+string(checks.Unknown)))
	}
	for _, names := range w.stuck(s) {
		note.Text += " " + names
	}
	for _, hidden := range []bool{false, true} {
		var names []string
		for _, m := range s.Snapshot.Missing {
			if m.Hidden == hidden {
				names = append(names, m.String())
			}
		}
		if len(names) > 0 {
			note.Text += " " + w.Say(map[bool]string{false: "trouble.missing", true: "trouble.hidden"}[hidden], i18n.Args{"What": strings.Join(names, ", ")})
		}
	}
	return slices.Concat([]reports.Section{section, note}, w.nodes(s), w.brakes(s))
}
