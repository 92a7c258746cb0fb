package files

import (
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The distances around a grid, in points.
const (
	gridSide  = 20 // its lines go on beyond the first and the last point
	gridGap   = 9  // between a number and its line
	gridFloor = 60 // below zero: the axis of days and its words
	gridAxis  = 10 // below zero: that axis, clear of marks at zero
)

// grid is where the points of a chart lie: its canvas reaches from the first
// point to the last, and from zero to the upper line.
type grid struct {
	draw.Canvas
	last, top int // what lies at its right and upper edge; at least 1
}

// at is the place of a point: its index, and what it counts.
func (g *grid) at(i, n int) vg.Point {
	return vg.Point{X: g.X(float64(i) / float64(g.last)), Y: g.Y(float64(n) / float64(g.top))}
}

// plot is the chart without its title: an axis from zero, and a line in
// pieces where points are missing.
func (p *paper) plot(in letters, c draw.Canvas, shown chart) {
	most := 0
	for _, x := range shown.points {
		if x.known {
			most = max(most, x.open, x.added, x.fixed)
		}
	}
	rise := step(most)
	g := &grid{last: max(1, len(shown.points)-1), top: (most/rise + 1) * rise}
	left := in.style(17, false).Width(p.Number(g.top)) + gridGap + gridSide
	g.Canvas = draw.Crop(c, left, -gridSide, gridFloor, -8) // half a number above
	p.countAxis(in, g, rise)
	p.dayAxis(in, g, shown)
	for _, k := range inks() {
		pieces := g.pieces(shown.points, k.value)
		g.StrokeLines(k.line(), pieces...)
		for _, at := range slices.Concat(pieces...) {
			g.DrawGlyph(k.mark(), at)
		}
	}
}

// pieces are the runs of known points, where they lie.
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
func (p *paper) countAxis(in letters, g *grid, rise int) {
	style := in.style(17, false)
	style.XAlign = draw.XRight
	for n := 0; n <= g.top; n += rise {
		y := g.at(0, n).Y
		g.StrokeLine2(draw.LineStyle{Color: grey(0xDD), Width: 0.7}, g.Min.X-gridSide, y, g.Max.X+gridSide, y)
		g.FillText(style, vg.Point{X: g.Min.X - gridSide - gridGap, Y: y - 7.5}, p.Number(n))
	}
}

// dayAxis draws the axis of time, with what a gap means where there is one.
func (p *paper) dayAxis(in letters, g *grid, c chart) {
	line, style := draw.LineStyle{Color: grey(0x88), Width: 0.5}, in.style(17, false)
	style.XAlign = draw.XCenter
	y := g.Min.Y - gridAxis
	g.StrokeLine2(line, g.Min.X-gridSide, y, g.Max.X+gridSide, y)
	name := p.Say(c.axis)
	if slices.ContainsFunc(c.points, func(x point) bool { return !x.known }) {
		name += " · " + p.Say("files.chart.gap")
	}
	for i, x := range c.points {
		x0, long := g.at(i, 0).X, vg.Length(4)
		if (len(c.points)-1-i)%c.every == 0 { // the newest has its label
			long = 8
			g.FillText(style, vg.Point{X: x0, Y: y - 24}, x.label)
		}
		g.StrokeLine2(line, x0, y, x0, y-long)
	}
	style.Color = grey(0x55)
	g.FillText(style, vg.Point{X: g.Center().X, Y: y - 47}, name)
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
