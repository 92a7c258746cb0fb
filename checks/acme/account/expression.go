package account

import (
	"regexp"
	"sync"
)

// expression returns a regular expression that is compiled when it is first used:
// together they would take a millisecond of every start of the program, most of which
// read no log and no answer of a CA.
func expression(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
