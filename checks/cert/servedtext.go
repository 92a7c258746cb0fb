package cert

import (
	"fmt"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lengths of foreign text that goes into a finding: in runes, and of a list.
const (
	wordLength   = 120
	detailLength = 2000
	mostNames    = 10
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

// someNames are the first names of a certificate, fit to be shown.
func someNames(names []string) []string {
	var some []string
	for _, n := range names[:min(len(names), mostNames)] {
		some = append(some, clean(n, wordLength))
	}
	if len(names) > mostNames {
		some = append(some, "…")
	}
	return some
}

// shortSerial is the end of a serial number, as people compare them.
func shortSerial(n *big.Int) string {
	const digits = 8
	hex := fmt.Sprintf("%x", n)
	return hex[max(0, len(hex)-digits):]
}
