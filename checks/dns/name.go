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

// probeLabel replaces the asterisk of a wildcard alias in questions for
// addresses. It is fixed because random labels would fill the resolvers'
// caches.
const probeLabel = "domovoy-probe"

// name is a name in the forms that a lookup needs.
type name struct {
	ascii      string // as given, with "*." if it had one
	host       string // for address questions; for a wildcard, a name that only the wildcard matches
	base       string // without "*.": the first name asked for CAA
	registered string // the domain below the public suffix, or base if that is itself a suffix
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

// upward returns the names whose CAA records count, from the name up to and
// including the top level, as Boulder asks for them.
func (n name) upward() []string {
	names := make([]string, 0, 4)
	for rest, more := n.base, true; more; _, rest, more = strings.Cut(rest, ".") {
		names = append(names, rest)
	}
	return names
}

// parent returns the name above; for a top level, the root.
func parent(name string) string {
	_, above, _ := strings.Cut(name, ".")
	return above
}

// within reports whether a name is a zone or lies below it.
func within(name, zone string) bool {
	return name == zone || zone == "" || strings.HasSuffix(name, "."+zone)
}

// mixture is a label that mixes letters of the same shape from different
// alphabets: "раураl" with a Latin l.
type mixture struct {
	label  string // in Unicode
	script string // alphabet of the fewer letters: latin, cyrillic or greek
	odd    string // these letters
}

// lookalike returns the first label of a name, in either form, that mixes
// Latin, Cyrillic and Greek letters.
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

// Limits for text of other parties in a finding.
const (
	maxListed = 8   // addresses, names or records in an argument
	maxText   = 300 // runes of one text
)

// hostname returns a name from a record if it is a valid host name, else "".
func hostname(s string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	}
	if len(s) > 253 || strings.ContainsFunc(s, odd) {
		return ""
	}
	return s
}

// addressList formats the first few addresses.
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

// nameList formats the first few names, without invalid ones.
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

// String returns the error with its registered meaning.
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

// reason returns the resolver's own reason for failing; empty if it sent none.
func (a Answer) reason() string {
	words := make([]string, 0, len(a.Errors))
	for _, e := range a.Errors {
		words = append(words, e.String())
	}
	return checks.Clean(strings.Join(words, "; "), maxText)
}

// line formats the answer on one line.
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
