package compose

import (
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// phoneList is how many rows of each list a message shows: the rest is in the
// files.
const phoneList = 5

// Weekly is the message of a week's report: what a manager reads on a phone.
// The files go with it.
func Weekly(w Writer, r reports.Weekly) reports.Message {
	m := w.message(reports.Plain, weeklyTitle(w, r))
	m.Silent = true
	if r.Data.IsZero() { // numbers of nothing would say that all is well
		m.Tone = reports.ToneUnknown
		m.Sections = []reports.Section{{Text: w.Locale.Say("weekly.nodata")}}
		return m
	}
	m.Sections = append(m.Sections, reports.Section{Text: strings.Join(weeklyLines(w, r), "\n")})
	for _, list := range []struct {
		key  string
		rows []reports.WeekRow
	}{{"call", r.ToCall()}, {"off", r.ToSwitchOff()}, {"free", r.FreeNames()}, {"norenew", r.WontRenew()}} {
		if len(list.rows) > 0 {
			m.Sections = append(m.Sections, weeklyList(w, list.key, list.rows))
		}
	}
	return m
}

// weeklyTitle names the week by its number and its days.
func weeklyTitle(w Writer, r reports.Weekly) string {
	from, last := r.Week.From, r.Week.To.AddDate(0, 0, -1)
	first := w.Locale.Date(from, w.Now)
	if from.Month() == last.Month() {
		first = strconv.Itoa(from.Day())
	}
	return w.Locale.Say("weekly.title", i18n.Args{"Week": r.Week.Number, "From": first, "To": w.Locale.Date(last, w.Now),
		"Servers": w.Locale.List(weekServers(r))})
}

// weeklyLines are the numbers in a few lines, the one that matters most first.
func weeklyLines(w Writer, r reports.Weekly) []string {
	s := r.Sums()
	args := i18n.Args{"N": s.Open, "Change": w.Locale.Change(s.Open - s.Was), "Opened": s.New + s.Back, "Fixed": s.Fixed, "Old": s.Month}
	key := "weekly.moved"
	if r.Before.IsZero() {
		key = "weekly.first"
	}
	lines := []string{w.Locale.Say(key, args)}
	if r.Manager != "" {
		lines = append(lines, w.Locale.Say("weekly.yours"))
	}
	if s.Back > 0 {
		lines = append(lines, w.Locale.Count("weekly.back", s.Back))
	}
	if s.Left > 0 {
		lines = append(lines, w.Locale.Count("weekly.left", s.Left))
	}
	if oldest, ok := r.Oldest(); ok {
		lines = append(lines, w.Locale.Say("weekly.oldest", i18n.Args{"Name": checks.Show(oldest.Site), "Date": w.Locale.Date(oldest.Since, w.Now), "Cause": w.title(oldest.Code)}))
	}
	if blind := notLookedAt(w, r); blind != "" {
		lines = append(lines, blind)
	}
	if n := len(r.Orphans); n > 0 {
		lines = append(lines, w.Locale.Count("weekly.orphans", n, i18n.Args{"Names": w.Locale.List(r.Orphans[:min(phoneList, n)])}))
	}
	return append(lines, asOf(w, r))
}

// unseen says what was not looked at; empty: everything was.
func notLookedAt(w Writer, r reports.Weekly) string {
	var parts []string
	unknown := 0
	for _, s := range r.Servers {
		unknown += s.Unknown
		if s.Unread {
			parts = append(parts, w.Locale.Say("weekly.unread", i18n.Args{"Server": s.Name}))
		}
	}
	if unknown > 0 {
		parts = append(parts, w.Locale.Count("weekly.unknown", unknown))
	}
	return strings.Join(parts, " ")
}

// asOf says of which moment the numbers are.
func asOf(w Writer, r reports.Weekly) string {
	key := "weekly.asof"
	if r.Data.Before(r.Week.To) && w.Now.Before(r.Week.To) {
		key = "weekly.sofar"
	}
	return w.Locale.Say(key, i18n.Args{"At": w.Locale.DateTime(r.Data, w.Now)})
}

// weeklyList is one of the lists for the phone.
func weeklyList(w Writer, key string, rows []reports.WeekRow) reports.Section {
	s := reports.Section{Heading: w.Locale.Count("weekly.list."+key, len(rows))}
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
			parts = append(parts, w.Locale.Say(key, i18n.Args{"Date": w.Locale.Date(at, w.Now)}))
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
		parts = append(parts, w.title(r.Code))
		day("when.since", r.Since)
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
