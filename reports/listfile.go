package reports

import (
	"strings"
	"unicode/utf8"
)

// PlainCell keeps a spreadsheet from taking foreign text for a formula (OWASP,
// CSV injection).
func PlainCell(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + s
	}
	return s
}
