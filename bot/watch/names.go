package watch

import (
	"slices"

	"domovoy/checks"
	"domovoy/checks/cert"
)

// certificateNames finds the names that a certificate is for: of the site that
// uses it, or used one of that name under another number.
type certificateNames struct {
	byName, byStem map[string][]string
}

// namesOf joins certificates with the names of their sites. Two sites that use
// certificates of one name, but have names of their own, leave it unknown.
func namesOf(all []checks.Subject) certificateNames {
	n := certificateNames{map[string][]string{}, map[string][]string{}}
	for i := range all {
		x := &all[i]
		names := OrderNames(*x.Site)
		noteNames(n.byName, x.Site.Certificate, names)
		noteNames(n.byStem, cert.Stem(x.Site.Certificate), names)
		for _, c := range []*checks.Certificate{x.Certificate, x.Order} {
			if c != nil && c.Name != x.Site.Certificate {
				noteNames(n.byName, c.Name, names)
				noteNames(n.byStem, cert.Stem(c.Name), names)
			}
		}
	}
	return n
}

func noteNames(to map[string][]string, certificate string, names []string) {
	if certificate == "" {
		return
	}
	if known, ok := to[certificate]; ok && !slices.Equal(known, names) {
		names = nil
	}
	to[certificate] = names
}

// of a certificate; nil: not known.
func (n certificateNames) of(certificate string) []string {
	if names, ok := n.byName[certificate]; ok {
		return names
	}
	return n.byStem[cert.Stem(certificate)]
}

// OrderNames are what the panel orders a certificate for: the site's own name
// and its aliases, if they are names that a CA could sign.
func OrderNames(s checks.Site) []string {
	names := s.Ordered()
	slices.Sort(names)
	return names
}
