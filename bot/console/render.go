package console

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"domovoy/i18n"
	"domovoy/reports"
)

// Render writes a message as text that ends with a line feed. Lines are
// wrapped between words at width columns, 0 meaning never; colour adds ANSI
// sequences. Files are not part of the text.
func Render(m reports.Message, bundle *i18n.Bundle, width int, colour bool) string {
	p := &page{locale: bundle.Locale(m.Language, nil), width: width, colour: colour}
	p.title(m)
	for _, s := range m.Sections {
		p.section(s)
	}
	p.buttons(m.Actions)
	return strings.Join(p.lines, "\n") + "\n"
}

// page is a text under construction.
type page struct {
	locale *i18n.Locale
	width  int
	colour bool
	lines  []string
}

// style is an ANSI attribute; "" leaves text as it is.
type style string

const (
	normal style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
)

// toneStyle is how a title of that tone looks.
func toneStyle(t reports.Tone) style {
	switch t {
	case reports.ToneBad:
		return "1;31"
	case reports.ToneWarning:
		return "1;33"
	case reports.ToneOver:
		return "1;32"
	}
	return bold
}

func (p *page) paint(s string, as style) string {
	if !p.colour || as == normal || s == "" {
		return s
	}
	return "\x1b[" + string(as) + "m" + s + "\x1b[0m"
}

// paragraph wraps a text; first opens its first line, rest all others.
func (p *page) paragraph(first, rest, text string, as style) {
	for i, line := range wrap(text, p.width-columns(rest)) {
		lead := rest
		if i == 0 {
			lead = first
		}
		p.lines = append(p.lines, lead+p.paint(line, as))
	}
}

func (p *page) title(m reports.Message) {
	title := clean(m.Title)
	if mark := m.Tone.Mark(); mark != "" {
		title = mark + " " + title
	}
	if strings.TrimSpace(title) != "" {
		p.paragraph("", "", title, toneStyle(m.Tone))
	}
}

func (p *page) section(s reports.Section) {
	if heading := clean(s.Heading); heading != "" {
		if len(p.lines) > 0 {
			p.lines = append(p.lines, "")
		}
		p.paragraph("", "", heading, bold)
	}
	if text := strings.TrimSpace(clean(s.Text)); text != "" {
		p.paragraph("", "", text, normal)
	}
	p.items(s)
	if quote := strings.Trim(clean(s.Quote), "\n"); quote != "" {
		p.paragraph("  │ ", "  │ ", quote, dim)
	}
}

func (p *page) items(s reports.Section) {
	var rows []row
	for _, item := range s.Items {
		r := row{lead: "•", text: oneLine(item.Text), note: oneLine(item.Note)}
		if mark := item.Tone.Mark(); mark != "" {
			r.lead = mark
		}
		rows = append(rows, r)
	}
	p.table(rows)
	if s.Left > 0 {
		p.paragraph("  ", "  ", p.locale.Say("list.more", i18n.Args{"N": s.Left}), dim)
	}
}

// buttons show their command too: it can be typed as well, and still works
// when the numbers have passed to another message.
func (p *page) buttons(actions []reports.Action) {
	var rows []row
	for i, action := range actions {
		r := row{lead: fmt.Sprintf("[%d]", i+1), text: oneLine(action.Label), note: oneLine(action.Command)}
		if action.Danger {
			r.as = red
		}
		rows = append(rows, r)
	}
	p.table(rows)
}

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

// clean drops what a terminal would obey and no text of ours has: control
// characters, and those that turn the direction of writing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// oneLine is clean for what stands in a list.
func oneLine(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(clean(s), "\n", " "))
}

// columns is how much room a text takes in a terminal.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf): // drawn over their neighbour, or not at all
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wide follows Unicode's East Asian Width (UAX 11), which counts emoji too.
func wide(r rune) bool {
	kind := width.LookupRune(r).Kind()
	return kind == width.EastAsianWide || kind == width.EastAsianFullwidth
}

// wrap breaks a text into lines of at most room columns, between words only:
// a word that is longer stands alone and sticks out. No room means no limit.
// A no-break space is no place to break at.
func wrap(text string, room int) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " ")
		if room <= 0 || columns(line) <= room {
			lines = append(lines, line)
			continue
		}
		lines = append(lines, wrapLine(line, room)...)
	}
	return lines
}

func wrapLine(line string, room int) []string {
	var lines []string
	var current strings.Builder
	used := 0
	for word := range strings.SplitSeq(line, " ") {
		size := columns(word)
		if size == 0 {
			continue
		}
		if used > 0 && used+1+size > room {
			lines = append(lines, current.String())
			current.Reset()
			used = 0
		}
		if used > 0 {
			current.WriteByte(' ')
			used++
		}
		current.WriteString(word)
		used += size
	}
	return append(lines, current.String())
}
