package reports

import (
	"maps"
	"slices"
	"time"

	"domovoy/checks"
)

// Site is everything known about one site, for the commands check and why.
type Site struct {
	Server   Server
	Subject  checks.Subject
	Asked    string              // the name that was asked about: the site's own, or an alias
	Also     []string            // other servers that have it too
	Attempts []ClassifiedAttempt // newest first
	Past     []Incident          // newest first
	Acts     []Act               // newest first
}

// ClassifiedAttempt is an attempt to issue, with what its error text means.
type ClassifiedAttempt struct {
	checks.Attempt
	Code checks.Code // empty: no rule recognizes the text, or there is none
	Args checks.Args // further facts from the text; may be nil
}

// Act is a command that a person gave.
type Act struct {
	At      time.Time
	Who     string
	Command string
	Result  string
}

// Verdict is the site's one root cause.
func (s Site) Verdict() checks.Verdict {
	name := s.Subject.Site.Name
	return checks.Judge(s.Server.Findings(name), s.Server.Failures(name)).Attribute(s.Server.Probes[name])
}

// Cause is the finding of a verdict, or one of its code alone, with what else of
// the site decides the next step: the argument "ordering", true, if the panel is
// ordering the certificate that is missing, and "noerror", true, if the log has no
// failed attempt after the last success.
func (s Site) Cause(v checks.Verdict) checks.Finding {
	f := v.Finding
	f.Code = v.Code
	args := maps.Clone(f.Args)
	if args == nil {
		args = checks.Args{}
	}
	if awaits(f) && (ordering(s.Subject.Certificate) || ordering(s.Subject.Order)) {
		args["ordering"] = true
	}
	if v.Code == checks.CertOverdue && s.Subject.History != nil && s.LastError() == "" {
		args["noerror"] = true
	}
	f.Args = args
	return s.Server.WhileDown(f)
}

// awaits reports whether a new certificate is the remedy.
func awaits(f checks.Finding) bool {
	switch f.Code {
	case checks.PanelNoCertificate, checks.CertExpired, checks.CertExpiring, checks.CertOverdue:
		return true
	case checks.CertUntrusted:
		return f.Args["reason"] == nil || f.Args["reason"] == "selfsigned" // the panel's temporary one
	}
	return false
}

func ordering(c *checks.Certificate) bool {
	return c != nil && c.Processing == checks.On && c.Failed != checks.On
}

// LastError is the error text of the last attempt to issue, if it failed; empty:
// it did not, or has no text.
func (s Site) LastError() string {
	if h := s.Subject.History; h != nil && h.Last.Outcome == checks.OutcomeFailed {
		return h.Last.Text
	}
	return ""
}

// Certificates are the names under which the issuance log keeps the site's
// attempts: the certificate in use, the panel's row, and a newer order.
func (s Site) Certificates() []string {
	var names []string
	if name := s.Subject.Site.Certificate; name != "" {
		names = append(names, name)
	}
	for _, c := range []*checks.Certificate{s.Subject.Certificate, s.Subject.Order} {
		if c != nil && c.Name != "" && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// Worst is the severity of the worst finding: the root cause may be milder than
// its consequences.
func (s Site) Worst(v checks.Verdict) checks.Severity {
	worst := v.Severity
	for _, f := range s.Server.Findings(s.Subject.Site.Name) {
		worst = max(worst, f.Severity)
	}
	return worst
}
