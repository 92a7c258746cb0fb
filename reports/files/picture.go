package files

import (
	"image/color"

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

// picture draws title and legend above, and the lines below them.
func (p *paper) picture(c chart, onto vg.CanvasSizer) error {
	in, err := newLetters()
	if err != nil {
		return err
	}
	whole := draw.New(onto)
	whole.SetColor(color.White)
	whole.Fill(whole.Path())
	inner := draw.Crop(whole, 14, -36, 12, -12)
	inner.FillText(in.style(25, true), vg.Point{X: inner.Min.X, Y: inner.Max.Y - 24}, p.heading(c))
	p.legend(in, draw.Crop(inner, 0, 0, 0, -38), lastKnown(c.points))
	p.plot(in, draw.Crop(inner, 0, 0, 0, -84), c)
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
func (p *paper) legend(in letters, c draw.Canvas, last *point) {
	style := in.style(20, false)
	x, y := c.Min.X, c.Max.Y-22
	for _, k := range inks() {
		c.StrokeLine2(k.line(), x, y+7, x+40, y+7)
		c.DrawGlyph(k.mark(), vg.Point{X: x + 20, Y: y + 7})
		name := p.Say("files.chart." + k.key)
		if last != nil {
			name += " " + p.Number(k.value(*last))
		}
		c.FillText(style, vg.Point{X: x + 48, Y: y}, name)
		x += 50 + style.Width(name) + 28
	}
}
