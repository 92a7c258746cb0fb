package compose

import (
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Delivery is how telling goes: what waits to be sent, and since when.
type Delivery struct {
	Waiting int
	Oldest  time.Time // zero when nothing waits
}

// Status is the state of every panel on one screen.
func Status(w Writer, servers []reports.Server, d Delivery) reports.Message {
	m := statusTitle(w, servers)
	for _, s := range servers {
		m.Sections = append(m.Sections, statusOf(w, s)...)
	}
	if d.Waiting > 0 {
		m.Sections = append(m.Sections, reports.Section{Text: w.Locale.Count("status.waiting", d.Waiting,
			i18n.Args{"Age": w.Now.Sub(d.Oldest)})})
	}
	return m
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
		return w.message(reports.ToneBad, w.Locale.Say("status.title.unread", i18n.Args{"Servers": unread}))
	case len(critical) == 1:
		return w.message(reports.ToneBad, w.Locale.Say("status.title.above", i18n.Args{"Server": critical[0].Name, "What": strings.Join(criticalThings(w, critical[0]), ", ")}))
	case len(critical) > 0:
		return w.message(reports.ToneBad, w.Locale.Say("status.title.critical", i18n.Args{"Servers": names(critical)}))
	case doubt && worst < checks.Warning:
		return w.message(reports.ToneUnknown, w.Locale.Say("status.title.unknown"))
	case worst == checks.Warning && !slices.ContainsFunc(servers, reports.Server.Warned):
		return w.message(reports.ToneWarning, w.Locale.Say("status.title.attention"))
	}
	return w.message(toneOf(worst), w.Locale.Say("status.title."+worst.String()))
}

// above is what makes a server's state critical.
func criticalThings(w Writer, s reports.Server) []string {
	var what []string
	for _, f := range s.Findings("") {
		if f.Severity == checks.Critical {
			what = append(what, w.title(f.Code))
		}
	}
	for _, r := range s.Readings {
		if r.Severity == checks.Critical {
			what = append(what, w.Locale.Say("metric."+string(r.Code)))
		}
	}
	return what
}

// countsOf are the panel's counts, and what was found of it as a whole.
func (w Writer) countsOf(s reports.Server) reports.Section {
	section := reports.Section{Heading: w.Locale.Count("status.server", len(s.Snapshot.Sites), i18n.Args{"Server": s.Name})}
	for _, f := range s.Findings("") {
		if f.Severity <= checks.Info {
			continue // a note below
		}
		section.Items = append(section.Items, reports.Item{Tone: toneOf(f.Severity), Text: w.title(f.Code), Note: sinceNote(w, f)})
	}
	for _, r := range s.Readings {
		section.Items = append(section.Items, countItem(w, r))
	}
	return section
}

// since when it is so, where the finding knows.
func sinceNote(w Writer, f checks.Finding) string {
	if at, ok := f.Args["since"].(time.Time); ok {
		return w.Locale.Say("when.since", i18n.Args{"Date": w.Locale.DateTime(at, w.Now)})
	}
	return ""
}

// statusOf writes one panel.
func statusOf(w Writer, s reports.Server) []reports.Section {
	if s.Trouble != "" {
		return []reports.Section{{Heading: s.Name, Text: w.trouble(s)}}
	}
	section := w.countsOf(s)
	note := reports.Section{Text: w.Locale.Say("status.read", i18n.Args{"At": w.Locale.DateTime(s.Read, w.Now)})}
	if s.Overdue.Renewals > 0 {
		note.Text += " " + w.Locale.Count("status.learned", s.Overdue.Renewals, i18n.Args{"Share": w.Locale.Percent(s.Overdue.LifeLeft)})
	}
	if n := s.Snapshot.UnreadableN; n > 0 {
		note.Text += " " + w.Locale.Count("status.unreadable", n)
		for _, u := range s.Snapshot.Unreadable[:min(3, len(s.Snapshot.Unreadable))] {
			note.Items = append(note.Items, reports.Item{Text: w.Locale.Say("status.value", i18n.Args{
				"Place": u.Table + "." + u.Column, "Row": u.Row, "Value": u.Value})})
		}
	}
	if n := s.Unfamiliar(); n > 0 {
		note.Text += " " + w.Locale.Count("status.unfamiliar", n)
	}
	if lacks := s.Snapshot.Missing; len(lacks) > 0 {
		names := make([]string, len(lacks))
		for i, m := range lacks {
			names[i] = m.String()
		}
		note.Text += " " + w.Locale.Say("trouble.missing", i18n.Args{"What": strings.Join(names, ", ")})
	}
	return []reports.Section{section, note}
}

// trouble says why a panel could not be read, and when it last was.
func (w Writer) trouble(s reports.Server) string {
	if s.Trouble == "never" {
		return w.lastRead(s)
	}
	return w.Locale.Say("trouble."+s.Trouble) + " " + w.lastRead(s)
}

// lastRead says when a panel was last read as a whole.
func (w Writer) lastRead(s reports.Server) string {
	if s.Read.IsZero() {
		return w.Locale.Say("trouble.never")
	}
	return w.Locale.Say("trouble.last", i18n.Args{"At": w.Locale.DateTime(s.Read, w.Now)})
}

// reading writes one count: its value, its threshold, where it comes from.
func countItem(w Writer, r reports.Reading) reports.Item {
	name := w.Locale.Say("metric." + string(r.Code))
	if !r.Known() {
		return reports.Item{Tone: reports.ToneUnknown, Text: w.Locale.Say("metric.unknown", i18n.Args{"Metric": name}), Note: unreadReason(w, r.Err)}
	}
	item := reports.Item{Tone: toneOf(r.Severity), Text: name + ": " + w.Locale.Number(r.Value)}
	if t := r.Threshold.Critical; t > 0 {
		item.Text += " " + w.Locale.Say("metric.threshold", i18n.Args{"N": t})
	}
	item.Note = trend(w, r)
	return item
}

// trend says how the count changed since an hour and a day ago, where that
// is known and not nothing.
func trend(w Writer, r reports.Reading) string {
	var parts []string
	if r.Hour != nil && *r.Hour != r.Value {
		parts = append(parts, w.Locale.Say("trend.hour", i18n.Args{"Change": w.Locale.Change(r.Value - *r.Hour)}))
	}
	if r.Day != nil && *r.Day != r.Value {
		parts = append(parts, w.Locale.Say("trend.day", i18n.Args{"Change": w.Locale.Change(r.Value - *r.Day)}))
	}
	return strings.Join(parts, ", ")
}

// reason says why a count could not be had: "missing: table.column", or the
// word for a panel that could not be read.
func unreadReason(w Writer, err string) string {
	word, what, _ := strings.Cut(err, ": ")
	return w.Locale.Say("trouble."+word, i18n.Args{"What": what})
}
