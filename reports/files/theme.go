package files

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// theme is the colours of a chart. A picture brings its own ground along, so that it
// reads in a light and in a dark chat alike; the dark one does not dazzle at night.
type theme struct {
	paper, ink, faint, axis, grid color.Color
	lines                         []color.Color // each has a contrast of at least 3 to paper (WCAG 2.2, 1.4.11)
}

// The colours of lines are Okabe and Ito's, which can be told apart with any kind of
// colour blindness. On each ground there are those that it lets through.
func blue() color.Color       { return color.RGBA{R: 0x00, G: 0x72, B: 0xB2, A: 0xFF} }
func vermillion() color.Color { return color.RGBA{R: 0xD5, G: 0x5E, B: 0x00, A: 0xFF} }
func green() color.Color      { return color.RGBA{R: 0x00, G: 0x9E, B: 0x73, A: 0xFF} }
func purple() color.Color     { return color.RGBA{R: 0xCC, G: 0x79, B: 0xA7, A: 0xFF} }
func skyBlue() color.Color    { return color.RGBA{R: 0x56, G: 0xB4, B: 0xE9, A: 0xFF} }
func orange() color.Color     { return color.RGBA{R: 0xE6, G: 0x9F, B: 0x00, A: 0xFF} }
func yellow() color.Color     { return color.RGBA{R: 0xF0, G: 0xE4, B: 0x42, A: 0xFF} }

func grey(level uint8) color.Color { return color.Gray{Y: level} }

func onLight() theme {
	return theme{paper: color.White, ink: grey(0x22), faint: grey(0x55), axis: grey(0x88), grid: grey(0xDD),
		lines: []color.Color{blue(), vermillion(), green(), purple(), grey(0x22)}}
}

func onDark() theme {
	return theme{paper: color.RGBA{R: 0x18, G: 0x22, B: 0x2D, A: 0xFF}, ink: grey(0xEE), faint: grey(0xB4), axis: grey(0x80), grid: color.RGBA{R: 0x36, G: 0x42, B: 0x4F, A: 0xFF},
		lines: []color.Color{skyBlue(), orange(), green(), purple(), yellow()}}
}

// look is how one of several lines looks: colour, dash and marker all differ.
type look struct {
	draw.LineStyle
	draw.GlyphStyle
}

func (t theme) look(i int) look {
	i %= len(t.lines)
	dash := [][]vg.Length{nil, {9, 5}, {2, 4}, {12, 4, 2, 4}, {5, 3}}[i]
	glyph := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.PyramidGlyph{}, draw.BoxGlyph{}, corners{{0, -1}, {1, 0}, {0, 1}, {-1, 0}}, corners{{-1, 1}, {1, 1}, {0, -1}}}[i]
	return look{
		draw.LineStyle{Color: t.lines[i], Width: 2.5, Dashes: dash},
		draw.GlyphStyle{Color: t.lines[i], Radius: 4, Shape: glyph},
	}
}

// pale is the colour of a line as an area behind it.
func pale(c color.Color) color.Color {
	r, g, b, _ := c.RGBA()
	return color.NRGBA{R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8), A: 0x48}
}

// corners is a filled marker: its corners as shares of its radius.
type corners [][2]vg.Length

// DrawGlyph draws it.
func (m corners) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	var path vg.Path
	for i, x := range m {
		corner := vg.Point{X: at.X + x[0]*style.Radius*1.2, Y: at.Y + x[1]*style.Radius*1.2}
		if i == 0 {
			path.Move(corner)
		} else {
			path.Line(corner)
		}
	}
	path.Close()
	c.Fill(path)
}
