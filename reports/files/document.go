// Package files writes a week's report as a file to open, print or forward, and
// draws charts.
//
// Charts are drawn with the canvas of gonum's plot, and with fonts that are built in
// and read for each picture, so that nothing is held in memory between two. Axes,
// labels and legends are our own: those of the libraries for charts know neither gaps
// nor a reader's language and zone.
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

// Names returns the names of the report's files in the reader's language, such
// as domovoy-week-2026-W46.xlsx: letters, digits, hyphens and a dot.
func Names(w compose.Writer, r reports.Weekly) (xlsx, html, csv string) {
	week := fmt.Sprintf("%04d-W%02d", r.Week.Year, r.Week.Number) // ISO 8601, section 5.2.4
	name := strings.ReplaceAll(w.Say("files.name", i18n.Args{"Week": week}), " ", "-")
	return name + ".xlsx", name + ".html", name + ".csv"
}

// document is one report on its way into a file, with the language and the
// zone of its reader.
type document struct {
	*i18n.Locale
	now   time.Time
	week  reports.Weekly
	sums  reports.Sums
	codes map[checks.Code]codeText // the texts of each code, shared by its rows
	steps map[stepBy]string        // what to do, shared by the rows of the same step
}

// stepBy is what a next step depends on: who takes it may differ from row to row.
type stepBy struct {
	code checks.Code
	acts checks.Who // who could repair the site
	does checks.Who // who takes the next step
}

func (d *document) stepBy(r reports.WeekRow) stepBy {
	return stepBy{r.Code, r.Acts(), d.week.Does(r)}
}

// codeText is what the catalogs say about a code.
type codeText struct{ cause, step string }

func newDocument(w compose.Writer, r reports.Weekly) *document {
	d := &document{Locale: w.Locale, now: w.Now, week: r, sums: r.Sums(), codes: map[checks.Code]codeText{}, steps: map[stepBy]string{}}
	for _, row := range r.Rows {
		d.codes[row.Code], d.codes[row.Was] = codeText{}, codeText{}
		d.steps[d.stepBy(row)] = ""
	}
	for s := range d.steps {
		switch {
		case s.does != s.acts:
			d.steps[s] = d.Say("files.step.off")
		case s.acts != s.code.Who():
			d.steps[s] = d.Say("files.step." + string(s.acts)) // the step of the code alone is another's
		default:
			d.steps[s] = d.Say("code." + string(s.code) + ".next")
		}
	}
	for code := range d.codes {
		if code == "" {
			continue
		}
		d.codes[code] = codeText{
			cause: d.Say("code." + string(code) + ".title"),
			step:  d.Say("code." + string(code) + ".next"),
		}
	}
	return d
}

// reportRow is one row in the reader's language. Its days are the reader's, as
// midnights in UTC; zero: not known, or none.
type reportRow struct {
	codeText
	name, ascii, owner, server string
	shown                      string // the name as messages show it: with its ASCII form, if it has another
	to                         string // the address or network that the name points to; may be empty
	change, who                string
	least                      string // says that the problem is at least as old as since; empty: it began then
	since, until, free, ends   time.Time
}

// row gives the texts and days of a row of the report.
func (d *document) row(r reports.WeekRow) reportRow {
	least := ""
	if !r.Exact {
		least = d.Say("files.least")
	}
	to := ""
	if strings.HasPrefix(string(r.Code), "dns.") { // the arguments of other codes mean other things
		to = clean(r.To)
	}
	text := d.codes[r.Code]
	text.step = d.steps[d.stepBy(r)]
	return reportRow{
		least:    least,
		codeText: text, name: unicodeName(r.Site), ascii: clean(r.Site), shown: shownName(r.Site), owner: clean(r.Owner), server: r.Server, to: to,
		change: d.change(r), who: d.Say("who." + string(d.week.Does(r))), since: d.day(r.Since), until: d.day(r.Until), free: r.Free.UTC(), ends: d.day(r.Expires),
	}
}

// clean removes from a foreign text the characters that no cell can hold and
// those that change the direction of writing. 300 bytes are enough for every
// domain name.
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

// shownName is a name as messages show it: пример.рф (xn--e1afmkfd.xn--p1ai).
func shownName(ascii string) string {
	if !strings.Contains(ascii, "xn--") {
		return clean(ascii)
	}
	return checks.Clean(checks.Show(ascii), 300)
}

// change compares a row with the week before; empty: there is nothing to
// compare with.
func (d *document) change(r reports.WeekRow) string {
	if r.Change.Open() && d.week.Before.IsZero() {
		return ""
	}
	if r.Change == reports.WeekCause {
		return d.Say("files.change.cause", i18n.Args{"Was": d.codes[r.Was].cause})
	}
	return d.Say("files.change." + string(r.Change))
}

// day is the reader's day of a moment; zero stays zero.
func (d *document) day(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	t = d.Local(t)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// rows returns the rows for which keep is true.
func (d *document) rows(keep func(reports.WeekRow) bool) iter.Seq[reportRow] {
	return func(yield func(reportRow) bool) {
		for _, r := range d.week.Rows {
			if keep(r) && !yield(d.row(r)) {
				return
			}
		}
	}
}

// forUs and forCustomer report whether we, or the customer, have to act on a row.
func (d *document) forUs(r reports.WeekRow) bool {
	return r.Change.Open() && d.week.Does(r) == checks.Us
}

func (d *document) forCustomer(r reports.WeekRow) bool {
	return r.Change.Open() && d.week.Does(r) == checks.Customer
}

// toDo reports whether a person has to act on a row. If the CA or a limit is the
// cause, one can only wait.
func (d *document) toDo(r reports.WeekRow) bool { return d.forUs(r) || d.forCustomer(r) }

func (d *document) toWait(r reports.WeekRow) bool { return r.Change.Open() && !d.toDo(r) }
func isOver(r reports.WeekRow) bool               { return !r.Change.Open() }
func every(reports.WeekRow) bool                  { return true }

// column is one column of a table.
type column struct {
	key   string  // of its heading in the catalogs
	width float64 // in characters, as spreadsheets measure it
	text  func(reportRow) string
	day   func(reportRow) time.Time // instead of text, for a column of days
}

// csvKeys are the columns of the table for scripts, which has a name in both forms.
func csvKeys() []string {
	return []string{"name", "ascii", "owner", "server", "cause", "to", "step", "who", "since", "until", "change", "free", "ends", "least"}
}

// columns returns the columns with these keys.
func columns(keys ...string) []column {
	all := []column{
		{key: "name", width: 30, text: func(r reportRow) string { return r.name }},
		{key: "shown", width: 34, text: func(r reportRow) string { return r.shown }},
		{key: "ascii", width: 30, text: func(r reportRow) string { return r.ascii }},
		{key: "owner", width: 18, text: func(r reportRow) string { return r.owner }},
		{key: "server", width: 11, text: func(r reportRow) string { return r.server }},
		{key: "cause", width: 26, text: func(r reportRow) string { return r.cause }},
		{key: "to", width: 16, text: func(r reportRow) string { return r.to }},
		{key: "step", width: 48, text: func(r reportRow) string { return r.step }},
		{key: "who", width: 12, text: func(r reportRow) string { return r.who }},
		{key: "since", width: 13, day: func(r reportRow) time.Time { return r.since }},
		{key: "until", width: 13, day: func(r reportRow) time.Time { return r.until }},
		{key: "change", width: 20, text: func(r reportRow) string { return r.change }},
		{key: "free", width: 13, day: func(r reportRow) time.Time { return r.free }},
		{key: "ends", width: 15, day: func(r reportRow) time.Time { return r.ends }},
		{key: "least", width: 11, text: func(r reportRow) string { return r.least }},
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
func (d *document) headings(columns []column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = d.Say("files.column." + c.key)
	}
	return names
}
