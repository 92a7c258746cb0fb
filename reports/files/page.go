package files

import (
	"crypto/sha256"
	_ "embed" // for the parts of the page
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"io"
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

// HTML writes the report as one page without other files: it opens offline, sorts
// and searches its tables, and makes no request. Its first screen is the answer.
func HTML(out io.Writer, w compose.Writer, r reports.Weekly) error {
	t, err := template.New("page").Funcs(template.FuncMap{"breaks": breaks}).Parse(pageSource)
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	if err := t.Execute(out, newDocument(w, r).page()); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// page is what the template shows.
type page struct {
	Lang, Policy  string
	Style, Script template.HTML
	Title, Answer string
	Notes         []string // under the title: the time of the data, and what is missing
	Headlines     []headlineView
	Others        []rankView
	Rankings      []rankingView
	Graph         *graph // nil: no week is known
	Search, Found string
	Tables        []table
	NumbersTitle  string
	Figures       []figureView
	Parts         []partView
}

// headlineView is a large number as the page shows it.
type headlineView struct {
	Name   string
	Values []struct{ Key, Sign, Text string }
	Notes  []string
}

// rankingView are owners or causes as bars.
type rankingView struct {
	Title, Others string
	Top           []rankView
}

// rankView is a name with its count, and the length of its bar in percent.
type rankView struct {
	Name, Count string
	Percent     int
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

func (d *document) page() page {
	v := page{
		Lang: d.Language(), Policy: policy(),
		// Both are files of this package, without any customer's text.
		Style:  template.HTML("<style>" + pageStyle + "</style>"),
		Script: template.HTML("<script>" + pageScript + "</script>"),
		Title:  d.title(), Answer: d.answer(), Notes: d.notes(),
		Graph:  d.graph(),
		Search: d.Say("files.page.search"), Found: d.Say("files.page.found"),
		Tables: d.tables(), NumbersTitle: d.Say("files.sheet.numbers"),
	}
	if !d.week.Data.IsZero() {
		d.firstScreen(&v)
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
			if f.key == "cause" { // the groups say it
				f.note = ""
			}
			pv.Facts = append(pv.Facts, factView{f.name, d.valueText(f.value), f.note, f.list})
		}
		v.Parts = append(v.Parts, pv)
	}
	return v
}

// firstScreen adds the numbers that one reads first.
func (d *document) firstScreen(v *page) {
	for _, h := range d.headlines() {
		hv := headlineView{Name: h.name, Notes: h.notes}
		for _, x := range h.values {
			hv.Values = append(hv.Values, struct{ Key, Sign, Text string }{x.key, x.sign, d.Number(x.n)})
		}
		v.Headlines = append(v.Headlines, hv)
	}
	for _, x := range d.others() {
		v.Others = append(v.Others, rankView{Name: x.name, Count: d.Number(x.n)})
	}
	for _, r := range d.rankings() {
		if len(r.top) == 0 {
			continue
		}
		rv := rankingView{Title: r.title}
		for _, x := range r.top {
			rv.Top = append(rv.Top, rankView{x.name, d.Number(x.n), max(1, 100*x.n/r.most())})
		}
		if r.others > 0 {
			rv.Others = d.Say("files.page.others", i18n.Args{"N": r.others})
		}
		v.Rankings = append(v.Rankings, rv)
	}
}

// policy forbids the page every request, and all styles and scripts except its
// own, which it names by their hash (CSP 3, section 2.3.1).
func policy() string {
	return "default-src 'none'; style-src " + sourceOf(pageStyle) + "; script-src " + sourceOf(pageScript) +
		"; base-uri 'none'; form-action 'none'"
}

// sourceOf names a style or a script of the page by its hash.
func sourceOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// longRun is how many characters without a place to break fit the narrowest screen;
// shortRun is how many stand alone at least, such as "www.".
const (
	longRun  = 24
	shortRun = 4
)

// breaks is a text that may break after the dots, hyphens and the like of its names,
// where a screen is too narrow for them; nowhere else, unless a label alone is wider
// than a phone. An IPv4 address is narrow enough.
func breaks(s string) template.HTML {
	var b strings.Builder
	for i, word := range strings.Split(s, " ") {
		if i > 0 {
			b.WriteByte(' ')
		}
		if len(word) <= 10 || strings.Trim(word, "0123456789.,") == "" {
			b.WriteString(html.EscapeString(word))
			continue
		}
		from, run := 0, 0 // of what is not written yet
		for at, r := range word {
			if run == longRun {
				b.WriteString(html.EscapeString(word[from:at]) + "<wbr>")
				from, run = at, 0
			}
			if run++; run >= shortRun && strings.ContainsRune(".-_@/:", r) {
				b.WriteString(html.EscapeString(word[from:at+1]) + "<wbr>")
				from, run = at+1, 0
			}
		}
		b.WriteString(html.EscapeString(word[from:]))
	}
	return template.HTML(b.String())
}

// notes are the lines below the title: the time of the data, and what is
// missing.
func (d *document) notes() []string {
	var notes []string
	for _, f := range d.data()[1:] {
		if f.key != "rules" {
			notes = append(notes, f.name+": "+d.valueText(f.value))
		}
	}
	if d.week.Manager != "" {
		notes = append(notes, d.Say("files.mine"))
	}
	if state := d.state(); state != "" && !d.week.Data.IsZero() {
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
