package files

import (
	"crypto/sha256"
	_ "embed" // for the parts of the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

//go:embed page.html.tmpl
var pageSource string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// HTML writes the report as one page without other files: it opens offline,
// sorts its tables and makes no request. chart is the PNG of WeekChart; empty:
// none.
func HTML(out io.Writer, w compose.Writer, r reports.Weekly, chart []byte) error {
	t, err := template.New("page").Parse(pageSource)
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	if err := t.Execute(out, newDocument(w, r).page(chart)); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// page is what the template shows.
type page struct {
	Lang, Policy  string
	Style, Script template.HTML
	Title         string
	NumbersTitle  string
	Notes         []string // under the title: the time of the data, and what is missing
	Chart         *picture
	Figures       []figureView
	Tables        []table
	Parts         []partView
}

// picture is the chart within the page.
type picture struct {
	Source  template.URL
	Caption string
	Alt     string
}

// figureView is a count as the page shows it.
type figureView struct{ Key, Name, Value, Delta, Meaning, List string }

// partView is a group of facts as the page shows it.
type partView struct {
	Title string
	Facts []factView
}

// factView is a fact as the page shows it.
type factView struct{ Name, Value, Note, List string }

func (d *document) page(chart []byte) page {
	v := page{
		Lang: d.Language(), Policy: policy(),
		// Both are files of this package, without any customer's text.
		Style:        template.HTML("<style>" + pageStyle + "</style>"),
		Script:       template.HTML("<script>" + pageScript + "</script>"),
		Title:        d.Say("files.title", i18n.Args{"Span": d.span()}),
		NumbersTitle: d.Say("files.sheet.numbers"),
		Notes:        d.notes(), Tables: d.tables(),
	}
	if len(chart) > 0 {
		v.Chart = d.chart(chart)
	}
	for _, f := range d.figures() {
		fv := figureView{Key: f.key, Name: f.name, Value: d.Number(f.value), Meaning: f.meaning, List: f.list}
		if f.compared {
			fv.Delta = d.Change(f.delta)
		}
		v.Figures = append(v.Figures, fv)
	}
	for _, part := range d.parts() {
		pv := partView{Title: part.title}
		for _, f := range part.facts {
			pv.Facts = append(pv.Facts, factView{f.name, d.valueText(f.value), f.note, f.list})
		}
		v.Parts = append(v.Parts, pv)
	}
	return v
}

// chart puts a PNG into the page itself.
func (d *document) chart(png []byte) *picture {
	var last point
	if n := len(d.week.Points); n > 0 {
		x := d.week.Points[n-1]
		last = point{open: x.Open, added: x.Added, fixed: x.Fixed}
	}
	return &picture{
		Source:  template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png)),
		Caption: d.Say("files.page.chart"),
		Alt:     d.Say("files.chart.alt", i18n.Args{"Open": last.open, "Added": last.added, "Fixed": last.fixed}),
	}
}

// policy forbids the page every request, and all styles and scripts except its
// own, which it names by their hash (CSP 3, section 2.3.1).
func policy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; img-src data:; style-src " + hash(pageStyle) + "; script-src " + hash(pageScript) +
		"; base-uri 'none'; form-action 'none'"
}

// pageRows is how many rows a page shows at most: with more it opens slowly on a
// phone.
const pageRows = 3000

// table is a table of the page.
type table struct {
	ID, Title, Count string
	Note             string // what is not shown; empty: nothing
	Head             []heading
	Rows             iter.Seq[[]cell]
}

// heading is the head of a column; its key is its class.
type heading struct{ Key, Name string }

// cell is a cell of the page, with a smaller second line and with what to
// sort by instead of its text; both may be empty.
type cell struct{ Key, Label, Text, Note, Sort string }

// tables are those of the page: the rows to act on, those to wait for, those
// that are over, and the owners. The first take as many rows as they need.
func (d *document) tables() []table {
	room := pageRows
	var tables []table
	for _, t := range []struct {
		key  string
		keep func(reports.WeekRow) bool
		keys []string
	}{
		{"todo", toDo, []string{"name", "owner", "server", "cause", "step", "since", "change"}},
		{"wait", toWait, []string{"name", "owner", "server", "cause", "step", "since", "change"}},
		{"over", isOver, []string{"name", "owner", "server", "cause", "change", "since", "until"}},
	} {
		n := d.count(t.keep)
		if n == 0 && t.key == "wait" {
			continue
		}
		shown := min(n, room)
		if t.key != "todo" && shown < n {
			shown = 0 // all or none: a part of these is of no use
		}
		room -= shown
		tables = append(tables, d.table(t.key, t.keys, n, shown, d.views(t.keys, t.keep)))
	}
	if callers := d.week.Callers(); len(callers) > 0 {
		tables = append(tables, d.table("callers", callerKeys(), len(callers), min(len(callers), pageRows/3), d.callerViews(callers)))
	}
	if t, ok := d.endingTable(); ok {
		tables = append(tables, t)
	}
	if t, ok := d.dropTable(); ok {
		tables = append(tables, t)
	}
	owners := d.week.Owners()
	return append(tables, d.table("owners", ownerKeys(), len(owners), min(len(owners), pageRows/3), d.ownerViews(owners)))
}

func (d *document) count(keep func(reports.WeekRow) bool) int {
	n := 0
	for _, r := range d.week.Rows {
		if keep(r) {
			n++
		}
	}
	return n
}

// table is a table of n rows, of which some are shown.
func (d *document) table(key string, keys []string, n, shown int, rows iter.Seq[[]cell]) table {
	t := table{ID: key, Title: d.Say("files.sheet." + key), Count: d.Number(n), Rows: first(rows, shown)}
	for _, k := range keys {
		t.Head = append(t.Head, heading{k, d.Say("files.column." + k)})
	}
	switch {
	case n == 0:
		t.Note, t.Head = d.Say("files.page.nothing"), nil
	case shown == 0:
		t.Note, t.Head = d.Say("files.page.folded", i18n.Args{"All": n}), nil
	case shown < n:
		t.Note = d.Say("files.page.rest", i18n.Args{"Shown": shown, "All": n})
	}
	return t
}

// first returns at most n of the rows.
func first(rows iter.Seq[[]cell], n int) iter.Seq[[]cell] {
	return func(yield func([]cell) bool) {
		left := n
		for row := range rows {
			if left--; left < 0 || !yield(row) {
				return
			}
		}
	}
}

// views are rows as cells.
func (d *document) views(keys []string, keep func(reports.WeekRow) bool) iter.Seq[[]cell] {
	taken := columns(keys...)
	labels := d.headings(taken)
	return func(yield func([]cell) bool) {
		for r := range d.rows(keep) {
			cells := make([]cell, len(taken))
			for i, c := range taken {
				cells[i] = d.view(c, r)
				cells[i].Label = labels[i]
			}
			if !yield(cells) {
				return
			}
		}
	}
}

// view is a cell of a row. Where a spreadsheet has two columns, a page has
// one with two lines.
func (d *document) view(c column, r reportRow) cell {
	v := cell{Key: c.key}
	if c.day != nil {
		if day := c.day(r); !day.IsZero() {
			v.Text, v.Sort = d.shortDate(day), day.Format(time.DateOnly)
		}
		if c.key == "since" {
			v.Note = r.least
		}
		return v
	}
	v.Text = c.text(r)
	switch c.key {
	case "name":
		if r.ascii != r.name {
			v.Note = r.ascii
		}
	case "cause":
		v.Note = r.to
		if !r.free.IsZero() {
			v.Note = d.Say("files.page.free", i18n.Args{"Date": d.shortDate(r.free)})
		}
	case "step":
		v.Note = r.who
	case "since", "change":
	}
	return v
}

// shortDate is a day with its year: "3 Oct 2026".
func (d *document) shortDate(day time.Time) string {
	return d.dayMonth(day) + " " + strconv.Itoa(day.Year())
}

func callerKeys() []string { return []string{"owner", "calls", "sites"} }

// sitesNamed is how many sites of a customer to contact the page names.
const sitesNamed = 20

// callerViews are the customers to contact, each with the sites to talk about.
func (d *document) callerViews(callers []reports.Caller) iter.Seq[[]cell] {
	keys := callerKeys()
	return func(yield func([]cell) bool) {
		for _, c := range callers {
			var sites []string
			for _, r := range c.Sites[:min(sitesNamed, len(c.Sites))] {
				sites = append(sites, unicodeName(r.Site)+" — "+d.codes[r.Code].cause)
			}
			if len(sites) < len(c.Sites) {
				sites = append(sites, "…")
			}
			cells := []cell{{Text: d.owner(c.Owner)}, {Text: d.Number(len(c.Sites)), Sort: strconv.Itoa(len(c.Sites))}, {Text: strings.Join(sites, "; ")}}
			for i, key := range keys {
				cells[i].Key, cells[i].Label = key, d.Say("files.column."+key)
			}
			if !yield(cells) {
				return
			}
		}
	}
}

func ownerKeys() []string { return []string{"owner", "open", "was", "new", "fixed"} }

func (d *document) ownerViews(owners []reports.OwnerWeek) iter.Seq[[]cell] {
	keys := ownerKeys()
	labels := make([]string, len(keys))
	for i, k := range keys {
		labels[i] = d.Say("files.column." + k)
	}
	return func(yield func([]cell) bool) {
		for _, o := range owners {
			cells := []cell{{Key: "owner", Label: labels[0], Text: d.owner(o.Owner)}}
			for i, n := range []int{o.Open, o.Was, o.New, o.Fixed} {
				cells = append(cells, cell{Key: keys[i+1], Label: labels[i+1], Text: d.Number(n), Sort: strconv.Itoa(n)})
			}
			if !yield(cells) {
				return
			}
		}
	}
}

// notes are the lines below the title: the time of the data, and what is
// missing.
func (d *document) notes() []string {
	var notes []string
	for _, f := range d.data()[1:] {
		notes = append(notes, f.name+": "+d.valueText(f.value))
	}
	if d.week.Manager != "" {
		notes = append(notes, d.Say("files.mine"))
	}
	if state := d.state(); state != "" {
		notes = append(notes, state)
	}
	return notes
}

// valueText is a fact's value as text.
func (d *document) valueText(v any) string {
	switch v := v.(type) {
	case int:
		return d.Number(v)
	case time.Time:
		return d.shortDate(d.day(v)) + ", " + d.Clock(v)
	case string:
		return v
	}
	return ""
}
