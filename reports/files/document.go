// Package files writes a week's report as a file to open, print or forward.
package files

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// Names are the names of the report's files in the reader's language, such
// as domovoy-week-2026-W46.xlsx: letters, digits, hyphens and a dot.
func Names(w compose.Writer, r reports.Weekly) (xlsx, html, csv string) {
	week := fmt.Sprintf("%04d-W%02d", r.Week.Year, r.Week.Number) // ISO 8601, section 5.2.4
	name := strings.ReplaceAll(w.Locale.Say("files.name", i18n.Args{"Week": week}), " ", "-")
	return name + ".xlsx", name + ".html", name + ".csv"
}

// paper is one report on its way into a file: what it says, and to whom.
type paper struct {
	*i18n.Locale
	now   time.Time
	week  reports.Weekly
	sums  reports.Sums
	codes map[checks.Code]words // what is said of a code, once for all its rows
}

// words are what a row says of its code.
type words struct{ cause, step, who string }

func newPaper(w compose.Writer, r reports.Weekly) *paper {
	p := &paper{Locale: w.Locale, now: w.Now, week: r, sums: r.Sums(), codes: map[checks.Code]words{}}
	for _, row := range r.Rows {
		p.codes[row.Code], p.codes[row.Was] = words{}, words{}
	}
	for code := range p.codes {
		if code == "" {
			continue
		}
		p.codes[code] = words{
			cause: p.Say("code." + string(code) + ".title"),
			step:  p.Say("code." + string(code) + ".next"),
			who:   p.Say("who." + string(code.Who())),
		}
	}
	return p
}

// line is one row in the reader's words. Its days are midnights of the
// reader's zone; zero: not known, or none.
type line struct {
	words
	name, ascii, owner, server string
	to                         string // where a name that leads elsewhere leads; may be empty
	change                     string
	since, until, free, ends   time.Time
}

// line words a row.
func (p *paper) line(r reports.WeekRow) line {
	return line{
		words: p.codes[r.Code], name: unicodeName(r.Site), ascii: clean(r.Site), owner: clean(r.Owner), server: r.Server, to: clean(r.To),
		change: p.change(r), since: p.day(r.Since), until: p.day(r.Until), free: r.Free.UTC(), ends: p.day(r.Expires),
	}
}

// clean takes from a foreign text what no cell can hold and what turns its
// letters around; every name of 253 characters fits.
func clean(s string) string {
	if len(s) > 300 {
		return checks.Clean(s, 300)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7F {
			return checks.Clean(s, 300)
		}
	}
	return s // nearly every name: there is nothing to do
}

// unicodeName is a name as people read it.
func unicodeName(ascii string) string {
	if !strings.Contains(ascii, "xn--") {
		return clean(ascii)
	}
	return clean(checks.ToUnicode(ascii))
}

// change tells a row against the week before.
func (p *paper) change(r reports.WeekRow) string {
	if r.Change.Open() && p.week.Before.IsZero() {
		return ""
	}
	if r.Change == reports.WeekCause {
		return p.Say("files.change.cause", i18n.Args{"Was": p.codes[r.Was].cause})
	}
	return p.Say("files.change." + string(r.Change))
}

// day is the reader's day of a moment; zero stays zero.
func (p *paper) day(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	t = p.Local(t)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// lines words the rows that keep lets through.
func (p *paper) lines(keep func(reports.WeekRow) bool) iter.Seq[line] {
	return func(yield func(line) bool) {
		for _, r := range p.week.Rows {
			if keep(r) && !yield(p.line(r)) {
				return
			}
		}
	}
}

// toDo reports whether somebody has to do something about a row. Where the CA
// is at fault, or a limit, one can only wait.
func toDo(r reports.WeekRow) bool {
	who := r.Code.Who()
	return r.Change.Open() && who != checks.CA && who != checks.Nobody
}

func toWait(r reports.WeekRow) bool { return r.Change.Open() && !toDo(r) }
func isOver(r reports.WeekRow) bool { return !r.Change.Open() }
func every(reports.WeekRow) bool    { return true }

// column is one column of a table of rows.
type column struct {
	key   string  // of its heading in the catalogs
	width float64 // in characters, as spreadsheets measure it
	text  func(line) string
	day   func(line) time.Time // instead of text, for a column of days
}

// columns are those of every row, open or over; a table takes its own of them.
func columns(keys ...string) []column {
	all := []column{
		{key: "name", width: 30, text: func(l line) string { return l.name }},
		{key: "ascii", width: 30, text: func(l line) string { return l.ascii }},
		{key: "owner", width: 18, text: func(l line) string { return l.owner }},
		{key: "server", width: 12, text: func(l line) string { return l.server }},
		{key: "cause", width: 34, text: func(l line) string { return l.cause }},
		{key: "to", width: 16, text: func(l line) string { return l.to }},
		{key: "step", width: 72, text: func(l line) string { return l.step }},
		{key: "who", width: 14, text: func(l line) string { return l.who }},
		{key: "since", width: 13, day: func(l line) time.Time { return l.since }},
		{key: "until", width: 13, day: func(l line) time.Time { return l.until }},
		{key: "change", width: 26, text: func(l line) string { return l.change }},
		{key: "free", width: 13, day: func(l line) time.Time { return l.free }},
		{key: "ends", width: 15, day: func(l line) time.Time { return l.ends }},
	}
	if len(keys) == 0 {
		return all
	}
	taken := make([]column, len(keys))
	for i, key := range keys {
		for _, c := range all {
			if c.key == key {
				taken[i] = c
			}
		}
	}
	return taken
}

// headings are the columns' names in the reader's language.
func (p *paper) headings(columns []column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = p.Say("files.column." + c.key)
	}
	return names
}
