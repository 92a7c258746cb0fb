package files

import (
	"bytes"
	"fmt"
	"image/color"
	"slices"
	"strconv"
	"strings"
	"time"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	weights "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// WeekChart draws the report's weeks as a PNG: for the end of each the sites with
// problems as a line, and below it what was new as bars upwards and what was fixed as
// bars downwards, on a scale of their own: beside the line they would lie at zero. A
// week without a snapshot is a gap.
func WeekChart(w compose.Writer, r reports.Weekly) ([]byte, error) {
	p := newDocument(w, reports.Weekly{Points: r.Points})
	return p.draw(chart{title: "files.chart.week", axis: "files.chart.weeks", points: p.weekPoints(), every: 2})
}

// weekPoints are the report's weeks, each under its Monday.
func (d *document) weekPoints() []point {
	points := make([]point, len(d.week.Points))
	for i, x := range d.week.Points {
		monday := x.At.AddDate(0, 0, -7) // At is the end of the week, already the next Monday
		points[i] = point{label: d.dayMonth(monday), open: x.Open, added: x.Added, fixed: x.Fixed, known: x.Known}
	}
	return points
}

// DayChart draws days as WeekChart draws weeks.
func DayChart(w compose.Writer, days []reports.DayPoint) ([]byte, error) {
	p := newDocument(w, reports.Weekly{})
	points := make([]point, len(days))
	for i, x := range days {
		last := x.At.Add(-time.Nanosecond) // At ends the day: at midnight it is already the next
		points[i] = point{label: p.dayMonth(p.Local(last)), open: x.Open, added: x.Added, fixed: x.Fixed, known: x.Known}
	}
	return p.draw(chart{title: "files.chart.day", points: points, every: max(1, len(points)/6), daily: true})
}

// chart is what a picture shows.
type chart struct {
	title, axis string // keys of the catalogs; the title takes N, days need no axis
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

// dayMonth is a day as an axis has it: "16 Nov".
func (d *document) dayMonth(t time.Time) string {
	return d.Say("files.day."+strconv.Itoa(int(t.Month())), i18n.Args{"Day": t.Day()})
}

// The size of a picture: what a phone shows at once, at three pixels a point.
const (
	chartWidth  = 11 * vg.Inch
	chartHeight = 5.5 * vg.Inch
	chartDPI    = 100
)

func (d *document) draw(c chart) ([]byte, error) {
	canvas := vgimg.NewWith(vgimg.UseWH(chartWidth, chartHeight), vgimg.UseDPI(chartDPI))
	if err := d.picture(c, canvas); err != nil {
		return nil, fmt.Errorf("drawing the chart: %w", err)
	}
	var buf bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("drawing the chart: %w", err)
	}
	return buf.Bytes(), nil
}

// series is what the chart shows of each point, and how it looks: by colour, and by
// shape or direction, so that either is enough.
type series struct {
	color color.Color
	glyph draw.GlyphDrawer
	value func(point) int
	key   string // of its name in the catalogs
}

// The three series: the line, and the bars upwards and downwards.
func openSeries() series {
	return series{blue(), draw.CircleGlyph{}, func(p point) int { return p.open }, "open"}
}
func addedSeries() series {
	return series{vermillion(), draw.PyramidGlyph{}, func(p point) int { return p.added }, "added"}
}
func fixedSeries() series {
	return series{green(), corners{{-1, 0.7}, {1, 0.7}, {0, -1}}, func(p point) int { return p.fixed }, "fixed"}
}

func (s series) line() draw.LineStyle { return draw.LineStyle{Color: s.color, Width: 3} }
func (s series) mark() draw.GlyphStyle {
	return draw.GlyphStyle{Color: s.color, Radius: 5, Shape: s.glyph}
}

// picture draws title and legend above, and the lines below them.
func (d *document) picture(c chart, onto vg.CanvasSizer) error {
	in, err := newFonts(onLight())
	if err != nil {
		return err
	}
	whole := draw.New(onto)
	whole.SetColor(in.paper)
	whole.Fill(whole.Path())
	inner := draw.Crop(whole, 14, -36, 12, -12)
	inner.FillText(in.style(25, true), vg.Point{X: inner.Min.X, Y: inner.Max.Y - 24}, d.heading(c))
	d.legend(in, draw.Crop(inner, 0, 0, 0, -38), lastKnown(c.points))
	d.plot(in, draw.Crop(inner, 0, 0, 0, -84), c)
	return nil
}

// heading is the chart's title: the last total, and its change where the
// point before is known, or its day where it is not the newest.
func (d *document) heading(c chart) string {
	last, n := lastKnown(c.points), len(c.points)
	if last == nil {
		return d.Say("files.chart.none")
	}
	total := d.Number(last.open)
	switch {
	case !c.points[n-1].known: // the newest is of an older day
		total += " (" + last.label + ")"
	case c.daily: // as the digest counts: against yesterday's
		total += " (" + d.Change(last.added-last.fixed) + ")"
	case n > 1 && c.points[n-2].known:
		total += " (" + d.Change(last.open-c.points[n-2].open) + ")"
	}
	return d.Say(c.title, i18n.Args{"N": total})
}

// lastKnown is the newest point with data; nil: none has.
func lastKnown(points []point) *point {
	for i := len(points) - 1; i >= 0; i-- {
		if points[i].known {
			return &points[i]
		}
	}
	return nil
}

// legend names the line and the bars in one row, with their last values.
func (d *document) legend(in fonts, c draw.Canvas, last *point) {
	style := in.style(20, false)
	x, y := c.Min.X-14, c.Max.Y-22
	for _, s := range []series{openSeries(), addedSeries(), fixedSeries()} {
		mark := s.mark()
		if s.key == "open" {
			c.StrokeLine2(s.line(), x+14, y+7, x+40, y+7)
		} else {
			mark.Radius = 8
		}
		c.DrawGlyph(mark, vg.Point{X: x + 27, Y: y + 7})
		name := d.Say("files.chart." + s.key)
		if last != nil {
			name += " " + d.Number(s.value(*last))
		}
		c.FillText(style, vg.Point{X: x + 48, Y: y}, name)
		x += 50 + style.Width(name) + 28
	}
}

// The distances around a grid, in points.
const (
	gridSide  = 20 // its lines go on beyond the first and the last point
	gridGap   = 9  // between a number and its line
	gridFloor = 60 // below zero: the axis of days and its words
	gridAxis  = 10 // below what is drawn: that axis

	barsHigh = 104 // below zero: the place of the bars, with their numbers
	barLong  = 30  // the longest bar
	barWide  = 28  // the widest one
	barSize  = 14  // of the numbers at the bars
)

// grid is where the points of a chart lie: its canvas reaches from the first
// point to the last, and from the lower line to the upper one.
type grid struct {
	draw.Canvas
	last        int // the point at its right edge; at least 1
	bottom, top int // the counts at its lower and upper edge
}

// at is the place of a point: its index, and what it counts.
func (g *grid) at(i, n int) vg.Point {
	return vg.Point{X: g.X(float64(i) / float64(g.last)), Y: g.Y(float64(n-g.bottom) / float64(g.top-g.bottom))}
}

// plot is the chart without its title: an axis from zero, a line in pieces where points
// are missing, and the bars below.
func (d *document) plot(in fonts, c draw.Canvas, shown chart) {
	most := 0
	for _, x := range shown.points {
		if x.known {
			most = max(most, x.open)
		}
	}
	rise := step(most)
	g := &grid{last: max(1, len(shown.points)-1), top: (most/rise + 1) * rise}
	left := in.style(17, false).Width(d.Number(g.top)) + gridGap + gridSide
	g.Canvas = draw.Crop(c, left, -gridSide, gridFloor+barsHigh, -8) // half a number above
	d.countAxis(in, g, rise)
	d.dayAxis(in, g, shown)
	s := openSeries()
	pieces := g.pieces(shown.points, s.value)
	g.StrokeLines(s.line(), pieces...)
	for _, at := range slices.Concat(pieces...) {
		g.DrawGlyph(s.mark(), at)
	}
	d.movement(in, g, shown.points)
}

// movement draws the bars: what was new upwards, what was fixed downwards, each with its
// number where there is room for it.
func (d *document) movement(in fonts, g *grid, points []point) {
	zero, moved := g.Min.Y-barsHigh/2-4, 1
	for _, x := range points {
		if x.known {
			moved = max(moved, x.added, x.fixed)
		}
	}
	g.StrokeLine2(draw.LineStyle{Color: in.axis, Width: 0.7}, g.Min.X-gridSide, zero, g.Max.X+gridSide, zero)
	style := in.style(barSize, false)
	style.XAlign = draw.XCenter
	slot := g.Size().X / vg.Length(g.last)
	half := min(barWide, slot*0.7) / 2
	numbers := style.Width(d.Number(moved)) <= slot
	for i, x := range points {
		if !x.known {
			continue
		}
		middle := g.at(i, 0).X
		for _, b := range []struct {
			series
			up vg.Length
		}{{addedSeries(), 1}, {fixedSeries(), -1}} {
			n := b.value(x)
			if n == 0 {
				continue
			}
			end := zero + b.up*barLong*vg.Length(n)/vg.Length(moved)
			g.SetColor(b.color)
			g.Fill(vg.Rectangle{Min: vg.Point{X: middle - half, Y: min(zero, end)}, Max: vg.Point{X: middle + half, Y: max(zero, end)}}.Path())
			if numbers {
				below := vg.Length(4)
				if b.up < 0 {
					below = -14
				}
				g.FillText(style, vg.Point{X: middle, Y: end + below}, d.Number(n))
			}
		}
	}
}

// pieces are the positions of the known points, in runs without a gap.
func (g *grid) pieces(points []point, value func(point) int) [][]vg.Point {
	var all [][]vg.Point
	fresh := true
	for i, x := range points {
		if !x.known {
			fresh = true
			continue
		}
		if fresh {
			all, fresh = append(all, nil), false
		}
		all[len(all)-1] = append(all[len(all)-1], g.at(i, value(x)))
	}
	return all
}

// countAxis draws the lines of the grid, and their numbers to the left.
func (d *document) countAxis(in fonts, g *grid, rise int) {
	style := in.style(17, false)
	style.XAlign = draw.XRight
	for n := g.bottom; n <= g.top; n += rise {
		y := g.at(0, n).Y
		g.StrokeLine2(draw.LineStyle{Color: in.grid, Width: 0.7}, g.Min.X-gridSide, y, g.Max.X+gridSide, y)
		g.FillText(style, vg.Point{X: g.Min.X - gridSide - gridGap, Y: y - 7.5}, d.Number(n))
	}
}

// dayAxis draws the axis of time, and below it what a gap means, if there is one.
func (d *document) dayAxis(in fonts, g *grid, c chart) {
	line, style := draw.LineStyle{Color: in.axis, Width: 0.5}, in.style(17, false)
	style.XAlign = draw.XCenter
	y := g.Min.Y - barsHigh - gridAxis
	g.StrokeLine2(line, g.Min.X-gridSide, y, g.Max.X+gridSide, y)
	var words []string
	if c.axis != "" {
		words = append(words, d.Say(c.axis))
	}
	if slices.ContainsFunc(c.points, func(x point) bool { return !x.known }) {
		words = append(words, d.Say("files.chart.gap"))
	}
	for i, x := range c.points {
		x0, long := g.at(i, 0).X, vg.Length(4)
		if (len(c.points)-1-i)%c.every == 0 { // the newest has its label
			long = 8
			g.FillText(style, vg.Point{X: x0, Y: y - 24}, x.label)
		}
		g.StrokeLine2(line, x0, y, x0, y-long)
	}
	style.Color = in.faint
	g.FillText(style, vg.Point{X: g.Center().X, Y: y - 47}, strings.Join(words, " · "))
}

// step is the distance between the lines of a grid: 1, 2 or 5 times a power of
// ten, for four to seven lines.
func step(top int) int {
	for power := 1; ; power *= 10 {
		for _, n := range []int{1, 2, 5} {
			if top/(n*power) < 6 {
				return n * power
			}
		}
	}
}

// fonts are those of one chart, with its colours: Liberation Sans is built in, and
// has Cyrillic.
type fonts struct {
	text.Plain
	theme
}

// newFonts parses the two faces that a chart needs. That is quick beside the
// drawing, so no memory holds them between charts. The root package of gonum's
// plot would parse twelve when the process starts.
func newFonts(t theme) (fonts, error) {
	faces := font.NewCache(nil)
	for weight, data := range map[weights.Weight][]byte{
		weights.WeightNormal: liberationsansregular.TTF,
		weights.WeightBold:   liberationsansbold.TTF,
	} {
		face, err := opentype.Parse(data)
		if err != nil {
			return fonts{}, fmt.Errorf("reading a font: %w", err)
		}
		faces.Add(font.Collection{{Font: sans(weight), Face: face}})
	}
	return fonts{text.Plain{Fonts: faces}, t}, nil
}

func sans(weight weights.Weight) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight}
}

func (f fonts) style(size vg.Length, bold bool) text.Style {
	face := sans(weights.WeightNormal)
	if bold {
		face = sans(weights.WeightBold)
	}
	return text.Style{Color: f.ink, Font: font.From(face, size), Handler: f.Plain}
}
