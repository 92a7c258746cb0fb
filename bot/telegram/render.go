package telegram

import (
	"strings"

	"domovoy/i18n"
	"domovoy/reports"
)

// Limits in UTF-16 units after entities parsing.
// https://core.telegram.org/bots/api#sendmessage, #senddocument
const (
	maxText    = 4096
	maxCaption = 1024

	// maxEntities is below the 100 that Telegram honours in a message: links
	// and commands that it finds by itself count too.
	maxEntities = 95
)

// piece is a part of a line, in one style.
type piece struct {
	tag  string // of HTML; empty: plain
	text string // clean, not escaped
}

type line []piece

// Render gives a message as Telegram's HTML, shortened to the limit of a text.
func Render(bundle *i18n.Bundle, m reports.Message) string {
	return markup(compose(bundle, fit(bundle, m, maxText)))
}

// fit shortens a message until it can be sent.
func fit(bundle *i18n.Bundle, m reports.Message, limit int) reports.Message {
	return reports.Fit(m, limit, func(m reports.Message) int { return measure(compose(bundle, m)) })
}

// measure gives a message's length; one with too many entities is too long.
func measure(lines []line) int {
	length, entities := 0, 0
	for i, l := range lines {
		if i > 0 {
			length++
		}
		for _, p := range l {
			length += units(p.text)
			if p.tag != "" {
				entities++
			}
		}
	}
	if entities > maxEntities {
		return maxText + entities
	}
	return length
}

// markup writes lines as HTML.
func markup(lines []line) string {
	return join(lines, func(b *strings.Builder, p piece) {
		if p.tag == "" {
			b.WriteString(escape(p.text))
			return
		}
		b.WriteString("<" + p.tag + ">" + escape(p.text) + "</" + p.tag + ">")
	})
}

// plain writes lines without any markup.
func plain(lines []line) string {
	return join(lines, func(b *strings.Builder, p piece) { b.WriteString(p.text) })
}

func join(lines []line, write func(*strings.Builder, piece)) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		for _, p := range l {
			write(&b, p)
		}
	}
	return b.String()
}

// compose lays a message out: the title, then the sections, each after an
// empty line.
func compose(bundle *i18n.Bundle, m reports.Message) []line {
	title := line{}
	if mark := m.Tone.Mark(); mark != "" {
		title = append(title, piece{text: mark + " "})
	}
	if text := oneLine(m.Title); text != "" {
		title = append(title, piece{"b", text})
	}
	lines := []line{title}
	locale := bundle.Locale(m.Language, nil)
	for _, s := range m.Sections {
		if part := section(locale, s); len(part) > 0 {
			lines = append(append(lines, nil), part...)
		}
	}
	if strings.TrimSpace(plain(lines)) == "" {
		return []line{{{text: "…"}}} // an empty message would be refused
	}
	return lines
}

func section(locale *i18n.Locale, s reports.Section) []line {
	var lines []line
	add := func(tag, text string) {
		if text != "" {
			lines = append(lines, line{{tag, text}})
		}
	}
	add("b", oneLine(s.Heading))
	add("", paragraphs(s.Text))
	for _, item := range s.Items {
		add("", itemLine(item))
	}
	if s.Left > 0 {
		add("", locale.Count("list.more", s.Left))
	}
	// In code nothing becomes a link or a mention, which foreign words must not.
	quote := paragraphs(s.Quote)
	if strings.Contains(quote, "\n") {
		add("pre", quote)
	} else {
		add("code", quote)
	}
	return lines
}

func itemLine(item reports.Item) string {
	text, note := oneLine(item.Text), oneLine(item.Note)
	if text != "" && note != "" {
		text += " — "
	}
	if text += note; text == "" {
		return ""
	}
	if mark := item.Tone.Mark(); mark != "" {
		return mark + " " + text
	}
	return "• " + text
}
