package reports

import (
	"slices"
	"time"

	"domovoy/checks"
)

// Look is what one look from outside found of a site.
type Look struct {
	At       time.Time
	Checks   []string // the checks that ran, or tried to
	Findings []checks.Finding
	Failures []checks.Failure
	Served   checks.Validity // of the certificate seen served; zero: none was
}

// WithLook is the server with another look at one of its sites.
func (s Server) WithLook(site string, l Look) Server {
	looks := make(map[string]Look, len(s.Looks)+1)
	for name, known := range s.Looks {
		looks[name] = known
	}
	looks[site] = l
	s.Looks = looks
	return s
}

// BySite gives for each site a server that has its findings alone, so that one
// can be asked about without going through all. Of a hundred thousand sites
// only those with findings cost memory.
func (s Server) BySite() func(site string) Server {
	type part struct {
		findings []checks.Finding
		failures []checks.Failure
	}
	parts := map[string]part{}
	for _, f := range s.Outcome.Findings {
		p := parts[f.Site]
		p.findings = append(p.findings, f)
		parts[f.Site] = p
	}
	for _, f := range s.Outcome.Failures {
		p := parts[f.Site]
		p.failures = append(p.failures, f)
		parts[f.Site] = p
	}
	return func(site string) Server {
		one := s
		one.Outcome.Findings, one.Outcome.Failures = parts[site].findings, parts[site].failures
		return one
	}
}

// Checks that tell a certificate's dates from the panel's side.
const (
	fileCheck = "certificate" // by its file
	RowCheck  = "renewal"     // by the panel's row where no file is read
)

// outdone reports whether what the panel's side says of a certificate's dates
// gives way to what a visitor was given: served outdoes the file, as the file
// outdoes the row. It does where the look found the same, of the certificate
// that is served, and where that one ends later than the panel's. It does not
// where the panel's certificate ends as late or later, as when both are one:
// hours after the look, its file tells of today.
//
// Counts do not ask this. panel.overdue is whether the panel renews in time
// what it keeps: a newer certificate in front of it renews nothing there, and
// the count must not change with the network that we look through.
func (s Server) outdone(f checks.Finding) bool {
	if f.Check != fileCheck && f.Check != RowCheck || !dated(f.Code) {
		return false
	}
	look := s.Looks[f.Site]
	if !look.Served.Known() {
		return false
	}
	ends, ok := f.Args["at"].(time.Time)
	if ok && look.Served.NotAfter.After(ends) {
		return look.Served.NotAfter.After(s.Read) // else that one is over too by now, and nobody looked since
	}
	return slices.ContainsFunc(look.Findings, func(x checks.Finding) bool { return x.Code == f.Code && x.Name == "" })
}

// dated reports whether a code is about a certificate's dates.
func dated(c checks.Code) bool {
	return c == checks.CertExpired || c == checks.CertExpiring || c == checks.CertOverdue
}

// True gives the findings of the panel's side that hold beside what was seen
// served.
func (s Server) True(found []checks.Finding) []checks.Finding {
	if len(s.Looks) == 0 || !slices.ContainsFunc(found, s.outdone) {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), s.outdone)
}
