package dns

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"domovoy/checks"
)

// probeLabel stands for the asterisk of a wildcard alias when addresses are
// asked for. A fixed one: a random one would fill the resolvers' caches.
const probeLabel = "domovoy-probe"

// name is a name in the forms that looking needs.
type name struct {
	ascii      string // as asked, with "*." if it had one
	host       string // to ask addresses for; of a wildcard, one that nothing but the wildcard answers
	base       string // without "*.": where the CAA walk begins
	registered string // the domain under the public suffix, or base if it is a suffix itself
	wildcard   bool
}

func parseName(text string) (name, error) {
	ascii, err := checks.ToASCII(text)
	if err != nil {
		return name{}, fmt.Errorf("looking up a name: %w", err)
	}
	n := name{ascii: ascii, host: ascii}
	n.base, n.wildcard = strings.CutPrefix(ascii, "*.")
	if n.wildcard {
		n.host = probeLabel + "." + n.base
	}
	n.registered = checks.RegisteredDomain(n.base)
	return n, nil
}

// upward are the names whose CAA counts, from the name up to and including
// the top level, as Boulder asks for them.
func (n name) upward() []string {
	names := make([]string, 0, 4)
	for rest, more := n.base, true; more; _, rest, more = strings.Cut(rest, ".") {
		names = append(names, rest)
	}
	return names
}

// parent is the name above; of a top level, the root.
func parent(name string) string {
	_, above, _ := strings.Cut(name, ".")
	return above
}

// within reports whether a name is a zone or lies below it.
func within(name, zone string) bool {
	return name == zone || zone == "" || strings.HasSuffix(name, "."+zone)
}

// mixture is a label that mixes alphabets with letters of the same shape:
// "раураl" with a Latin l.
type mixture struct {
	label  string // as a person reads it
	script string // of the fewer letters: latin, cyrillic or greek
	odd    string // these letters
}

// lookalike finds the first label of a name, in either form, that mixes Latin,
// Cyrillic and Greek letters.
func lookalike(name string) (mixture, bool) {
	if !strings.Contains(name, "xn--") && isASCII(name) {
		return mixture{}, false
	}
	for label := range strings.SplitSeq(checks.ToUnicode(name), ".") {
		if m, ok := mixed(label); ok {
			return m, true
		}
	}
	return mixture{}, false
}

func mixed(label string) (mixture, bool) {
	least, scripts := mixture{label: label}, 0
	for _, script := range []struct {
		name  string
		table *unicode.RangeTable
	}{{"latin", unicode.Latin}, {"cyrillic", unicode.Cyrillic}, {"greek", unicode.Greek}} {
		letters := strings.Map(func(r rune) rune {
			if unicode.Is(script.table, r) {
				return r
			}
			return -1
		}, label)
		if letters == "" {
			continue
		}
		if scripts++; least.odd == "" || utf8.RuneCountInString(letters) < utf8.RuneCountInString(least.odd) {
			least.script, least.odd = script.name, letters
		}
	}
	return least, scripts > 1
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
