package checks

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// The public suffix list has two sections (https://publicsuffix.org/list/).
// Below a suffix of the ICANN section (ru, co.uk) a registry sells names.
// Below one of the private section (msk.ru, github.io) the suffix's owner
// gives them away; no registry can be asked about them. One library and one
// edition of the list serve the whole program: golang.org/x/net has the same
// rules as the library that Boulder uses, without parsing them at start.

// RegisteredDomain is the public suffix of a name with one more label: the
// domain that belongs to somebody of their own. Both sections of the list
// count, as for the CA's limits (Boulder, ratelimits/utilities.go), so that
// shop.msk.ru is a domain of its own. The name is in A-label form and lower
// case; a leading "*." is ignored. A name that is a public suffix itself
// comes back as it is.
func RegisteredDomain(name string) string {
	name = strings.TrimPrefix(name, "*.")
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return name
	}
	return domain
}

// PublicSuffix is the longest public suffix that a name ends in, by both
// sections of the list, and whether it is of the ICANN section. A name under
// no known suffix has its last label as suffix, which is not of that section.
func PublicSuffix(name string) (suffix string, icann bool) {
	return publicsuffix.PublicSuffix(name)
}
