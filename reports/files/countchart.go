package files

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"domovoy/reports"
	"domovoy/reports/compose"
)

// The size of a picture of counts: 1080 by 648 pixels, which a phone's screen shows
// without a loss. A letter of 15 points is as large there as the text of the chat.
const (
	countWidth  = 9 * vg.Inch
	countHeight = 5.4 * vg.Inch
	countDPI    = 120
)

// CountChart draws a chart as a PNG, below the title of its message. A step without
// a reading is a gap in the line. The chart must be Known.
func CountChart(w compose.Writer, c reports.Chart) ([]byte, error) {
	ground := onLight()
	if c.Dark {
		ground = onDark()
	}
	in, err := newFonts(ground)
	if err != nil {
		return nil, fmt.Errorf("drawing the chart: %w", err)
	}
	canvas := vgimg.NewWith(vgimg.UseWH(countWidth, countHeight), vgimg.UseDPI(countDPI), vgimg.UseBackgroundColor(in.paper))
	p := counting{newDocument(w, reports.Weekly{}), in, w, c}
	p.picture(draw.New(canvas))
	var buf bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("drawing the chart: %w", err)
	}
	return buf.Bytes(), nil
}

// counting is a chart of counts on its way into a picture.
type counting struct {
	*document
	fonts
	writer compose.Writer
	reports.Chart
}

// Sizes of letters in points, and distances.
const (
	sizeTitle, leastTitle = 21, 14
	sizeLabel             = 15
	sizeWords             = 13
	underTitle            = 44 // from the upper edge to what is below the title
	lineHeight            = 18 // of labels
)

func (p *counting) picture(whole draw.Canvas) {
	inner := draw.Crop(whole, 12, -12, 10, -10)
	title, text := p.fitting(compose.ChartTitle(p.writer, p.Chart), inner.Size().X)
	inner.FillText(title, vg.Point{X: inner.Min.X, Y: inner.Max.Y - 21}, text)
	body := draw.Crop(inner, 0, 0, 0, -underTitle)
	switch {
	case p.Flaky == nil:
		p.curves(body)
	case p.Flaky.By == reports.ByHour:
		p.hours(body)
	default:
		p.bars(body)
	}
}

// fitting is a title in the largest letters in which it fits; if in none, it is cut.
func (p *counting) fitting(title string, width vg.Length) (text.Style, string) {
	for size := vg.Length(sizeTitle); size >= leastTitle; size-- {
		if style := p.style(size, true); style.Width(title) <= width {
			return style, title
		}
	}
	style := p.style(leastTitle, true)
	return style, cut(style, title, width)
}

// middle is how far below a line text begins that stands at its height.
const middle = sizeLabel * 0.36

// cut shortens a text to a width.
func cut(style text.Style, s string, width vg.Length) string {
	if style.Width(s) <= width {
		return s
	}
	letters := []rune(s)
	for n := len(letters) - 1; n > 0; n-- {
		if s := string(letters[:n]) + "…"; style.Width(s) <= width {
			return s
		}
	}
	return "…"
}

// curves draws the lines with their axes.
func (p *counting) curves(c draw.Canvas) {
	g, rise := p.place(c)
	p.counts(g, rise)
	p.time(g, c.Max.X)
	p.threshold(g)
	for i, x := range p.Curves {
		p.curve(g, x, p.look(i))
	}
	p.endings(g)
}

// place is where the points lie, and the distance of the grid's lines.
func (p *counting) place(c draw.Canvas) (g *grid, rise int) {
	bottom, top, rise := scale(p.extremes())
	label := p.style(sizeLabel, false)
	left := max(label.Width(p.Number(top)), label.Width(p.Number(bottom))) + gridGap + gridSide
	right := vg.Length(gridSide)
	for _, x := range p.Curves {
		right = max(right, p.style(sizeLabel, true).Width(p.ending(x))+14)
	}
	g = &grid{last: max(1, p.Axis.Steps()-1), bottom: bottom, top: top}
	g.Canvas = draw.Crop(c, left, -right, 58, -8)
	return g, rise
}

// extremes are the lowest and the highest count of all curves.
func (p *counting) extremes() (low, high int) {
	first := true
	for _, x := range p.Curves {
		if x.First.At.IsZero() {
			continue
		}
		if first {
			low, high, first = x.Low.Value, x.High.Value, false
		}
		low, high = min(low, x.Low.Value), max(high, x.High.Value)
	}
	if p.Threshold <= 2*high && p.Threshold > 0 {
		low, high = min(low, p.Threshold), max(high, p.Threshold)
	}
	return low, high
}

// scale is where the lines of a grid are: the lowest, the highest, and the distance.
// The lowest is zero, unless all counts are so close together that their line would
// be level.
func scale(low, high int) (bottom, top, rise int) {
	if rise = step(high - low); low > 0 && high-low < low/5 {
		bottom = max(0, (low-1)/rise*rise)
	} else {
		rise = step(high)
	}
	return bottom, (high/rise + 1) * rise, rise
}

// counts draws the lines of the grid with their numbers.
func (p *counting) counts(g *grid, rise int) {
	style := p.style(sizeLabel, false)
	style.XAlign = draw.XRight
	for n := g.bottom; n <= g.top; n += rise {
		y := g.at(0, n).Y
		g.StrokeLine2(draw.LineStyle{Color: p.grid, Width: 0.7}, g.Min.X-gridSide, y, g.Max.X+4, y)
		g.FillText(style, vg.Point{X: g.Min.X - gridSide - gridGap, Y: y - middle}, p.Number(n))
	}
}

// time draws the axis of days or hours, whose labels end at right at the latest, and
// below it what is not plain to see.
func (p *counting) time(g *grid, right vg.Length) {
	line, style := draw.LineStyle{Color: p.axis, Width: 0.7}, p.style(sizeLabel, false)
	style.XAlign = draw.XCenter
	y := g.Min.Y - gridAxis
	g.StrokeLine2(line, g.Min.X-gridSide, y, g.Max.X+4, y)
	labels := p.labels()
	for i := range p.Axis.Steps() {
		x := g.at(i, g.bottom).X
		if label := labels[i]; label != "" {
			g.StrokeLine2(line, x, y, x, y-6)
			half := style.Width(label) / 2
			g.FillText(style, vg.Point{X: min(x, right-half), Y: y - 20}, label)
		} else if p.Axis.Steps() <= fewSteps {
			g.StrokeLine2(line, x, y, x, y-3)
		}
	}
	style = p.style(sizeWords, false)
	style.Color = p.faint
	g.FillText(style, vg.Point{X: g.Min.X - gridSide, Y: y - 42}, strings.Join(p.words(g), " · "))
}

// fewSteps is how many steps have a mark each.
const fewSteps = 40

// labels are the days or hours below the axis, by step; the newest day has one.
func (p *counting) labels() map[int]string {
	labels, n := map[int]string{}, p.Axis.Steps()
	if !p.Axis.Hourly {
		every := max(1, (n+5)/6)
		if n > 366 { // the labels have a year
			every = n / 4
		}
		for i := n - 1; i >= 0; i -= every {
			at := p.Local(p.Axis.Moments[i])
			if labels[i] = p.dayMonth(at); n > 366 {
				labels[i] += " " + strconv.Itoa(at.Year())
			}
		}
		return labels
	}
	every := 12
	for _, x := range []int{8, 6, 4, 3, 2} {
		if n <= 8*x {
			every = x
		}
	}
	for i := range n {
		switch at := p.Local(p.Axis.Moments[i]); {
		case at.Hour() == 0:
			labels[i] = p.dayMonth(at)
		case at.Hour()%every == 0:
			labels[i] = p.Clock(at)
		}
	}
	return labels
}

// words explain gaps, the area behind a line, a count of a step that is not over, and an
// axis that does not begin at zero.
func (p *counting) words(g *grid) []string {
	var words []string
	if slices.ContainsFunc(p.Curves, func(x *reports.Curve) bool { return x.Gaps() > 0 }) {
		words = append(words, p.Say("files.chart.gap"))
	}
	step := "day"
	if p.Axis.Hourly {
		step = "hour"
	}
	if p.banded() {
		words = append(words, p.Say("files.chart.band."+step))
	}
	if p.Kind == reports.ChartAttempts { // of which the last step has only a part
		words = append(words, p.Say("files.chart.sofar."+step))
	}
	if g.bottom > 0 {
		words = append(words, p.Say("files.chart.notzero"))
	}
	return words
}

// banded reports whether an area shows from where to where the count went in a step:
// with one line only, and if it went anywhere.
func (p *counting) banded() bool {
	return len(p.Curves) == 1 && slices.ContainsFunc(p.Curves[0].Points, func(x reports.CurvePoint) bool { return x.Low < x.High })
}

// threshold draws a line where the count becomes a problem, if it is in sight.
func (p *counting) threshold(g *grid) {
	if p.Threshold <= g.bottom || p.Threshold > g.top {
		return
	}
	style := p.style(sizeWords, false)
	style.Color = p.faint
	y := g.at(0, p.Threshold).Y
	g.StrokeLine2(draw.LineStyle{Color: p.faint, Width: 1.2, Dashes: []vg.Length{6, 4}}, g.Min.X-gridSide, y, g.Max.X+4, y)
	g.FillText(style, vg.Point{X: g.Min.X - gridSide + 4, Y: y + 4}, p.Say("files.chart.threshold", map[string]any{"N": p.Threshold}))
}

// curve draws one line in pieces, with a marker at each point if there are few, and
// at a point that stands alone.
func (p *counting) curve(g *grid, x *reports.Curve, l look) {
	for _, run := range runs(x.Points) {
		var line, edge []vg.Point
		for i := run.from; i < run.to; i++ {
			line = append(line, g.at(i, x.Points[i].Last))
			edge = append(edge, g.at(i, x.Points[i].High))
		}
		if p.banded() {
			for i := run.to - 1; i >= run.from; i-- {
				edge = append(edge, g.at(i, x.Points[i].Low))
			}
			g.FillPolygon(pale(l.LineStyle.Color), edge)
		}
		g.StrokeLines(l.LineStyle, line)
		for i, at := range line {
			if len(line) == 1 || p.Axis.Steps() <= fewSteps || i == len(line)-1 && run.last {
				g.DrawGlyphNoClip(l.GlyphStyle, at)
			}
		}
	}
}

// run is known points in a row.
type run struct {
	from, to int
	last     bool // no known point follows
}

func runs(points []reports.CurvePoint) []run {
	var all []run
	for i, x := range points {
		switch {
		case !x.Known:
		case len(all) > 0 && all[len(all)-1].to == i:
			all[len(all)-1].to++
		default:
			all = append(all, run{from: i, to: i + 1})
		}
	}
	if len(all) > 0 {
		all[len(all)-1].last = true
	}
	return all
}

// ending is what stands at the end of a line: the last value, and whose it is if
// there are several.
func (p *counting) ending(x *reports.Curve) string {
	if x.First.At.IsZero() {
		return ""
	}
	if len(p.Curves) == 1 {
		return p.Number(x.Last.Value)
	}
	return cut(p.style(sizeLabel, true), compose.CurveName(p.writer, p.Chart, x), countWidth/5) + " " + p.Number(x.Last.Value)
}

// endings writes the last values beside the ends of the lines, below each other where
// they would overlap.
func (p *counting) endings(g *grid) {
	type label struct {
		at   vg.Point
		text string
		look look
	}
	var labels []label
	for i, x := range p.Curves {
		if all := runs(x.Points); len(all) > 0 {
			last := all[len(all)-1].to - 1
			labels = append(labels, label{g.at(last, x.Points[last].Last), p.ending(x), p.look(i)})
		}
	}
	slices.SortStableFunc(labels, func(a, b label) int {
		return int(b.at.Y*8) - int(a.at.Y*8)
	})
	free := g.Max.Y + lineHeight
	for i, l := range labels {
		if below := vg.Length(len(labels)-1-i) * lineHeight; l.at.Y < g.Min.Y+below {
			l.at.Y = g.Min.Y + below
		}
		l.at.Y = min(l.at.Y, free-lineHeight)
		free = l.at.Y
		style := p.style(sizeLabel, true)
		style.Color = l.look.LineStyle.Color
		if width := style.Width(l.text); l.at.X+10+width > g.Max.X+width+14 { // its line ends in the middle
			l.at.X = g.Max.X + 4
		}
		g.FillText(style, vg.Point{X: l.at.X + 10, Y: l.at.Y - middle}, l.text)
	}
}
