package telegram

import (
	"strings"
	"unicode"
	"unicode/utf16"
)

// units counts a text as Telegram does, in UTF-16 code units. Some have
// measured code points instead; this is the stricter reading.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r)) // -1: no rune, which clean has replaced
	}
	return n
}

// escape makes a text safe inside HTML.
// https://core.telegram.org/bots/api#html-style
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// clean takes away what no reader should meet in words that may be foreign:
// broken UTF-8, control characters, and marks that turn the writing direction.
// The two joiners stay: emoji and some scripts need them.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\u200C' || r == '\u200D':
			return r
		case r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}

// oneLine is a clean text without line breaks.
func oneLine(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(clean(s), "\n", " "))
}

// paragraphs is a clean text with its line breaks, but no gap above one line.
func paragraphs(s string) string {
	s = clean(s)
	for strings.Contains(s, "\n\n\n") {
		s = strings.ReplaceAll(s, "\n\n\n", "\n\n")
	}
	return strings.TrimSpace(s)
}

// cut shortens a text to a number of runes.
func cut(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return strings.TrimSpace(string(runes[:limit-1])) + "…"
}
