package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Ending is a site whose domain's registration ends soon, or has ended: of several
// domains, the one that ends first.
type Ending struct {
	Server, Site, Owner string
	Domain              string // of the registration
	Ends                time.Time
	Free                time.Time  // when anyone may register it; zero: not published
	Parking             string     // the registrar on whose name servers for unpaid domains it stands; empty: on others
	Unverified          bool       // the registry says that the owner is not identified
	Who                 checks.Who // who has to pay for it
	At                  time.Time  // of the snapshot that has it; zero: it is of now
}

// Registrations are what is known of the domains of a site's names, each once;
// nil: registries are not asked.
func (s Server) registrations(site *checks.Site) []checks.Registration {
	if s.Registrations == nil {
		return nil
	}
	var all []checks.Registration
	for _, domain := range site.Domains() {
		r := checks.Registration{Domain: domain}
		if known := s.Registrations[domain]; known != nil {
			r = *known
		}
		all = append(all, r)
	}
	return all
}

// Registrations are what is known of the domains of the site's names, each once,
// that of its own name first; nil: registries are not asked.
func (s Site) Registrations() []checks.Registration { return s.Server.registrations(s.Subject.Site) }

// Findings are those of the site, the ends of its domains' registrations included.
func (s Site) Findings() []checks.Finding {
	found := s.Server.Findings(s.Subject.Site.Name)
	for _, r := range s.Registrations() {
		if f, ok := r.Finding(s.Subject.Site, s.Server.Read); ok {
			found = append(found, f)
		}
	}
	return found
}

// Endings are the sites that are switched on and whose domain's registration ends
// within a time after the reading, or has ended; the soonest first.
func (s Server) Endings(within time.Duration) []Ending {
	var all []Ending
	for _, x := range s.Subjects {
		if e, ok := s.ending(x.Site); ok && !e.Ends.After(s.Read.Add(within)) {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, bySoonest)
	return all
}

func bySoonest(a, b Ending) int {
	return cmp.Or(a.Ends.Compare(b.Ends), strings.Compare(a.Domain, b.Domain), strings.Compare(a.Site, b.Site), strings.Compare(a.Server, b.Server))
}

// ending is the registration of the site that ends first; false: the site is
// switched off, or it is not known when any of them ends.
func (s Server) ending(site *checks.Site) (Ending, bool) {
	var first Ending
	if site.Active == checks.Off {
		return first, false
	}
	for _, r := range s.registrations(site) {
		f, ok := r.Finding(site, s.Read)
		if ends := r.Ends(); ok && (first.Ends.IsZero() || ends.Before(first.Ends)) {
			first = Ending{Server: s.Name, Site: site.Name, Owner: site.Owner, Domain: r.Domain, Ends: ends, Free: r.Answer.FreeDate,
				Parking: r.Parking, Unverified: r.Answer.Unverified, Who: f.Who()}
		}
	}
	return first, !first.Ends.IsZero()
}

// listEnding gives a row for each of the Endings.
func (s Server) listEnding(within time.Duration) []Row {
	ending := map[string]*Ending{}
	for _, e := range s.Endings(within) {
		ending[e.Site] = &e
	}
	if len(ending) == 0 {
		return nil
	}
	var rows []Row
	for j := range s.Judged() {
		if e := ending[j.Subject.Site.Name]; e != nil {
			row := e.row()
			row.Node, row.Code, row.Severity, row.Since, row.Exact = j.Subject.Site.Node, j.Cause.Code, j.Severity, j.Start.At, j.Start.Exact
			rows = append(rows, row)
		}
	}
	return rows
}

// row is the site in a list about ends of registrations, without its root cause.
func (e *Ending) row() Row {
	row := Row{Domain: e.Site, Owner: e.Owner, Server: e.Server, Ends: e.Ends, Ending: e}
	if e.Domain != e.Site {
		row.Name = e.Domain
	}
	return row
}

// Coverage is how many of the domains of the sites that are switched on have each
// standing; nil: registries are not asked. Each domain counts once.
func Coverage(servers []Server) map[checks.RegistrationStanding]int {
	var counts map[checks.RegistrationStanding]int
	if slices.ContainsFunc(servers, func(s Server) bool { return s.Registrations != nil }) {
		counts = map[checks.RegistrationStanding]int{}
	}
	standings(servers, func(_ checks.Registration, standing checks.RegistrationStanding) { counts[standing]++ })
	return counts
}

// Undated is how many domains it is not known of when their registration ends.
func Undated(counts map[checks.RegistrationStanding]int) int {
	n := 0
	for standing, of := range counts {
		if standing != checks.RegistrationDated && standing != checks.RegistrationVanished {
			n += of
		}
	}
	return n
}

// EndingSoon is how soon a registration ends that the digest names.
const EndingSoon = 7 * 24 * time.Hour

// Endings are those of all panels within the time in which dns.ending is a
// warning, the soonest first.
func (d Day) Endings() []Ending {
	var all []Ending
	for _, s := range d.Servers {
		all = append(all, s.Endings(checks.EndingWithin)...)
	}
	slices.SortStableFunc(all, bySoonest)
	return all
}

// WithEndings is the history with the ends of registrations of a snapshot of a
// server in place of those of its earlier snapshots; nothing is stored.
func (h History) WithEndings(t Tally, endings []Ending) History {
	if t.Unread {
		return h
	}
	h.Endings = slices.DeleteFunc(slices.Clone(h.Endings), func(e Ending) bool { return e.Server == t.Server })
	for _, e := range endings {
		e.At = t.At
		h.Endings = append(h.Endings, e)
	}
	return h
}
