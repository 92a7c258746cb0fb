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
	w = w.counting()
	m := w.message(reports.Plain, w.Say("daily.title", i18n.Args{"Date": w.date(w.Now), "Servers": strings.Join(names(d.Servers), ", ")}))
	m.Silent = true
	if d.Quiet() {
		quiet(w, &m, d)
	} else {
		busy(w, &m, d)
	}
	m.Numbers, m.Actions = w.numbers(), w.buttons(names(d.Servers))
	return m
}

// busy writes the digest of a day with something to say.
func busy(w Writer, m *reports.Message, d reports.Day) {
	lines := append(blindNotes(w, d), lateNote(w, d)+moved(w, d))
	if oldest := oldestTrouble(w, d); oldest != "" {
		lines = append(lines, oldest)
	}
	m.Sections = append(m.Sections, reports.Section{Text: strings.Join(lines, "\n")})
	if causes := w.troubles(d.Causes()); len(causes) > 0 {
		m.Sections = append(m.Sections, reports.Section{Items: causes})
	}
	if len(d.Expiring()) > 0 {
		m.Sections = append(m.Sections, expiringSoon(w, d))
	}
	m.Sections = append(m.Sections, endingSoon(w, d)...)
	m.Sections = append(m.Sections, panelCounts(w, d)...)
	m.Sections = append(m.Sections, atCA(w, d)...)
}

// quiet writes the digest of a day on which nothing changed: one line.
func quiet(w Writer, m *reports.Message, d reports.Day) {
	m.Title += " — " + w.Say("daily.quiet", i18n.Args{"N": w.inTrouble(d.Movement().Now)})
	if late := strings.TrimSpace(strings.Join(append(blindNotes(w, d), lateNote(w, d)), "\n")); late != "" {
		m.Sections = []reports.Section{{Text: late}}
	}
	if soon := d.Endings(); len(soon) > 0 && !soon[0].Ends.After(w.Now.Add(reports.EndingSoon)) {
		m.Sections = append(m.Sections, endingSoon(w, d)...)
	}
	m.Sections = append(m.Sections, w.coming(d.Coming)...)
}

// inTrouble notes how many sites have problems.
func (w Writer) inTrouble(n int) int {
	return w.listed(n, w.Say("action.trouble"), "trouble")
}

// Month narrows a list to the problems that a report calls older than a month.
const Month = "older=30d"

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
func moved(w Writer, d reports.Day) string {
	mv := d.Movement()
	if d.Begun.IsZero() { // nothing was checked yet, so no problems in the journal mean nothing
		return w.Say("daily.unwatched")
	}
	if !d.Comparable() {
		return w.Say("daily.first", i18n.Args{"N": w.inTrouble(mv.Now)})
	}
	return w.Say("daily.moved", i18n.Args{
		"N": w.inTrouble(mv.Now), "Change": w.Change(mv.Now - mv.Before),
		"Opened": w.listed(mv.Opened, w.Say("action.new"), "new"),
		"Fixed":  w.listed(mv.Fixed, w.Say("action.fixed"), "fixed"),
		"Old":    w.listed(mv.Old, w.Say("action.old"), "trouble", Month),
	})
}

// expiringSoon lists the certificates that end within 24 hours.
func expiringSoon(w Writer, d reports.Day) reports.Section {
	rows := d.Expiring()
	section := reports.Section{Heading: w.Count("daily.burning", w.listed(len(rows), w.Say("action.expiring"), "expiring"))}
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
		w := w.of(s)
		section := w.countsOf(changing(s))
		section.Items = append(section.Items, w.unjudged(s)...)
		if d.NewlyUnreadable(s) {
			section.Items = append(section.Items, reports.Item{Tone: reports.ToneUnknown, Text: strings.TrimSuffix(w.unreadable(s), ".")})
		}
		sections = append(sections, section)
	}
	return sections
}

// unjudged says how many sites of a panel could not be checked; nil: none.
func (w Writer) unjudged(s reports.Server) []reports.Item {
	n := len(s.List("unknown"))
	if n == 0 {
		return nil
	}
	return []reports.Item{{Tone: reports.ToneUnknown, Text: w.Count("daily.blind", w.listed(n, w.Say("action.unknown"), "unknown"))}}
}

// unreadable says how many values of a panel cannot be read.
func (w Writer) unreadable(s reports.Server) string {
	return w.Count("status.unreadable", w.listed(s.Snapshot.UnreadableN, w.Say("action.unreadable"), "unreadable"))
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
	for _, name := range w.of(s).stuck(s) {
		text += " " + name
	}
	return text
}

// stuck says how many names of a panel the CA has paused or will pause, and how many
// have been failing for months.
func (w Writer) stuck(s reports.Server) []string {
	var lines []string
	for _, kind := range []string{"paused", "zombie"} {
		if n := len(s.List(kind)); n > 0 {
			lines = append(lines, w.Say("daily.ca."+kind, i18n.Args{"N": w.listed(n, w.Say("action."+kind), kind)}))
		}
	}
	return lines
}

// sentence makes one of a clause: a capital, a full stop.
func sentence(clause string) string {
	first, size := utf8.DecodeRuneInString(clause)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(clause[size:], ".") + "."
}
