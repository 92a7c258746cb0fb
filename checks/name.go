package checks

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// ErrNotAName is the error of ParseName and ToASCII for text that is not a
// valid domain name.
var ErrNotAName = errors.New("not a domain name")

// maxName is more than the length of any name in UTF-8, in bytes: 253
// characters of up to four bytes (RFC 1035, section 2.3.4).
const maxName = 4 * 253

// ToASCII converts a name in Unicode or A-label form to its A-label form (RFC
// 5890), in lower case and without a final dot. A leading "*." is kept.
func ToASCII(name string) (string, error) {
	name = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(name)), ".")
	rest, wildcard := strings.CutPrefix(name, "*.")
	if len(rest) > maxName {
		return "", fmt.Errorf("%w: %d bytes", ErrNotAName, len(rest)) // the time for converting grows with the square of the length
	}
	ascii, err := idna.Lookup.ToASCII(rest)
	if err != nil && homely(rest) {
		// Panels have sites such as my_site.example.com and ab--cd.ru, for
		// which no CA issues certificates, but which exist.
		ascii, err = rest, nil
	}
	if err != nil {
		return "", fmt.Errorf("%w: %q: %w", ErrNotAName, name, err)
	}
	if !plausible(ascii) {
		return "", fmt.Errorf("%w: %q", ErrNotAName, name)
	}
	if wildcard {
		ascii = "*." + ascii
	}
	return ascii, nil
}

// plausible checks the rules that idna.Lookup does not: no empty label, at
// least two labels, lengths within the limits of RFC 1035 section 2.3.4.
func plausible(ascii string) bool {
	if len(ascii) > 253 || !strings.Contains(ascii, ".") {
		return false
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return true
}

// ToUnicode converts a name to Unicode. A name that cannot be converted is
// returned unchanged.
func ToUnicode(ascii string) string {
	rest, wildcard := strings.CutPrefix(ascii, "*.")
	u, err := idna.Display.ToUnicode(rest)
	if err != nil {
		return ascii
	}
	if wildcard {
		u = "*." + u
	}
	return u
}

// Show formats a name for a reader: "пример.рф (xn--e1afmkfd.xn--p1ai)"; an
// ASCII name has one form only.
func Show(ascii string) string {
	if u := ToUnicode(ascii); u != ascii {
		return u + " (" + ascii + ")"
	}
	return ascii
}

// ParseName extracts the domain name from text that a person typed or pasted,
// with a scheme, user, port, path or final dot, in Unicode or A-label form. For
// an IP address the error is ErrNotAName.
func ParseName(text string) (string, error) {
	text = strings.Trim(strings.TrimSpace(text), "<>«»\"'`,;")
	if _, after, ok := strings.Cut(text, "://"); ok {
		text = after
	}
	if i := strings.IndexAny(text, "/?#"); i >= 0 {
		text = text[:i]
	}
	if u, err := url.Parse("//" + text); err == nil && u.Hostname() != "" {
		text = u.Hostname()
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return "", fmt.Errorf("%w: %q is an address", ErrNotAName, text)
	}
	return ToASCII(text)
}

// homely reports whether a name that idna rejects consists of letters, digits,
// hyphens and underscores, without a label with the prefix of an IDN.
func homely(name string) bool {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") || strings.HasPrefix(label, "xn--") {
			return false
		}
	}
	return true
}

// The public suffix list has two sections (https://publicsuffix.org/list/).
// Below a suffix of the ICANN section (ru, co.uk) a registry sells names. Below
// one of the private section (msk.ru, github.io) the suffix's owner assigns
// names, and no registry knows them. One library and one edition of the list
// serve the whole program: golang.org/x/net has the same rules as the library
// that Boulder uses, without parsing them at start.

// RegisteredDomain returns the public suffix of a name with one more label: the
// domain that an owner has registered. Both sections of the list count, as for
// the CA's limits (Boulder, ratelimits/utilities.go), so that shop.msk.ru is a
// domain of its own. The name is in A-label form and lower case; a leading "*."
// is ignored. A name that is a public suffix itself is returned unchanged.
func RegisteredDomain(name string) string {
	name = strings.TrimPrefix(name, "*.")
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return name
	}
	return domain
}

// PublicSuffix returns the longest public suffix of a name in both sections of
// the list, and whether it is of the ICANN section. For a name without a known
// suffix it returns the last label and false.
func PublicSuffix(name string) (suffix string, icann bool) {
	return publicsuffix.PublicSuffix(name)
}
