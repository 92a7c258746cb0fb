package checks

import (
	"net/netip"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// PolicyCheck is the name of the check that finds names which the CA refuses
// whatever DNS says: if a site's own name is one of them, nothing else can be
// the cause.
const PolicyCheck = "policy"

// Rules of the CA's policy that a name can break; values of NameRefusal.Rule and
// of the argument "reason" of CARejected.
const (
	RuleAddress    = "address"    // an IP address, not a name
	RuleUnderscore = "underscore" // a label contains an underscore
	RuleSpelling   = "spelling"   // a label is empty or has other characters than letters, digits and hyphens
	RuleLength     = "length"     // the name has more than 253 characters
	RuleLabel      = "label"      // a label has more than 63 characters
	RuleHyphen     = "hyphen"     // a label begins or ends with a hyphen
	RuleReserved   = "reserved"   // hyphens as the third and fourth character of a label that is no IDN
	RulePunycode   = "punycode"   // a label that begins with xn-- and is not valid
	RuleLabels     = "labels"     // more than ten labels
	RuleSingle     = "single"     // one label only
	RuleSuffix     = "suffix"     // not below a public suffix
	RulePublic     = "public"     // a public suffix itself
)

// Limits of the CA for names.
const (
	maxNameLength  = 253
	maxLabelLength = 63
	maxLabels      = 10
)

// NameRefusal says why the CA refuses a name.
type NameRefusal struct {
	Rule  string
	Label string // the label that breaks the rule; for RuleSuffix the last one; empty: the name as a whole
}

// Refused returns why the CA refuses to issue for a name before any validation;
// false if it does not. The name is in A-label form, or as stored if it has
// none; a leading "*." is a wildcard. The rules are those of Boulder
// (policy/pa.go), without its list of blocked names,
// which is not public.
func Refused(name string) (NameRefusal, bool) {
	if strings.HasPrefix(name, "#") { // it stands for a name that could not be read
		return NameRefusal{}, false
	}
	name = strings.ToLower(name)
	base, wildcard := strings.CutPrefix(name, "*.")
	if wildcard {
		name = "x." + base // one of the names that the wildcard stands for
	}
	stored := name
	if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		if puny, err := idna.Punycode.ToASCII(name); err == nil {
			name = puny // a name that was stored in Unicode because it is not valid
		}
	}
	if strings.Trim(name, "0123456789abcdef.:[]") == "" { // a cheap test first: almost no name is an address
		if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
			return NameRefusal{Rule: RuleAddress}, true
		}
	}
	if len(name) > maxNameLength {
		return NameRefusal{Rule: RuleLength}, true
	}
	labels := 0
	for label := range strings.SplitSeq(name, ".") {
		labels++
		if rule := refusedLabel(label); rule != "" {
			if name != stored { // a label in Unicode is known by its place
				label = strings.Split(stored+strings.Repeat(".", labels), ".")[labels-1]
			}
			return NameRefusal{Rule: rule, Label: label}, true
		}
	}
	switch {
	case labels > maxLabels:
		return NameRefusal{Rule: RuleLabels}, true
	case labels == 1:
		return NameRefusal{Rule: RuleSingle}, true
	}
	switch suffix := registrySuffix(name); {
	case suffix == "":
		return NameRefusal{Rule: RuleSuffix, Label: name[strings.LastIndexByte(name, '.')+1:]}, true
	case suffix == name, wildcard && suffix == base:
		return NameRefusal{Rule: RulePublic}, true
	}
	return NameRefusal{}, false
}

// refusedLabel returns the rule that a label breaks; empty: none.
func refusedLabel(label string) string {
	other, underscore := false, false
	for i := range len(label) {
		switch c := label[i]; {
		case c == '_':
			underscore = true
		case (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-':
			other = true
		}
	}
	switch {
	case label == "" || other:
		return RuleSpelling
	case underscore:
		return RuleUnderscore
	case len(label) > maxLabelLength:
		return RuleLabel
	case label[0] == '-' || label[len(label)-1] == '-':
		return RuleHyphen
	case len(label) < 4 || label[2:4] != "--":
		return ""
	case label[:2] != "xn":
		return RuleReserved
	}
	if u, err := idna.Punycode.ToUnicode(label); err != nil || !norm.NFC.IsNormalString(u) {
		return RulePunycode
	}
	return ""
}

// registrySuffix returns the public suffix of a name in the section of ICANN,
// the only one that the CA requires; empty if the name is below none. The
// name example is reserved for documents (RFC 2606 section 2), so that only
// laboratories have sites below it, with a CA of their own: it counts as one.
func registrySuffix(name string) string {
	suffix, icann := publicsuffix.PublicSuffix(name)
	for !icann { // below a private suffix (msk.ru, github.io) is one of ICANN's
		_, above, more := strings.Cut(suffix, ".")
		if !more {
			break
		}
		suffix, icann = publicsuffix.PublicSuffix(above)
	}
	if !icann && suffix != "example" {
		return ""
	}
	return suffix
}
