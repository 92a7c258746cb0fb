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
	m := w.message(reports.Plain, weeklyTitle(w, r))
	m.Silent = true
	if r.Data.IsZero() { // numbers of nothing would say that all is well
		m.Tone = reports.ToneUnknown
		m.Sections = []reports.Section{{Text: w.Say("weekly.nodata")}}
		return m
	}
	m.Sections = append(m.Sections, reports.Section{Text: strings.Join(weeklyLines(w, r), "\n")})
	if callers := r.Callers(); len(callers) > 0 {
		m.Sections = append(m.Sections, toCall(w, callers))
	}
	for _, list := range []struct {
		key  string
		rows []reports.WeekRow
	}{{"off", r.ToSwitchOff()}, {"free", r.FreeNames()}, {"norenew", r.WontRenew()}} {
		if len(list.rows) > 0 {
			m.Sections = append(m.Sections, weeklyList(w, list.key, list.rows))
		}
	}
	m.Actions = weeklyActions(w, r)
	return m
}

// weeklyActions are the lists behind the report's numbers, as they were at the end
// of its week.
func weeklyActions(w Writer, r reports.Weekly) []reports.Action {
	var actions []reports.Action
	for _, kind := range reports.WeekLists() {
		words := []string{kind, "week=" + r.Week.Name()}
		if r.Manager == "" {
			words = append(words, "all")
		}
		if n := len(r.List(kind, reports.Filter{})); n > 0 {
			actions = append(actions, w.listAction(w.Say("weekly.action."+kind), n, words...))
		}
	}
	return actions
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
	args := i18n.Args{"N": s.Open, "Change": w.Change(s.Open - s.Was), "Opened": s.New + s.Back, "Fixed": s.Fixed, "Old": s.Month}
	key := "weekly.moved"
	if r.Before.IsZero() {
		key = "weekly.first"
	}
	lines := []string{w.Say(key, args)}
	if r.Manager != "" {
		lines = append(lines, w.Say("weekly.yours"))
	}
	if s.Back > 0 {
		lines = append(lines, w.Count("weekly.back", s.Back))
	}
	if s.Left > 0 {
		lines = append(lines, w.Count("weekly.left", s.Left))
	}
	if oldest, ok := r.Oldest(); ok {
		lines = append(lines, w.oldest(oldest.Site, reports.Start{At: oldest.Since, Exact: oldest.Exact}, oldest.Code))
	}
	if blind := notLookedAt(w, r); blind != "" {
		lines = append(lines, blind)
	}
	if n := len(r.Orphans); n > 0 {
		lines = append(lines, w.Count("weekly.orphans", n, i18n.Args{"Names": w.List(r.Orphans[:min(phoneList, n)])}))
	}
	return append(lines, asOf(w, r))
}

// notLookedAt says which panels could not be read and how many sites could not
// be judged; empty: none.
func notLookedAt(w Writer, r reports.Weekly) string {
	var parts []string
	unknown := 0
	for _, s := range r.Servers {
		unknown += s.Unknown
		if s.Unread {
			parts = append(parts, w.Say("weekly.unread", i18n.Args{"Server": s.Name}))
		}
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

// sitesOfCaller is how many sites of a customer the message names.
const sitesOfCaller = 3

// toCall are the customers to contact, each with the sites to talk about.
func toCall(w Writer, callers []reports.Caller) reports.Section {
	sites := 0
	for _, c := range callers {
		sites += len(c.Sites)
	}
	s := reports.Section{Heading: w.Count("weekly.list.call", len(callers), i18n.Args{"Sites": w.Count("weekly.sites", sites)})}
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
func weeklyList(w Writer, key string, rows []reports.WeekRow) reports.Section {
	s := reports.Section{Heading: w.Count("weekly.list."+key, len(rows))}
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
