package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Unasked is a registry that could not be asked about some domains.
type Unasked struct {
	Registry string                 // the server, as host:port or host
	Failure  checks.RegistryFailure // why the last question to it had no answer
	Domains  int                    // of which it is not known when their registration ends
}

// unreached is after how many questions in a row without an answer the domains of
// a zone that wait for their turn count as ones that cannot be asked about.
const unreached = 3

// zone is what became of the questions about the domains of a zone.
type zone struct {
	answered time.Time           // the last time
	failed   []time.Time         // questions without an answer
	last     checks.Registration // the newest of these
}

// silent reports whether the registry answers nothing at present.
func (x zone) silent(now time.Time) bool {
	n := 0
	for _, at := range x.failed {
		if at.After(x.answered) {
			n++
		}
	}
	refuses := x.last.Failure == checks.RegistryQuota && x.last.Due.After(now)
	return n >= unreached || n > 0 && refuses
}

// zones are those of all known registrations, by the last label of their domains:
// these are asked about one after the other.
func (s Server) zones() map[string]*zone {
	all := map[string]*zone{}
	for _, r := range s.Registrations {
		x := all[zoneOf(r.Domain)]
		if x == nil {
			x = &zone{}
			all[zoneOf(r.Domain)] = x
		}
		if r.Looked.After(x.answered) {
			x.answered = r.Looked
		}
		if r.Failure == checks.RegistryUnreachable || r.Failure == checks.RegistryQuota {
			if x.failed = append(x.failed, r.Asked); r.Asked.After(x.last.Asked) {
				x.last = *r
			}
		}
	}
	return all
}

func zoneOf(domain string) string { return domain[strings.LastIndexByte(domain, '.')+1:] }

// standings passes each of the domains of the sites that are switched on, once,
// with its standing. One that was not asked about yet, or is being asked about, in a
// zone whose registry answers nothing, cannot be asked about: it has the failure of
// that zone.
func standings(servers []Server, each func(checks.Registration, checks.RegistrationStanding)) {
	seen := map[string]bool{}
	for _, s := range servers {
		if s.Registrations == nil {
			continue
		}
		zones := s.zones()
		for _, x := range s.Subjects {
			if x.Site.Active == checks.Off {
				continue
			}
			for _, r := range s.registrations(x.Site) {
				if seen[r.Domain] {
					continue
				}
				seen[r.Domain] = true
				standing := r.Standing(s.Read)
				next := standing == checks.RegistrationWaiting || standing == checks.RegistrationFailing && r.Failure == checks.RegistryInterrupted
				if z := zones[zoneOf(r.Domain)]; next && z != nil && z.silent(s.Read) {
					standing = checks.RegistrationFailing
					r.Registry, r.Failure = z.last.Registry, z.last.Failure
				}
				each(r, standing)
			}
		}
	}
}

// CouldNotAsk lists the registries that could not be asked about some of the
// domains, those of most domains first.
func CouldNotAsk(servers []Server) []Unasked {
	counts := map[Unasked]int{}
	standings(servers, func(r checks.Registration, standing checks.RegistrationStanding) {
		if standing == checks.RegistrationFailing && r.Registry != "" && r.Failure != checks.RegistryInterrupted {
			counts[Unasked{Registry: r.Registry, Failure: r.Failure}]++
		}
	})
	var all []Unasked
	for x, n := range counts {
		x.Domains = n
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b Unasked) int {
		return cmp.Or(cmp.Compare(b.Domains, a.Domains), strings.Compare(a.Registry, b.Registry), strings.Compare(string(a.Failure), string(b.Failure)))
	})
	return all
}
