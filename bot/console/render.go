package console

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"domovoy/i18n"
	"domovoy/reports"
)

// Render returns a message as text that ends with a line feed. Lines are wrapped
// between words at width columns, and not at all if width is 0; colour adds ANSI
// escape sequences. Files are not part of the text.
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

// style is the parameter of an ANSI SGR sequence; "" is plain text.
type style string

const (
	normal style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
)

// toneStyle is the style of a title of that tone.
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

// paragraph adds a wrapped text; first is put before its first line, rest before the
// others.
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

// buttons adds the buttons with their commands. A command can be typed too, which
// still works when the numbers belong to a newer message.
func (p *page) buttons(actions []reports.Action) {
	var rows []row
	for i, action := range actions {
		if action.Row != 0 {
			continue // its command is typed faster than found
		}
		r := row{lead: fmt.Sprintf("[%d]", i+1), text: oneLine(action.Label), note: oneLine(action.Command)}
		if action.URL != "" {
			r.lead, r.note = "•", oneLine(action.URL)
		}
		if action.Danger {
			r.as = red
		}
		rows = append(rows, r)
	}
	p.table(rows)
}

// row is a line of a list.
type row struct {
	lead string // put before the text: a bullet, a mark, a number
	text string
	as   style // of the text
	note string
}

const (
	indent = "  "
	gap    = "   " // between a text and its note
)

// table adds a list. The notes are in a column of their own if every line fits the
// width that way; otherwise each note follows its text.
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

// clean removes from a text, which may come from strangers, control characters, which
// a terminal would obey, and marks that change the writing direction.
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

// oneLine returns a clean text without line breaks.
func oneLine(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(clean(s), "\n", " "))
}

// columns is the width of a text in a terminal.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf): // drawn over the previous character, or not at all
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wide reports whether a character takes two columns, by Unicode's East Asian Width
// (UAX #11), which includes emoji.
func wide(r rune) bool {
	kind := width.LookupRune(r).Kind()
	return kind == width.EastAsianWide || kind == width.EastAsianFullwidth
}

// Wrap breaks the lines of a text between words where they are longer than width
// columns.
func Wrap(text string, width int) string { return strings.Join(wrap(text, width), "\n") }

// wrap breaks a text into lines of at most room columns, and does not limit them if
// room is 0 or less. It breaks only at spaces, not at no-break spaces: a longer word
// gets a line of its own.
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
