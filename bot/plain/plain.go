// Package plain writes messages as plain text, for receivers that show no markup:
// e-mail and programs.
package plain

import (
	"strings"
	"unicode"

	"domovoy/i18n"
	"domovoy/reports"
)

// maxText is far more than anybody reads, and far less than any receiver refuses.
const maxText = 64 << 10 // bytes

// Title returns the title of a message as one line, without its mark.
func Title(m reports.Message) string { return oneLine(m.Title) }

// Marked returns the title as one line, after its mark.
func Marked(m reports.Message) string { return strings.TrimSpace(m.Tone.Mark() + " " + Title(m)) }

// Text returns what a message says after its title: its sections, with an empty
// line between them. Buttons and files are left out, and the longest lists are
// shortened.
func Text(bundle *i18n.Bundle, m reports.Message) string {
	locale := bundle.Locale(m.Language, nil)
	m = reports.Fit(m, maxText, func(m reports.Message) int { return len(text(locale, m)) })
	return text(locale, m)
}

func text(locale *i18n.Locale, m reports.Message) string {
	var parts []string
	for _, s := range m.Sections {
		if part := section(locale, s); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "\n\n")
}

func section(locale *i18n.Locale, s reports.Section) string {
	lines := []string{oneLine(s.Heading), strings.TrimSpace(clean(s.Text))}
	for _, item := range s.Items {
		lines = append(lines, itemLine(item))
	}
	if s.Left > 0 {
		lines = append(lines, locale.Count("list.more", s.Left))
	}
	if quote := strings.TrimSpace(clean(s.Quote)); quote != "" {
		lines = append(lines, "> "+strings.ReplaceAll(quote, "\n", "\n> "))
	}
	var said []string
	for _, line := range lines {
		if line != "" {
			said = append(said, line)
		}
	}
	return strings.Join(said, "\n")
}

func itemLine(item reports.Item) string {
	text, note := oneLine(item.Text), oneLine(item.Note)
	if text != "" && note != "" {
		text += " — "
	}
	if text += note; text == "" {
		return ""
	}
	mark := item.Tone.Mark()
	if mark == "" {
		mark = "•"
	}
	return mark + " " + text
}

func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// clean removes from a text, which may come from strangers, invalid UTF-8, control
// characters, and marks that change the writing direction. Line feeds stay.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}
