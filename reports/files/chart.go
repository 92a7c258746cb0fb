package files

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// WeekChart draws the ends of the report's weeks as a PNG: what was not in
// order, what came, what was fixed. A week without a snapshot is a gap.
func WeekChart(w compose.Writer, r reports.Weekly) ([]byte, error) {
	p := newPaper(w, reports.Weekly{})
	points := make([]point, len(r.Points))
	for i, x := range r.Points {
		monday := x.At.AddDate(0, 0, -7) // At is the end of the week, already the next Monday
		points[i] = point{label: p.short(monday), open: x.Open, added: x.Added, fixed: x.Fixed, known: x.Known}
	}
	return p.draw(chart{title: "files.chart.week", axis: "files.chart.weeks", points: points, every: 2})
}

// DayChart draws days as a PNG, as WeekChart does weeks.
func DayChart(w compose.Writer, days []reports.DayPoint) ([]byte, error) {
	p := newPaper(w, reports.Weekly{})
	points := make([]point, len(days))
	for i, x := range days {
		last := x.At.Add(-time.Nanosecond) // At ends the day: at midnight it is already the next
		points[i] = point{label: p.short(p.Local(last)), open: x.Open, added: x.Added, fixed: x.Fixed, known: x.Known}
	}
	return p.draw(chart{title: "files.chart.day", axis: "files.chart.days", points: points, every: max(1, len(points)/6), daily: true})
}

// chart is what a picture shows.
type chart struct {
	title, axis string // keys of the catalogs; the title takes N
	points      []point
	every       int  // how many points share a label
	daily       bool // the points are days
}

// point is one place on the chart's axis of time.
type point struct {
	label              string
	open, added, fixed int
	known              bool
}

// short is a day as an axis has it: "16 Nov".
func (p *paper) short(t time.Time) string {
	return p.Say("files.day."+strconv.Itoa(int(t.Month())), i18n.Args{"Day": t.Day()})
}

// The size of a picture: what a phone shows at once, at three pixels a point.
const (
	chartWidth  = 11 * vg.Inch
	chartHeight = 5.5 * vg.Inch
	chartDPI    = 100
)

func (p *paper) draw(c chart) ([]byte, error) {
	canvas := vgimg.NewWith(vgimg.UseWH(chartWidth, chartHeight), vgimg.UseDPI(chartDPI))
	if err := p.picture(c, canvas); err != nil {
		return nil, fmt.Errorf("drawing the chart: %w", err)
	}
	var buf bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("drawing the chart: %w", err)
	}
	return buf.Bytes(), nil
}
