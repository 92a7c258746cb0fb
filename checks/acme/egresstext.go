package acme

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lengths in runes of foreign text that goes into a finding.
const (
	wordLength   = 120
	detailLength = 2000
)

// clean makes foreign text fit to be shown: control, bidi and invisible
// characters become spaces, and what is too long is cut.
func clean(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == most {
			b.WriteRune('…')
			break
		}
		if r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) {
			r = ' '
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}
