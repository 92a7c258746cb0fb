package files

import (
	"fmt"
	"slices"
	"strings"

	"domovoy/i18n"
)

// graph is the report's weeks as an SVG in the page: the sites with problems as a line,
// below it what is new as bars upwards, and what is fixed as bars downwards. Places
// along the axis of time are in percent of the width, others in pixels, so that letters
// are as large on a phone as at a desk.
type graph struct {
	Title, Alt, Gap string
	Height          string
	Plot            struct{ Top, Height string } // of the line
	Zero, DayLine   string                       // where the bars begin, and where the days stand
	Lines           []gridLine
	Pieces          []string // of the line, in a square of 100 by 100
	Points          []graphPoint
	Legend          []legendEntry
}

type gridLine struct{ Y, Label string }

// graphPoint is one week.
type graphPoint struct {
	X, Left, Width string // its middle, and its place
	Bar            string // the left edge of its bars
	BarWidth       string
	Sparse         string // class: how wide the graph has to be for its label
	Day, Title     string
	Known          bool
	Y, Open        string
	Added, Fixed   bar
}

// bar is a bar of the graph; its label stands beyond its end.
type bar struct{ Y, Height, Label, LabelY string }

// legendEntry is a line of the legend: a mark in the colour of its class, and a word
// with the last value.
type legendEntry struct{ Class, Mark, Text string }

// The measures of a graph, in pixels.
const (
	plotTop, plotHeight  = 18, 120
	barHeight, barZero   = 30, 208 // the longest bar, and where bars begin
	graphHeight          = 254
	axisLeft, axisRight  = 9.0, 97.0 // in percent
	dayLine              = plotTop + plotHeight + 18
	mostLabelled         = 1000 // counts from here on are too wide for a label at each bar
	letterUnder, overBar = 10, 4
)

// graph is the chart of the report's weeks; nil: none is known.
func (d *document) graph() *graph {
	points := d.weekPoints()
	last := lastKnown(points)
	if last == nil {
		return nil
	}
	most, moved := 0, 1
	for _, x := range points {
		most, moved = max(most, x.open), max(moved, x.added, x.fixed)
	}
	rise := step(most)
	top := (most/rise + 1) * rise
	g := &graph{
		Title: d.Say("files.page.chart"), Height: fmt.Sprint(graphHeight), Zero: fmt.Sprint(barZero), DayLine: fmt.Sprint(dayLine),
		Alt: d.Say("files.chart.alt", i18n.Args{"Open": last.open, "Added": last.added, "Fixed": last.fixed}),
	}
	g.Plot.Top, g.Plot.Height = fmt.Sprint(plotTop), fmt.Sprint(plotHeight)
	apart := rise
	if top/rise > 4 { // it is not high
		apart = 2 * rise
	}
	for n := 0; n <= top; n += apart {
		g.Lines = append(g.Lines, gridLine{pixels(plotTop + plotHeight*float64(top-n)/float64(top)), d.Number(n)})
	}
	for i, x := range points {
		g.Points = append(g.Points, d.graphPoint(x, i, len(points), top, moved))
	}
	g.Pieces = linePieces(points, top)
	for _, x := range []struct {
		class, mark, key string
		n                int
	}{{"open", "●", "open", last.open}, {"new", "▲", "added", last.added}, {"fixed", "▼", "fixed", last.fixed}} {
		g.Legend = append(g.Legend, legendEntry{x.class, x.mark, d.Say("files.chart."+x.key) + " " + d.Number(x.n)})
	}
	if slices.ContainsFunc(points, func(x point) bool { return !x.known }) {
		g.Gap = d.Say("files.chart.gap")
	}
	return g
}

// graphPoint is the i-th of n weeks.
func (d *document) graphPoint(x point, i, n, top, moved int) graphPoint {
	slot := (axisRight - axisLeft) / float64(n)
	middle := axisLeft + slot*(float64(i)+0.5)
	p := graphPoint{
		X: percent(middle), Left: percent(middle - slot/2), Width: percent(slot), Bar: percent(middle - slot*0.3), BarWidth: percent(slot * 0.6),
		Day: x.label, Known: x.known, Sparse: []string{"always", "seldom", "often", "seldom"}[(n-1-i)%4],
	}
	if !x.known {
		p.Title = x.label + ": " + d.Say("files.chart.none")
		return p
	}
	p.Title = d.Say("files.page.point", i18n.Args{"Week": x.label, "Open": x.open, "Added": x.added, "Fixed": x.fixed})
	p.Open, p.Y = d.Number(x.open), pixels(plotTop+plotHeight*float64(top-x.open)/float64(top))
	length := func(n int) float64 { return barHeight * float64(n) / float64(moved) }
	label := func(n int) string {
		if n == 0 || moved >= mostLabelled {
			return ""
		}
		return d.Number(n)
	}
	up, down := length(x.added), length(x.fixed)
	p.Added = bar{pixels(barZero - up), pixels(up), label(x.added), pixels(barZero - up - overBar)}
	p.Fixed = bar{pixels(barZero), pixels(down), label(x.fixed), pixels(barZero + down + letterUnder)}
	return p
}

// linePieces are the runs of known points in a square of 100 by 100.
func linePieces(points []point, top int) []string {
	var pieces []string
	var run []string
	end := func() {
		if len(run) > 1 {
			pieces = append(pieces, strings.Join(run, " "))
		}
		run = nil
	}
	slot := (axisRight - axisLeft) / float64(len(points))
	for i, x := range points {
		if !x.known {
			end()
			continue
		}
		run = append(run, pixels(axisLeft+slot*(float64(i)+0.5))+","+pixels(100*float64(top-x.open)/float64(top)))
	}
	end()
	return pieces
}

func pixels(x float64) string  { return fmt.Sprintf("%.1f", x) }
func percent(x float64) string { return fmt.Sprintf("%.2f%%", x) }
