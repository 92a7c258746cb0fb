package compose

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"domovoy/checks"
)

// sentence makes one of a clause: a capital, a full stop.
func sentence(clause string) string {
	first, size := utf8.DecodeRuneInString(clause)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(clause[size:], ".") + "."
}

// setMost names of a set are shown.
const setMost = 3

// showSet writes a budget's subject: a name, a registered domain, or names
// with commas between.
func showSet(subject string) string {
	names := strings.Split(subject, ",")
	more := len(names) - setMost
	for i, name := range names {
		names[i] = checks.Show(name)
	}
	if more > 0 {
		return strings.Join(names[:setMost], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
