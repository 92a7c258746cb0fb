package compose

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Daily is the digest: what is new, what is over, what goes on.
func Daily(w Writer, d reports.Day) reports.Message {
	mv := d.Movement()
	title := i18n.Args{"Date": w.date(w.Now), "Servers": strings.Join(names(d.Servers), ", ")}
	m := w.message(reports.Plain, w.Say("daily.title", title))
	m.Silent = true
	lines := append(blindNotes(w, d), lateNote(w, d)+moved(w, mv, d))
	if oldest := oldestTrouble(w, d); oldest != "" {
		lines = append(lines, oldest)
	}
	m.Sections = append(m.Sections, reports.Section{Text: strings.Join(lines, "\n")})
	if causes := w.causes(d.Causes(), digestCauses); len(causes) > 0 {
		m.Sections = append(m.Sections, reports.Section{Items: causes})
	}
	if burning := expiringSoon(w, d); len(burning.Items) > 0 {
		m.Sections = append(m.Sections, burning)
	}
	m.Sections = append(m.Sections, panelCounts(w, d)...)
	m.Sections = append(m.Sections, atCA(w, d)...)
	m.Actions = dailyActions(w, d, mv)
	if d.Quiet() {
		m = quiet(w, m, mv, strings.Join(append(blindNotes(w, d), lateNote(w, d)), "\n"))
		m.Sections = append(m.Sections, w.coming(d.Coming)...)
	}
	return m
}

// digestCauses is how many causes a digest shows one by one.
const digestCauses = 6

// maxLists is how many buttons with lists a message has at most: a phone shows one
// in a line.
const maxLists = 12

// dailyActions are the lists behind the digest's numbers, in the order of its
// lines.
func dailyActions(w Writer, d reports.Day, mv reports.Movement) []reports.Action {
	var actions []reports.Action
	if mv.Now > 0 {
		actions = append(actions, w.listAction(w.Say("action.trouble"), mv.Now, "trouble"))
	}
	for _, s := range shares(d.Causes(), digestCauses) {
		actions = append(actions, w.listAction(s.name(w), s.n, "trouble", s.filter()))
	}
	if n := len(d.Expiring()); n > 0 {
		actions = append(actions, w.listAction(w.Say("action.expiring"), n, "expiring"))
	}
	for _, s := range d.Servers {
		if s.Trouble == "" {
			actions = append(actions, w.panelActions(changing(s), len(d.Servers) > 1)...)
		}
	}
	return actions[:min(maxLists, len(actions))]
}

// panelActions are the lists behind a panel's counts; of several panels, each names
// its own.
func (w Writer) panelActions(s reports.Server, several bool) []reports.Action {
	var actions []reports.Action
	add := func(what string, n int, kind string) {
		if several {
			what = s.Name + " · " + what
		}
		if n > 0 {
			actions = append(actions, w.listAction(what, n, kind, "server="+s.Name))
		}
	}
	for _, r := range s.Readings {
		if kind, ok := listBehind(r.Code); ok && r.Known() {
			add(w.Say("metric."+string(r.Code)), r.Value, kind)
		}
	}
	add(w.Say("action.unknown"), len(s.List("unknown")), "unknown")
	if s.Quota.CA != "" {
		add(w.Say("action.paused"), len(s.List("paused")), "paused")
		add(w.Say("action.zombie"), len(s.List("zombie")), "zombie")
	}
	return actions
}

// quiet is a day on which nothing changed: one line.
func quiet(w Writer, m reports.Message, mv reports.Movement, late string) reports.Message {
	m.Title += " — " + w.Say("daily.quiet", i18n.Args{"N": mv.Now})
	m.Sections, m.Actions = nil, nil
	if mv.Now > 0 {
		m.Actions = []reports.Action{w.listAction(w.Say("action.trouble"), mv.Now, "trouble")}
	}
	if late != "" {
		m.Sections = []reports.Section{{Text: strings.TrimSpace(late)}}
	}
	return m
}

// blindNotes say from when to when sweeps could see nothing, and whose fault
// that was. Panels that share a resolver share the note.
func blindNotes(w Writer, d reports.Day) []string {
	var notes []string
	for _, b := range d.Blind() {
		args := i18n.Args{"Cause": string(b.Cause), "TLD": checks.ToUnicode(b.TLD), "From": w.momentOfDay(b.From)}
		if !b.To.IsZero() {
			args["To"] = w.momentOfDay(b.To)
		}
		if note := w.Say("daily.blinded", args); !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	return notes
}

// momentOfDay is a time of today to the minute; of another day it names the day, too.
func (w Writer) momentOfDay(t time.Time) string {
	if day := w.date(t); day != w.date(w.Now) {
		return w.Clock(t) + " (" + day + ")"
	}
	return w.Clock(t)
}

// lateNote says when a digest was due that comes ten minutes late or more.
func lateNote(w Writer, d reports.Day) string {
	if d.Due.IsZero() || w.Now.Sub(d.Due) < 10*time.Minute {
		return ""
	}
	return w.Say("daily.late", i18n.Args{"Due": w.dateTime(d.Due)}) + " "
}

// moved is the line with the numbers that matter most.
func moved(w Writer, mv reports.Movement, d reports.Day) string {
	if d.Begun.IsZero() { // nothing was checked yet, so no problems in the journal mean nothing
		return w.Say("daily.unwatched")
	}
	if !d.Comparable() {
		return w.Say("daily.first", i18n.Args{"N": mv.Now})
	}
	return w.Say("daily.moved", i18n.Args{"N": mv.Now, "Change": w.Change(mv.Now - mv.Before),
		"Opened": mv.Opened, "Fixed": mv.Fixed, "Old": mv.Old})
}

// expiringSoon lists the certificates that end within 24 hours.
func expiringSoon(w Writer, d reports.Day) reports.Section {
	rows := d.Expiring()
	section := reports.Section{Heading: w.Count("daily.burning", len(rows))}
	for _, r := range rows[:min(phoneList, len(rows))] {
		section.Items = append(section.Items, reports.Item{Tone: reports.ToneBad, Text: checks.Show(r.Domain), Note: w.dateTime(r.Ends)})
	}
	section.Left = len(rows) - len(section.Items)
	return section
}

// panelCounts are the panels' counts, and how many sites could not be checked.
func panelCounts(w Writer, d reports.Day) []reports.Section {
	var sections []reports.Section
	for _, s := range d.Servers {
		if s.Trouble != "" {
			sections = append(sections, reports.Section{Heading: s.Name, Text: w.trouble(s)})
			continue
		}
		section := w.countsOf(changing(s))
		if n := len(s.List("unknown")); n > 0 {
			section.Items = append(section.Items, reports.Item{Tone: reports.ToneUnknown, Text: w.Count("daily.blind", n)})
		}
		if d.NewlyUnreadable(s) {
			section.Items = append(section.Items, reports.Item{Tone: reports.ToneUnknown, Text: strings.TrimSuffix(w.Count("status.unreadable", s.Snapshot.UnreadableN), ".")})
		}
		sections = append(sections, section)
	}
	return sections
}

// changing is the server with the counts that a digest shows: it is one screen,
// and status has them all.
func changing(s reports.Server) reports.Server {
	s.Readings = slices.DeleteFunc(slices.Clone(s.Readings), steady)
	return s
}

// steady reports whether a count is in order, and the same as yesterday.
func steady(r reports.Reading) bool {
	return r.Known() && r.Severity <= checks.Info && r.Day != nil && *r.Day == r.Value
}

// oldestTrouble names the site that is in trouble for longest; empty: none is.
func oldestTrouble(w Writer, d reports.Day) string {
	oldest, ok := d.Oldest()
	if !ok {
		return ""
	}
	return w.oldest(oldest.Subject.Site.Name, oldest.Start, oldest.Cause.Code)
}

// Announce says what will change at a CA on one day; changes has at least one.
func Announce(w Writer, changes []reports.RuleChange) reports.Message {
	m := w.message(reports.Plain, w.Say("calendar.title", i18n.Args{"CA": changes[0].CA, "Date": w.date(changes[0].Date)}))
	m.Silent = true
	for _, c := range changes {
		m.Sections = append(m.Sections, reports.Section{Text: sentence(c.In(w.Language()))})
	}
	m.Actions = []reports.Action{{Label: w.Say("action.limits"), Command: "limits"}}
	return m
}

// atCA is the digest's lines about the accounts at the CA, and what changes
// there soon.
func atCA(w Writer, d reports.Day) []reports.Section {
	var sections []reports.Section
	for _, s := range d.Servers {
		if s.Trouble == "" && s.Quota.CA != "" {
			sections = append(sections, reports.Section{Text: account(w, s)})
		}
	}
	return append(sections, w.coming(d.Coming)...)
}

// account is one line about a server's account: what it used of the limits,
// and how many names the CA has paused or will pause.
func account(w Writer, s reports.Server) string {
	var parts []string
	for _, b := range s.Quota.Account {
		args := i18n.Args{"What": w.limitName(b.Code), "Used": b.Used, "Limit": b.Limit}
		if b.Renewals > 0 {
			args["Renewals"] = b.Renewals
		}
		parts = append(parts, w.Say("daily.limit", args))
	}
	text := w.Say("daily.account", i18n.Args{"CA": s.Quota.CA, "Server": s.Name, "What": strings.Join(parts, ", ")})
	for _, kind := range []string{"paused", "zombie"} {
		if n := len(s.List(kind)); n > 0 {
			text += " " + w.Say("daily.ca."+kind, i18n.Args{"N": n})
		}
	}
	return text
}

// sentence makes one of a clause: a capital, a full stop.
func sentence(clause string) string {
	first, size := utf8.DecodeRuneInString(clause)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(clause[size:], ".") + "."
}
