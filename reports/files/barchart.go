package files

import (
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"domovoy/reports"
	"domovoy/reports/compose"
)

// hours draws a bar for each hour of the day.
func (p *counting) hours(c draw.Canvas) {
	most := p.Flaky.Most().N
	for _, b := range p.Flaky.Bars {
		most = max(most, int(p.Flaky.ByChance(b)+0.999))
	}
	bottom, top, rise := scale(0, most)
	label := p.style(sizeLabel, false)
	g := &grid{last: len(p.Flaky.Bars), bottom: bottom, top: top}
	g.Canvas = draw.Crop(c, label.Width(p.Number(top))+gridGap+gridSide, -gridSide, 48, -8)
	p.counts(g, rise)
	label.XAlign = draw.XCenter
	value := p.style(sizeWords, true)
	value.XAlign = draw.XCenter
	for i, b := range p.Flaky.Bars {
		from, to, next := g.at(i, 0), g.at(i, b.N), g.at(i+1, 0)
		center, gap := (from.X+next.X)/2, (next.X-from.X)/8
		p.bar(g.Canvas, vg.Rectangle{Min: vg.Point{X: from.X + gap, Y: from.Y}, Max: vg.Point{X: next.X - gap, Y: to.Y}})
		above := to.Y
		if b.Attempts > 0 {
			y := from.Y + (g.at(0, top).Y-from.Y)*vg.Length(p.Flaky.ByChance(b)/float64(top))
			p.chance(g.Canvas, from.X+1, y, next.X-1, y)
			if y > above-14 && y < above+8+value.Height("0") { // the number stands clear of the mark
				above = max(above, y)
			}
		}
		if b.N > 0 {
			g.FillText(value, vg.Point{X: center, Y: above + 4}, p.Number(b.N))
		}
		if i%3 == 0 {
			g.FillText(label, vg.Point{X: center, Y: g.Min.Y - 20}, compose.HourName(b.Hour))
		}
	}
	p.explain(g.Canvas, g.Min.X-gridSide)
}

// bars draws a bar for each server or cause, the longest first.
func (p *counting) bars(c draw.Canvas) {
	label, value := p.style(sizeLabel, false), p.style(sizeLabel, true)
	label.XAlign = draw.XRight
	names, widest, most, digits := make([][]string, len(p.Flaky.Bars)), vg.Length(0), 1.0, vg.Length(0)
	for i, b := range p.Flaky.Bars {
		names[i] = twoLines(label, compose.FlakyName(p.writer, b), c.Size().X*2/5)
		for _, line := range names[i] {
			widest = max(widest, label.Width(line))
		}
		most = max(most, float64(b.N), p.Flaky.ByChance(b))
		digits = max(digits, value.Width(p.Number(b.N)))
	}
	body := draw.Crop(c, widest+10, -digits-12, 26, 0)
	height := min(46, body.Size().Y/vg.Length(len(names)))
	for i, b := range p.Flaky.Bars {
		center := body.Max.Y - (vg.Length(i)+0.5)*height
		end := body.X(float64(b.N) / most)
		p.bar(body, vg.Rectangle{Min: vg.Point{X: body.Min.X, Y: center - height*0.36}, Max: vg.Point{X: end, Y: center + height*0.36}})
		for n, line := range names[i] {
			down := vg.Length(n) - vg.Length(len(names[i])-1)/2 // lines below the middle
			body.FillText(label, vg.Point{X: body.Min.X - 10, Y: center - middle - down*lineHeight}, line)
		}
		if b.Attempts > 0 {
			x := body.X(p.Flaky.ByChance(b) / most)
			p.chance(body, x, center-height*0.46, x, center+height*0.46)
			if x > end-2 && x < end+digits+12 { // the number stands clear of the mark
				end = x
			}
		}
		body.FillText(value, vg.Point{X: end + 6, Y: center - middle}, p.Number(b.N))
	}
	body.StrokeLine2(draw.LineStyle{Color: p.axis, Width: 0.7}, body.Min.X, body.Max.Y, body.Min.X, body.Max.Y-vg.Length(len(names))*height)
	p.explain(body, c.Min.X)
}

// twoLines breaks a text between words where one line is too narrow for it.
func twoLines(style text.Style, s string, width vg.Length) []string {
	words := strings.Fields(s)
	for n := len(words) - 1; n > 0; n-- {
		if first := strings.Join(words[:n], " "); style.Width(s) > width && style.Width(first) <= width {
			return []string{first, cut(style, strings.Join(words[n:], " "), width)}
		}
	}
	return []string{cut(style, s, width)}
}

// bar fills an area in the colour of the first line.
func (p *counting) bar(c draw.Canvas, area vg.Rectangle) {
	c.SetColor(p.lines[0])
	c.Fill(area.Path())
}

// chance marks how many there would be by chance, with an edge that shows it on a bar.
func (p *counting) chance(c draw.Canvas, x0, y0, x1, y1 vg.Length) {
	c.StrokeLine2(draw.LineStyle{Color: p.paper, Width: 6}, x0, y0, x1, y1)
	c.StrokeLine2(draw.LineStyle{Color: p.ink, Width: 2.5}, x0, y0, x1, y1)
}

// explain says at the lower edge what the marks are, if there are any.
func (p *counting) explain(c draw.Canvas, x vg.Length) {
	if p.Flaky.By == reports.ByCause || p.Flaky.Attempts == 0 {
		return
	}
	style := p.style(sizeWords, false)
	style.Color = p.faint
	y := c.Min.Y - 40
	if p.Flaky.By != reports.ByHour {
		y = c.Min.Y - 20
	}
	p.chance(c, x, y+4, x+18, y+4)
	c.FillText(style, vg.Point{X: x + 24, Y: y}, p.Say("files.chart.chance"))
}
