package dns

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	mdns "github.com/miekg/dns"

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

// Bounds of what foreign text may take in a finding.
const (
	maxListed = 8   // addresses, names or records in an argument
	maxText   = 300 // runes of one text
)

// hostname passes a name from a record only if it looks like a host's name.
func hostname(s string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	}
	if len(s) > 253 || strings.ContainsFunc(s, odd) {
		return ""
	}
	return s
}

// addressList writes the first few addresses.
func addressList(addrs []netip.Addr) string {
	words := make([]string, 0, maxListed+1)
	for i, a := range addrs {
		if i == maxListed {
			words = append(words, "…")
			break
		}
		words = append(words, a.String())
	}
	return strings.Join(words, ", ")
}

// nameList writes the first few names, without those that are none.
func nameList(names []string) string {
	words := make([]string, 0, maxListed)
	for _, n := range names {
		if n = hostname(n); n != "" && len(words) < maxListed {
			words = append(words, n)
		}
	}
	return strings.Join(words, ", ")
}

func rcode(code int) string {
	if s, ok := mdns.RcodeToString[code]; ok {
		return s
	}
	return fmt.Sprintf("RCODE%d", code)
}

// String is the error with its registered meaning.
func (e ExtendedError) String() string {
	words := fmt.Sprintf("EDE %d", e.Code)
	if meaning, ok := mdns.ExtendedErrorCodeToString[e.Code]; ok {
		words += " (" + meaning + ")"
	}
	if e.Text != "" {
		words += ": " + checks.Clean(e.Text, maxText)
	}
	return words
}

// reason is why the resolver failed, in its own words; empty if it gave none.
func (a Answer) reason() string {
	words := make([]string, 0, len(a.Errors))
	for _, e := range a.Errors {
		words = append(words, e.String())
	}
	return checks.Clean(strings.Join(words, "; "), maxText)
}

// detail is every question with its answer, one a line, for an expert.
func (l *nameLookup) detail() string {
	var b strings.Builder
	for i, q := range l.asked {
		fmt.Fprintf(&b, "%s %s", q.Name, mdns.TypeToString[q.Type])
		if q.CD {
			b.WriteString(" +cd")
		}
		b.WriteString(": ")
		if err := l.said[i].Err; err != nil {
			b.WriteString(checks.Clean(err.Error(), maxText))
		} else {
			b.WriteString(l.said[i].Answer.line())
		}
		b.WriteByte('\n')
	}
	return checks.Bound(strings.TrimSpace(b.String()))
}

// line is the answer on one line.
func (a Answer) line() string {
	words := []string{rcode(a.Rcode)}
	if len(a.Addrs) > 0 {
		words = append(words, addressList(a.Addrs))
	}
	for i, rr := range a.Records {
		if i == maxListed {
			words = append(words, "…")
			break
		}
		_, data, _ := strings.Cut(rr.String(), "\tIN\t")
		words = append(words, checks.Clean(data, maxText))
	}
	if why := a.reason(); why != "" {
		words = append(words, why)
	}
	return strings.Join(words, " ")
}
