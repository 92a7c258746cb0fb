package console

import (
	"fmt"
	"strings"

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
