package console

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

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
