package reports

import (
	"maps"
	"slices"
	"time"

	"domovoy/checks"
)

// WithProbe is a copy of the server with a newer probe of one of its sites.
func (s Server) WithProbe(site string, p checks.Probe) Server {
	probes := make(map[string]checks.Probe, len(s.Probes)+1)
	maps.Copy(probes, s.Probes)
	probes[site] = p
	s.Probes = probes
	return s
}

// BySite returns a function that gives, for one site, a copy of the server with
// that site's findings and failures alone. It makes asking about each of many
// sites linear; only sites with findings cost memory.
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

// Names of the checks that judge a certificate's dates on the panel's side.
const (
	fileCheck = "certificate" // by its file
	RowCheck  = "renewal"     // by the panel's row, where no file is read
)

// issuingCheck finds the cause of the last failure to issue.
const issuingCheck = "issuing"

// backdated is how long before its issuing a certificate's validity begins
// (Let's Encrypt: an hour).
const backdated = time.Hour

// overcome reports whether visitors get a certificate that was issued after a
// failure, by whatever means, and the panel itself does not count the order as
// failed any more.
func overcome(f checks.Finding, served checks.Validity) bool {
	last, ok := f.Args["last"].(time.Time)
	stuck, _ := f.Args["stuck"].(bool)
	return ok && !stuck && served.NotBefore.Add(backdated).After(last)
}

// superseded reports whether a finding of the panel's side about a certificate
// is replaced by what visitors get. A failure to issue is, if a later
// certificate is served. About dates, the served certificate takes
// precedence over the file, as the file does over the row. The finding is
// replaced if the probe found the same of the served certificate, or if the
// served one ends later and is still valid. If the panel's certificate ends
// last, or both are the same, its finding stays: the file was read today, the
// probe may be hours old.
//
// Counts ignore this. panel.overdue counts what the panel itself does not renew
// in time; a newer certificate on a proxy in front renews nothing there.
func (s Server) superseded(f checks.Finding) bool {
	if f.Check == issuingCheck {
		served := s.Probes[f.Site].Served
		return served.Known() && overcome(f, served)
	}
	if f.Check != fileCheck && f.Check != RowCheck || !dated(f.Code) && f.Code != checks.CertUntrusted {
		return false
	}
	look := s.Probes[f.Site]
	if !look.Served.Known() {
		return false
	}
	if f.Code == checks.CertUntrusted { // of its bundle: the handshake has seen the whole chain
		until, ok := f.Args["until"].(time.Time)
		return ok && look.Served.NotAfter.Equal(until)
	}
	ends, ok := f.Args["at"].(time.Time)
	if ok && f.Code != checks.CertNotYet && look.Served.NotAfter.After(ends) {
		return look.Served.NotAfter.After(s.Read) // else that one has expired by now as well
	}
	return slices.ContainsFunc(look.Findings, func(x checks.Finding) bool { return x.Code == f.Code && x.Name == "" })
}

// dated reports whether a code is about a certificate's dates.
func dated(c checks.Code) bool {
	return c == checks.CertExpired || c == checks.CertExpiring || c == checks.CertOverdue || c == checks.CertNotYet
}

// NotSuperseded drops the findings about certificates' dates that the served
// certificate supersedes.
func (s Server) NotSuperseded(found []checks.Finding) []checks.Finding {
	if len(s.Probes) == 0 || !slices.ContainsFunc(found, s.superseded) {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), s.superseded)
}
