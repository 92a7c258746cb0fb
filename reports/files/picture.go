package files

import (
	"image/color"
	"slices"

	weights "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"domovoy/i18n"
)

// ink is how one line looks. Colour, dash and marker all differ, so that any
// one of them is enough. The colours are Okabe and Ito's, which nobody takes
// for each other.
type ink struct {
	color color.Color
	dash  []vg.Length
	glyph draw.GlyphDrawer
	value func(point) int
	key   string // of its name in the catalogs
}

func inks() []ink {
	return []ink{
		{color.RGBA{R: 0x00, G: 0x72, B: 0xB2, A: 0xFF}, nil, draw.CircleGlyph{}, func(p point) int { return p.open }, "open"},
		{color.RGBA{R: 0xD5, G: 0x5E, B: 0x00, A: 0xFF}, []vg.Length{9, 5}, draw.PyramidGlyph{}, func(p point) int { return p.added }, "added"},
		{color.RGBA{R: 0x00, G: 0x9E, B: 0x73, A: 0xFF}, []vg.Length{2, 4}, draw.BoxGlyph{}, func(p point) int { return p.fixed }, "fixed"},
	}
}

func (k ink) line() draw.LineStyle { return draw.LineStyle{Color: k.color, Width: 3, Dashes: k.dash} }
func (k ink) mark() draw.GlyphStyle {
	return draw.GlyphStyle{Color: k.color, Radius: 5, Shape: k.glyph}
}

// grey is of everything that is not data.
func grey(level uint8) color.Color { return color.Gray{Y: level} }

// style is the chart's letters: Liberation Sans is built in, and has Cyrillic.
func style(size vg.Length, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = weights.WeightBold
	}
	return text.Style{Color: grey(0x22), Font: f, Handler: plot.DefaultTextHandler}
}

// picture draws title and legend above, and the lines below them.
func (p *paper) picture(c chart, onto vg.CanvasSizer) error {
	whole := draw.New(onto)
	whole.SetColor(color.White)
	whole.Fill(whole.Path())
	inner := draw.Crop(whole, 14, -36, 12, -12)
	inner.FillText(style(25, true), vg.Point{X: inner.Min.X, Y: inner.Max.Y - 24}, p.heading(c))
	p.legend(draw.Crop(inner, 0, 0, 0, -38), lastKnown(c.points))
	lines, err := p.plot(c)
	if err != nil {
		return err
	}
	lines.Draw(draw.Crop(inner, 0, 0, 0, -84))
	return nil
}

// heading is the chart's title: the last total, and its change where the
// point before is known, or its day where it is not the newest.
func (p *paper) heading(c chart) string {
	last, n := lastKnown(c.points), len(c.points)
	if last == nil {
		return p.Say("files.chart.none")
	}
	total := p.Number(last.open)
	switch {
	case !c.points[n-1].known: // the newest is of an older day
		total += " (" + last.label + ")"
	case c.daily: // as the digest counts: against yesterday's
		total += " (" + p.Change(last.added-last.fixed) + ")"
	case n > 1 && c.points[n-2].known:
		total += " (" + p.Change(last.open-c.points[n-2].open) + ")"
	}
	return p.Say(c.title, i18n.Args{"N": total})
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

// legend names the lines in one row, with their last values.
func (p *paper) legend(c draw.Canvas, last *point) {
	letters := style(20, false)
	x, y := c.Min.X, c.Max.Y-22
	for _, k := range inks() {
		c.StrokeLine2(k.line(), x, y+7, x+40, y+7)
		c.DrawGlyph(k.mark(), vg.Point{X: x + 20, Y: y + 7})
		name := p.Say("files.chart." + k.key)
		if last != nil {
			name += " " + p.Number(k.value(*last))
		}
		c.FillText(letters, vg.Point{X: x + 48, Y: y}, name)
		x += 50 + letters.Width(name) + 28
	}
}

// plot is the chart without its title: an axis from zero, and a line in
// pieces where points are missing.
func (p *paper) plot(c chart) (*plot.Plot, error) {
	l := plot.New()
	top := 0
	l.Add(&plotter.Grid{Horizontal: draw.LineStyle{Color: grey(0xDD), Width: 0.7}})
	for _, k := range inks() {
		for _, piece := range pieces(c.points, k.value) {
			line, marks, err := plotter.NewLinePoints(piece)
			if err != nil {
				return nil, err
			}
			line.LineStyle, marks.GlyphStyle = k.line(), k.mark()
			l.Add(line, marks)
		}
		for _, x := range c.points {
			if x.known {
				top = max(top, k.value(x))
			}
		}
	}
	p.axes(l, c, top)
	return l, nil
}

// pieces are the runs of known points.
func pieces(points []point, value func(point) int) []plotter.XYs {
	var all []plotter.XYs
	fresh := true
	for i, x := range points {
		if !x.known {
			fresh = true
			continue
		}
		if fresh {
			all, fresh = append(all, nil), false
		}
		all[len(all)-1] = append(all[len(all)-1], plotter.XY{X: float64(i), Y: float64(value(x))})
	}
	return all
}

// axes sets both axes: whole numbers from zero, and days.
func (p *paper) axes(l *plot.Plot, c chart, top int) {
	rise := step(top)
	l.Y.Min, l.Y.Max = 0, float64((top/rise+1)*rise)
	l.X.Min, l.X.Max = -0.3, float64(max(1, len(c.points)-1))+0.3
	var up, along []plot.Tick
	for n := 0; n <= int(l.Y.Max); n += rise {
		up = append(up, plot.Tick{Value: float64(n), Label: p.Number(n)})
	}
	for i, x := range c.points {
		tick := plot.Tick{Value: float64(i)}
		if c.every > 0 && (len(c.points)-1-i)%c.every == 0 { // the newest has its label
			tick.Label = x.label
		}
		along = append(along, tick)
	}
	l.X.Label.Text, l.X.Label.Padding = p.Say(c.axis), 4
	if slices.ContainsFunc(c.points, func(x point) bool { return !x.known }) {
		l.X.Label.Text += " · " + p.Say("files.chart.gap")
	}
	for axis, ticks := range map[*plot.Axis][]plot.Tick{&l.X: along, &l.Y: up} {
		axis.Tick.Marker = plot.ConstantTicks(ticks)
		letters := style(17, false)
		letters.XAlign, letters.YAlign = axis.Tick.Label.XAlign, axis.Tick.Label.YAlign
		axis.Tick.Label = letters
		axis.Color, axis.Tick.Color = grey(0x88), grey(0x88)
		letters.XAlign, letters.YAlign = axis.Label.TextStyle.XAlign, axis.Label.TextStyle.YAlign
		letters.Color = grey(0x55)
		axis.Label.TextStyle = letters
	}
	l.Y.Tick.Width = 0
	l.Y.Width = 0
}

// step is the distance of the lines of a grid, of which there are four to
// seven: 1, 2 or 5 by a power of ten.
func step(top int) int {
	for power := 1; ; power *= 10 {
		for _, n := range []int{1, 2, 5} {
			if top/(n*power) < 6 {
				return n * power
			}
		}
	}
}
