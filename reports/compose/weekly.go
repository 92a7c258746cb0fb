package compose

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Weekly is the message of a week's report: what a manager reads on a phone.
// The files go with it.
func Weekly(w Writer, r reports.Weekly) reports.Message {
	w = w.counting()
	m := w.message(reports.Plain, weeklyTitle(w, r))
	m.Silent = true
	if r.Data.IsZero() { // numbers of nothing would say that all is well
		m.Tone = reports.ToneUnknown
		m.Sections = []reports.Section{{Text: w.Say("weekly.nodata")}}
		return m
	}
	m.Sections = append(m.Sections, reports.Section{Text: strings.Join(weeklyLines(w, r), "\n")})
	if callers := r.Callers(); len(callers) > 0 {
		m.Sections = append(m.Sections, toCall(w, r, callers))
	}
	for _, list := range []struct {
		key  string
		rows []reports.WeekRow
	}{{"off", r.ToSwitchOff()}, {"free", r.FreeNames()}, {"norenew", r.WontRenew()}} {
		if len(list.rows) > 0 {
			m.Sections = append(m.Sections, weeklyList(w, r, list.key, list.rows))
		}
	}
	m.Sections = append(m.Sections, weeklyEndings(w, r)...)
	if part, ok := dropWeek(w, r); ok {
		m.Sections = append(m.Sections, part)
	}
	m.Numbers, m.Actions = w.numbers(), w.buttons(nil)
	return m
}

// inWeek notes the length of one of the report's lists, as it was at the end of its
// week. Its button says label.
func (w Writer) inWeek(r reports.Weekly, n int, label, kind string, filters ...string) int {
	return w.listed(n, w.Say("weekly.action."+label), weekWords(r, kind, filters)...)
}

// WeekCommand is what one types to see the rows behind a number of a week's report.
func WeekCommand(r reports.Weekly, kind string, filters ...string) string {
	return listCommand(weekWords(r, kind, filters))
}

func weekWords(r reports.Weekly, kind string, filters []string) []string {
	words := append([]string{kind}, filters...)
	words = append(words, "week="+r.Week.Name())
	if r.Manager == "" {
		words = append(words, "all")
	}
	return words
}

// weeklyTitle names the week by its number and its days.
func weeklyTitle(w Writer, r reports.Weekly) string {
	from, last := r.Week.From, r.Week.To.AddDate(0, 0, -1)
	first := w.date(from)
	if from.Month() == last.Month() {
		first = strconv.Itoa(from.Day())
	}
	return w.Say("weekly.title", i18n.Args{"Week": r.Week.Number, "From": first, "To": w.date(last),
		"Servers": w.List(weekServers(r))})
}

// weeklyLines are the numbers in a few lines, the one that matters most first.
func weeklyLines(w Writer, r reports.Weekly) []string {
	s := r.Sums()
	key, args := "weekly.first", i18n.Args{"N": w.inWeek(r, s.Open, "trouble", "trouble")}
	if !r.Before.IsZero() {
		key = "weekly.moved"
		args["Change"] = w.Change(s.Open - s.Was)
		args["Opened"] = w.inWeek(r, s.New+s.Back, "new", "new")
		args["Fixed"] = w.inWeek(r, s.Fixed, "fixed", "fixed")
		args["Old"] = w.inWeek(r, s.Month, "old", "trouble", Month)
	}
	lines := []string{w.Say(key, args)}
	if r.Manager != "" {
		lines = append(lines, w.Say("weekly.yours"))
	}
	if s.Back > 0 {
		lines = append(lines, w.Count("weekly.back", w.inWeek(r, s.Back, "back", "back")))
	}
	if s.Left > 0 {
		lines = append(lines, w.Count("weekly.left", w.inWeek(r, s.Left, "left", "left")))
	}
	if oldest, ok := r.Oldest(); ok {
		lines = append(lines, w.oldest(oldest.Site, reports.Start{At: oldest.Since, Exact: oldest.Exact}, oldest.Code))
	}
	if blind := notLookedAt(w, r); blind != "" {
		lines = append(lines, blind)
	}
	if n := len(r.Orphans); n > 0 {
		lines = append(lines, w.Count("weekly.orphans", w.inWeek(r, n, "orphans", "orphans", ByOwner), i18n.Args{"Names": w.List(r.Orphans[:min(phoneList, n)])}))
	}
	return append(lines, asOf(w, r))
}

// notLookedAt says which panels could not be read and how many sites could not
// be judged; empty: none.
func notLookedAt(w Writer, r reports.Weekly) string {
	var parts []string
	unknown, named := 0, true
	for _, s := range r.Servers {
		unknown, named = unknown+s.Unknown, named && s.Named
		if s.Unread {
			parts = append(parts, w.Say("weekly.unread", i18n.Args{"Server": s.Name}))
		}
	}
	if unknown > 0 && named {
		w.inWeek(r, unknown, "unknown", "unknown")
	}
	if unknown > 0 {
		parts = append(parts, w.Count("weekly.unknown", unknown))
	}
	return strings.Join(parts, " ")
}

// asOf says when the numbers were taken.
func asOf(w Writer, r reports.Weekly) string {
	key := "weekly.asof"
	if r.Data.Before(r.Week.To) && w.Now.Before(r.Week.To) {
		key = "weekly.sofar"
	}
	return w.Say(key, i18n.Args{"At": w.dateTime(r.Data)})
}

// ByOwner has a list show customers, each with the number of their sites.
const ByOwner = "owners"

// sitesOfCaller is how many sites of a customer the message names.
const sitesOfCaller = 3

// toCall are the customers to contact, each with the sites to talk about.
func toCall(w Writer, r reports.Weekly, callers []reports.Caller) reports.Section {
	sites := 0
	for _, c := range callers {
		sites += len(c.Sites)
	}
	s := reports.Section{Heading: w.Count("weekly.list.call", w.inWeek(r, len(callers), "callers", "call", ByOwner),
		i18n.Args{"Sites": w.Count("weekly.sites", w.inWeek(r, sites, "call", "call"))})}
	for _, c := range callers[:min(phoneList, len(callers))] {
		var parts []string
		for _, r := range c.Sites[:min(sitesOfCaller, len(c.Sites))] {
			parts = append(parts, checks.Show(r.Site)+" — "+w.title(r.Code)+", "+w.since(reports.Start{At: r.Since, Exact: r.Exact}))
		}
		if more := len(c.Sites) - len(parts); more > 0 {
			parts = append(parts, w.Count("weekly.more", more))
		}
		s.Items = append(s.Items, reports.Item{Text: cmp.Or(c.Owner, w.Say("files.noowner")), Note: strings.Join(parts, "; ")})
	}
	s.Left = len(callers) - len(s.Items)
	return s
}

// weeklyList is one of the lists for the phone.
func weeklyList(w Writer, r reports.Weekly, key string, rows []reports.WeekRow) reports.Section {
	s := reports.Section{Heading: w.Count("weekly.list."+key, w.inWeek(r, len(rows), key, key))}
	for _, r := range rows[:min(phoneList, len(rows))] {
		s.Items = append(s.Items, reports.Item{Text: checks.Show(r.Site), Note: weeklyNote(w, key, r)})
	}
	s.Left = len(rows) - len(s.Items)
	return s
}

// weeklyNote says of a row what its list is about, and whose it is.
func weeklyNote(w Writer, list string, r reports.WeekRow) string {
	var parts []string
	day := func(key string, at time.Time) {
		if !at.IsZero() {
			parts = append(parts, w.Say(key, i18n.Args{"Date": w.date(at)}))
		}
	}
	switch list {
	case "free":
		if r.Free.IsZero() {
			parts = append(parts, w.title(r.Code))
		}
		day("weekly.freefrom", r.Free)
	case "norenew":
		day("weekly.until", r.Expires)
		parts = append(parts, w.title(r.Code))
	default:
		parts = append(parts, w.title(r.Code), w.since(reports.Start{At: r.Since, Exact: r.Exact}))
	}
	if r.Owner != "" {
		parts = append(parts, r.Owner)
	}
	return strings.Join(parts, " · ")
}

func weekServers(r reports.Weekly) []string {
	names := make([]string, len(r.Servers))
	for i, s := range r.Servers {
		names[i] = s.Name
	}
	return names
}
