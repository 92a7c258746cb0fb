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
	lines := []string{lateNote(w, d) + moved(w, mv, d)}
	if oldest := oldestTrouble(w, d); oldest != "" {
		lines = append(lines, oldest)
	}
	m.Sections = append(m.Sections, reports.Section{Text: strings.Join(lines, "\n")})
	if causes := w.causes(d.Causes(), 6); len(causes) > 0 {
		m.Sections = append(m.Sections, reports.Section{Items: causes})
	}
	burning := endingToday(w, d)
	if len(burning.Items) > 0 {
		m.Sections = append(m.Sections, burning)
	}
	m.Sections = append(m.Sections, panelCounts(w, d)...)
	m.Sections = append(m.Sections, atCA(w, d)...)
	m.Actions = []reports.Action{
		{Label: w.Say("action.failed"), Command: "list failed"},
		{Label: w.Say("action.overdue"), Command: "list overdue"},
	}
	if d.Quiet(w.Now) {
		m = quiet(w, m, mv, lateNote(w, d))
		m.Sections = append(m.Sections, w.coming(d.Coming)...)
	}
	return m
}

// quiet is a day on which nothing changed: one line.
func quiet(w Writer, m reports.Message, mv reports.Movement, late string) reports.Message {
	m.Title += " — " + w.Say("daily.quiet", i18n.Args{"N": mv.Now})
	m.Sections, m.Actions = nil, nil
	if late != "" {
		m.Sections = []reports.Section{{Text: strings.TrimSpace(late)}}
	}
	return m
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

// endingToday lists the certificates that end within 24 hours.
func endingToday(w Writer, d reports.Day) reports.Section {
	ends := d.Endings(w.Now)
	section := reports.Section{Heading: w.Count("daily.burning", len(ends))}
	for _, e := range ends[:min(phoneList, len(ends))] {
		section.Items = append(section.Items, reports.Item{Tone: reports.ToneBad, Text: checks.Show(e.Site), Note: w.dateTime(e.At)})
	}
	section.Left = len(ends) - len(section.Items)
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
		s.Readings = slices.DeleteFunc(slices.Clone(s.Readings), steady) // the digest is one screen, and status has them all
		section := w.countsOf(s)
		if n := s.BlindSites(); n > 0 {
			section.Items = append(section.Items, reports.Item{Tone: reports.ToneUnknown, Text: w.Count("daily.blind", n)})
		}
		if n := s.Snapshot.UnreadableN; n > 0 {
			section.Items = append(section.Items, reports.Item{Tone: reports.ToneUnknown, Text: strings.TrimSuffix(w.Count("status.unreadable", n), ".")})
		}
		sections = append(sections, section)
	}
	return sections
}

// steady reports whether a count is in order, and the same as yesterday.
func steady(r reports.Reading) bool {
	return r.Known() && r.Severity <= checks.Info && r.Day != nil && *r.Day == r.Value
}

// oldestTrouble names the site that is in trouble for longest; empty: none is.
func oldestTrouble(w Writer, d reports.Day) string {
	root, since, ok := d.Oldest()
	if !ok {
		return ""
	}
	return w.oldest(root.Finding.Site, since, root.Finding.Code)
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
		parts = append(parts, w.Say("daily.limit", i18n.Args{"What": w.limitName(b.Code), "Used": b.Used, "Limit": b.Limit}))
	}
	text := w.Say("daily.account", i18n.Args{"CA": s.Quota.CA, "Server": s.Name, "What": strings.Join(parts, ", ")})
	counts := map[checks.Code]int{}
	for _, f := range s.Outcome.Findings {
		counts[f.Code]++
	}
	for _, code := range []checks.Code{checks.CAPaused, checks.CAPausing, checks.CAZombie} {
		if n := counts[code]; n > 0 {
			text += " " + w.Say("daily."+string(code), i18n.Args{"N": n})
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
