package dns

import (
	"fmt"
	"net/netip"
	"strings"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

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
func (l *look) detail() string {
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
