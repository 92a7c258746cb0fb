package checks

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Maximum lengths, in runes, of text from outside in a finding.
const (
	WordLength   = 120  // of one value
	DetailLength = 2000 // of all evidence together
)

// Clean sanitizes text from outside: control, bidirectional and invisible
// characters become spaces, and text longer than most runes is cut and ends in
// "…".
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

// Bound cuts the detail of a finding to DetailLength. It keeps line ends; the
// caller has sanitized the text within the lines.
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

// Secret is the name of the argument that only administrators may see: the link
// that unpauses an account's names. Opening it acts on behalf of the account.
const Secret = "unpause"

// secrets matches what would let a reader act on our behalf at the CA: the
// token of the link that unpauses names (Boulder, sfe/v1/unpause), in any
// escaping; any other signed token (RFC 7519); a private key (RFC 7468).
var secrets = regexp.MustCompile(`(?i)(jwt(?:=|%3d|\\u003d)\s?)[\w.%-]+` +
	`|()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+` +
	`|(-----BEGIN [A-Z ]*PRIVATE KEY-----)(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)`)

// WithoutSecrets replaces secrets in a text that others may read. It removes
// colors first, which could divide a secret.
func WithoutSecrets(text string) string {
	text = WithoutColors(text)
	if !maySecrets(text) {
		return text
	}
	return secrets.ReplaceAllString(text, "$1$2$3…")
}

// maySecrets reports whether a text has something with which a secret begins:
// searching for plain words is fast.
func maySecrets(text string) bool {
	for i := range len(text) {
		if text[i] != 'j' && text[i] != 'J' {
			continue
		}
		if len(text) >= i+3 && strings.EqualFold(text[i:i+3], "jwt") || i >= 2 && strings.EqualFold(text[i-2:i+1], "eyj") {
			return true
		}
	}
	return strings.Contains(text, "-----")
}

// colorMarks are how the escape character before a color is written: as it is,
// in syslog, in shells, in JSON. Searching for plain words is fast.
var colorMarks = [...]string{"\x1b[", "#033[", `033[`, `x1b[`, `\e[`, "u001b[", "u001B["}

// WithoutColors removes the sequences by which programs color what they write to a
// terminal.
func WithoutColors(text string) string {
	for _, mark := range colorMarks {
		if strings.Contains(text, mark) {
			return colors.ReplaceAllString(text, "")
		}
	}
	return text
}

// colors matches the sequences by which terminals color a text (ECMA-48, section
// 8.3.117).
var colors = regexp.MustCompile(`(?:\x1b|#033|\\(?:033|x1b|e)|\\+u001[bB])\[[0-9;]*m`)

// Open returns the arguments without the secret one. The result may be the same
// map.
func (a Args) Open() Args {
	if _, ok := a[Secret]; !ok {
		return a
	}
	open := Args{}
	for name, v := range a {
		if name != Secret {
			open[name] = v
		}
	}
	return open
}
