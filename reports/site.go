package reports

import (
	"slices"
	"time"

	"domovoy/checks"
)

// Site is all that is known of one site, for check and why.
type Site struct {
	Server   Server
	Subject  checks.Subject
	Asked    string     // the name that was asked about: the site's own, or an alias
	Also     []string   // other servers that have it too
	Attempts []Try      // newest first
	Past     []Incident // newest first
	Acts     []Act      // newest first
}

// Try is an attempt to issue with what its words mean.
type Try struct {
	checks.Attempt
	Code checks.Code // empty: nobody knows these words, or there are none
	Args checks.Args // what else the words tell; may be nil
}

// Act is something a person did.
type Act struct {
	At      time.Time
	Who     string
	Command string
	Result  string
}

// Verdict is the site's one root cause.
func (s Site) Verdict() checks.Verdict {
	name := s.Subject.Site.Name
	return checks.Judge(s.Server.Findings(name), s.Server.Failures(name))
}

// Certificates are the names under which the log keeps the site's attempts:
// the one in use, the panel's row of it, and a newer order.
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

// Worst is how bad things are: the cause may be milder than what it led to.
func (s Site) Worst(v checks.Verdict) checks.Severity {
	worst := v.Severity
	for _, f := range s.Server.Findings(s.Subject.Site.Name) {
		worst = max(worst, f.Severity)
	}
	return worst
}
