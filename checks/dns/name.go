package dns

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"

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
	// With the private part of the list: shop.msk.ru is registered on its own.
	if n.registered, err = publicsuffix.EffectiveTLDPlusOne(n.base); err != nil {
		n.registered = n.base
	}
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

// lookalike reports whether one of the name's labels mixes alphabets that
// have letters of the same shape: "раураl" with a Latin l.
func (n name) lookalike() bool { return Lookalike(n.base) }

// Lookalike reports whether a label of a name, in either form, mixes Latin,
// Cyrillic and Greek letters.
func Lookalike(name string) bool {
	if !strings.Contains(name, "xn--") && isASCII(name) {
		return false
	}
	for label := range strings.SplitSeq(checks.ToUnicode(name), ".") {
		seen := 0
		for _, script := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek} {
			if strings.ContainsFunc(label, func(r rune) bool { return unicode.Is(script, r) }) {
				seen++
			}
		}
		if seen > 1 {
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
