package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
)

// Day is what a daily digest is composed from.
type Day struct {
	Servers  []Server
	Open     []Incident // now
	Resolved []Incident // since From
	From     time.Time  // a day ago
	Begun    time.Time  // the oldest panel's baseline; after From there is nothing to compare with
	Due      time.Time  // when the digest should have come; zero: it was asked for
	Coming   []Novelty  // what changes at the CAs within a month, soonest first
}

// movement is how the names in trouble changed over the day.
type movement struct {
	now, before, opened, fixed, old int
}

// Daily is the digest: what is new, what is over, what goes on.
func (w Writer) Daily(d Day) Message {
	mv := d.movement()
	title := i18n.Args{"Date": w.Locale.Date(w.Now, w.Now), "Servers": strings.Join(names(d.Servers), ", ")}
	m := w.message(Plain, w.Locale.Say("daily.title", title))
	m.Silent = true
	lines := []string{w.late(d) + w.moved(mv, d)}
	if oldest := w.oldest(d); oldest != "" {
		lines = append(lines, oldest)
	}
	m.Sections = append(m.Sections, Section{Text: strings.Join(lines, "\n")})
	if causes := w.causeItems(causes(d.codes()), 6); len(causes) > 0 {
		m.Sections = append(m.Sections, Section{Items: causes})
	}
	burning := w.burning(d)
	if len(burning.Items) > 0 {
		m.Sections = append(m.Sections, burning)
	}
	m.Sections = append(m.Sections, w.counts(d)...)
	m.Sections = append(m.Sections, w.atCA(d)...)
	m.Actions = []Action{
		{Label: w.Locale.Say("action.failed"), Command: "list failed"},
		{Label: w.Locale.Say("action.overdue"), Command: "list overdue"},
	}
	if w.Nothing(d) {
		m = w.quiet(m, mv, w.late(d))
		m.Sections = append(m.Sections, w.coming(d.Coming)...)
	}
	return m
}

// Nothing reports whether there is nothing to tell of the day but that it was
// quiet.
func (w Writer) Nothing(d Day) bool {
	mv := d.movement()
	return len(w.burning(d).Items) == 0 && d.comparable() && mv.opened == 0 && mv.fixed == 0 && d.calm()
}

// quiet is a day on which nothing changed: one line.
func (w Writer) quiet(m Message, mv movement, late string) Message {
	m.Title += " — " + w.Locale.Say("daily.quiet", i18n.Args{"N": mv.now})
	m.Sections, m.Actions = nil, nil
	if late != "" {
		m.Sections = []Section{{Text: strings.TrimSpace(late)}}
	}
	return m
}

// late tells a digest that comes after its time.
func (w Writer) late(d Day) string {
	if d.Due.IsZero() || w.Now.Sub(d.Due) < 10*time.Minute {
		return ""
	}
	return w.Locale.Say("daily.late", i18n.Args{"Due": w.Locale.DateTime(d.Due, w.Now)}) + " "
}

// moved is the line with the numbers that matter most.
func (w Writer) moved(mv movement, d Day) string {
	if d.Begun.IsZero() { // then nobody looked for troubles, and none in the journal means nothing
		return w.Locale.Say("daily.unwatched")
	}
	if !d.comparable() {
		return w.Locale.Say("daily.first", i18n.Args{"N": mv.now})
	}
	return w.Locale.Say("daily.moved", i18n.Args{"N": mv.now, "Change": w.Locale.Change(mv.now - mv.before),
		"Opened": mv.opened, "Fixed": mv.fixed, "Old": mv.old})
}

// comparable reports whether there is a yesterday to compare with.
func (d Day) comparable() bool { return !d.Begun.IsZero() && !d.Begun.After(d.From) }

// troubled are the sites that an incident counts as in trouble.
func troubled(i Incident) bool { return i.Finding.Site != "" && i.Finding.Severity >= checks.Warning }

// movement counts names, not incidents: a name whose cause changed was
// neither fixed nor newly broken.
func (d Day) movement() movement {
	now, before := d.troubles(), map[siteKey]bool{}
	for _, i := range d.Open {
		if troubled(i) && (i.Baseline || !i.Times.Opened.After(d.From)) {
			before[keyOf(i)] = true // what a new panel brings along is not new
		}
	}
	for _, i := range d.Resolved {
		if troubled(i) && !i.Times.Opened.After(d.From) {
			before[keyOf(i)] = true
		}
	}
	mv := movement{now: len(now), before: len(before)}
	for key, x := range now {
		if !before[key] {
			mv.opened++
		}
		if d.From.Sub(x.since) > 29*24*time.Hour {
			mv.old++
		}
	}
	for key := range before {
		if _, still := now[key]; !still {
			mv.fixed++
		}
	}
	return mv
}

// calm reports that nothing is wrong with any panel as a whole: no count
// above its threshold, and every one of them could be read.
func (d Day) calm() bool {
	return !slices.ContainsFunc(d.Servers, func(s Server) bool { return s.worst() > checks.Info })
}

// burning lists the certificates that end within 24 hours, of sites that are
// served.
func (w Writer) burning(d Day) Section {
	type end struct {
		name string
		at   time.Time
	}
	var ends []end
	for _, s := range d.Servers {
		for _, x := range s.Subjects {
			if x.Site.Active == checks.Off || x.Site.Secure == checks.Off || x.File == nil || x.File.SelfSigned {
				continue
			}
			if left := x.File.NotAfter.Sub(w.Now); left > 0 && left <= 24*time.Hour {
				ends = append(ends, end{x.Site.Name, x.File.NotAfter})
			}
		}
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.name, b.name)) })
	section := Section{Heading: w.Locale.Count("daily.burning", len(ends))}
	for _, e := range ends[:min(phoneList, len(ends))] {
		section.Items = append(section.Items, Item{Tone: ToneBad, Text: checks.Show(e.name), Note: w.Locale.DateTime(e.at, w.Now)})
	}
	section.Left = len(ends) - len(section.Items)
	return section
}

// counts are the panels' counts, and what could not be looked at.
func (w Writer) counts(d Day) []Section {
	var sections []Section
	for _, s := range d.Servers {
		if s.Trouble != "" {
			sections = append(sections, Section{Heading: s.Name, Text: w.trouble(s)})
			continue
		}
		s.Readings = slices.DeleteFunc(slices.Clone(s.Readings), steady) // the digest is one screen, and status has them all
		section := w.countsOf(s)
		if n := blind(s); n > 0 {
			section.Items = append(section.Items, Item{Tone: ToneUnknown, Text: w.Locale.Count("daily.blind", n)})
		}
		if n := s.Snapshot.UnreadableN; n > 0 {
			section.Items = append(section.Items, Item{Tone: ToneUnknown, Text: w.Locale.Count("status.unreadable", n)})
		}
		sections = append(sections, section)
	}
	return sections
}

// steady reports whether a count is in order, and the same as yesterday.
func steady(r Reading) bool {
	return r.Known() && r.Severity <= checks.Info && r.Day != nil && *r.Day == r.Value
}

// blind counts the sites at which some check could not look.
func blind(s Server) int {
	sites := map[string]bool{}
	for _, f := range s.Outcome.Failures {
		if f.Site != "" {
			sites[f.Site] = true
		}
	}
	return len(sites)
}

func names(servers []Server) []string {
	out := make([]string, len(servers))
	for i, s := range servers {
		out[i] = s.Name
	}
	return out
}
