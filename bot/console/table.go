package console

import "strings"

// row is a line of a list.
type row struct {
	lead string // what opens it: a bullet, a mark, a number
	text string
	as   style // of the text
	note string
}

const (
	indent = "  "
	gap    = "   " // between a text and its note
)

// table writes a list with its notes in a column of their own, when every
// line fits the width so; otherwise each note follows its text.
func (p *page) table(rows []row) {
	var lead, text, note int
	for _, r := range rows {
		lead = max(lead, columns(r.lead))
		text = max(text, columns(r.text))
		note = max(note, columns(r.note))
	}
	whole := len(indent) + lead + 1 + text + len(gap) + note
	aligned := p.width <= 0 || whole <= p.width
	for _, r := range rows {
		first := indent + pad(r.lead, lead) + " "
		if aligned {
			p.lines = append(p.lines, p.aligned(first, r, text))
			continue
		}
		rest := strings.Repeat(" ", columns(first))
		line := r.text
		if r.note != "" {
			line += " — " + r.note
		}
		p.paragraph(first, rest, line, r.as)
	}
}

func (p *page) aligned(first string, r row, text int) string {
	line := first + p.paint(r.text, r.as)
	if r.note == "" {
		return line
	}
	return line + strings.Repeat(" ", text-columns(r.text)) + gap + p.paint(r.note, dim)
}

func pad(s string, to int) string { return s + strings.Repeat(" ", to-columns(s)) }
