package watch

import (
	"slices"

	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/cert"
)

// certificateNames finds the names that a certificate is for: of the site that
// uses it, or used one of that name under another number.
type certificateNames struct {
	byName, byStem map[string]*orderNames
}

// orderNames are the names of a certificate.
type orderNames struct {
	list []string // empty: not known
	set  string   // all together, as the CA's limits count them
}

// namesOf joins certificates with the names of their sites. Two sites that use
// certificates of one name, but have names of their own, leave it unknown.
func namesOf(all []checks.Subject) certificateNames {
	n := certificateNames{make(map[string]*orderNames, len(all)), make(map[string]*orderNames, len(all))}
	each := make([]orderNames, len(all))
	for i := range all {
		x, names := &all[i], &each[i]
		names.list = OrderNames(*x.Site)
		names.set = budget.SetOf(names.list)
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

func noteNames(to map[string]*orderNames, certificate string, names *orderNames) {
	if certificate == "" {
		return
	}
	if known := to[certificate]; known != nil && !slices.Equal(known.list, names.list) {
		names = &orderNames{}
	}
	to[certificate] = names
}

// of a certificate; nil: not known.
func (n certificateNames) of(certificate string) *orderNames {
	if names := n.byName[certificate]; names != nil {
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
