package checks

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lengths in runes of foreign text that goes into a finding.
const (
	WordLength   = 120  // of one value
	DetailLength = 2000 // of all evidence together
)

// Clean makes foreign text fit to be shown: control, bidi and invisible
// characters become spaces, and what is longer than most runes is cut.
func Clean(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == most {
			b.WriteRune('…')
			break
		}
		if r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			r = ' '
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

// Bound cuts a finding's detail to its length. Its lines stay: whoever made
// them has cleaned what is foreign in them.
func Bound(detail string) string {
	runes := 0
	for i := range detail {
		if runes == DetailLength {
			return detail[:i]
		}
		runes++
	}
	return detail
}
