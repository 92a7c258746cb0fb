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

// BySite parts a server's findings by site, so that each can be asked about
// without going through all: a server of one site each.
func (s Server) BySite() map[string]Server {
	parts := make(map[string]Server, len(s.Subjects))
	for _, x := range s.Subjects {
		part := s
		part.Outcome.Findings, part.Outcome.Failures = nil, nil
		parts[x.Site.Name] = part
	}
	for _, f := range s.Outcome.Findings {
		part := parts[f.Site]
		part.Outcome.Findings = append(part.Outcome.Findings, f)
		parts[f.Site] = part
	}
	for _, f := range s.Outcome.Failures {
		part := parts[f.Site]
		part.Outcome.Failures = append(part.Outcome.Failures, f)
		parts[f.Site] = part
	}
	return parts
}
