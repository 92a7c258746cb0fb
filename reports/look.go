package reports

import (
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
