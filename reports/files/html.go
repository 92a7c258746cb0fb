package files

import (
	"crypto/sha256"
	_ "embed" // for the parts of the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

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

// HTML writes the report as one page that needs nothing else: it opens
// offline, sorts its tables, and asks nobody for anything. chart is the PNG
// of WeekChart; empty: none.
func HTML(out io.Writer, w compose.Writer, r reports.Weekly, chart []byte) error {
	t, err := template.New("page").Parse(pageSource)
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	if err := t.Execute(out, newPaper(w, r).page(chart)); err != nil {
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
	Notes         []string // under the title: of what this was made, and what it lacks
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
type figureView struct{ Key, Name, Value, Delta, Meaning string }

// partView is a group of facts as the page shows it.
type partView struct {
	Title string
	Facts []struct{ Name, Value, Note string }
}

func (p *paper) page(chart []byte) page {
	v := page{
		Lang: p.Language(), Policy: policy(),
		// Both are constants of this package: nothing of a customer is in them.
		Style:        template.HTML("<style>" + pageStyle + "</style>"),
		Script:       template.HTML("<script>" + pageScript + "</script>"),
		Title:        p.Say("files.title", i18n.Args{"Span": p.span()}),
		NumbersTitle: p.Say("files.sheet.numbers"),
		Notes:        p.notes(), Tables: p.tables(),
	}
	if len(chart) > 0 {
		v.Chart = p.chart(chart)
	}
	for _, f := range p.figures() {
		fv := figureView{Key: f.key, Name: f.name, Value: p.Number(f.value), Meaning: f.meaning}
		if f.compared {
			fv.Delta = p.Change(f.delta)
		}
		v.Figures = append(v.Figures, fv)
	}
	for _, part := range p.parts() {
		pv := partView{Title: part.title}
		for _, f := range part.facts {
			pv.Facts = append(pv.Facts, struct{ Name, Value, Note string }{f.name, p.told(f.value), f.note})
		}
		v.Parts = append(v.Parts, pv)
	}
	return v
}

// chart puts a PNG into the page itself.
func (p *paper) chart(png []byte) *picture {
	var last point
	if n := len(p.week.Points); n > 0 {
		x := p.week.Points[n-1]
		last = point{open: x.Open, added: x.Added, fixed: x.Fixed}
	}
	return &picture{
		Source:  template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png)),
		Caption: p.Say("files.page.chart"),
		Alt:     p.Say("files.chart.alt", i18n.Args{"Open": last.open, "Added": last.added, "Fixed": last.fixed}),
	}
}

// policy forbids the page every request, and every style and script but its
// own (CSP 3, section 2.3.1: by their hash).
func policy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; img-src data:; style-src " + hash(pageStyle) + "; script-src " + hash(pageScript) +
		"; base-uri 'none'; form-action 'none'"
}
