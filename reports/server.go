package reports

import (
	"slices"
	"time"

	"domovoy/checks"
)

// Server is what is known of one panel after its last reading.
type Server struct {
	Name     string
	Read     time.Time // the last complete reading; zero: never
	Trouble  string    // why the latest reading failed, a stable word; empty: it did not
	Subjects []checks.Subject
	Snapshot checks.Snapshot
	Outcome  checks.Outcome
	Readings []Reading
	Opened   Since
	Overdue  OverdueRule
	Looks    map[string]Look      // the last look from outside at each site; nil: nobody looks
	Quota    Quota                // what is left at the CA
	Nameless []checks.Certificate // overdue by their rows, which name neither certificate nor domain
}

// Since is since when sites have had their troubles.
type Since map[sinceKey]time.Time

// sinceKey is one trouble of a site.
type sinceKey struct {
	site string
	code checks.Code
}

// Add notes when a site's trouble began.
func (s Since) Add(f checks.Finding, at time.Time) { s[sinceKey{f.Site, f.Code}] = at }

// OverdueRule is the life left at which this panel's certificates count as
// not renewed in time.
type OverdueRule struct {
	LifeLeft float64 // share of the lifetime
	Renewals int     // how many renewals it was learned from; 0: the configured value
}

// Reading is a count beside its threshold and its past.
type Reading struct {
	checks.Metric
	Threshold Threshold
	Severity  checks.Severity
	Hour, Day *int // the value an hour and a day ago; nil: not known
}

// Verdicts folds what was found into one root cause for each site.
func Verdicts(out checks.Outcome, subjects []checks.Subject) map[string]checks.Verdict {
	found := map[string][]checks.Finding{}
	for _, f := range out.Findings {
		found[f.Site] = append(found[f.Site], f)
	}
	failed := map[string][]checks.Failure{}
	for _, f := range out.Failures {
		failed[f.Site] = append(failed[f.Site], f)
	}
	verdicts := make(map[string]checks.Verdict, len(found)+len(failed))
	for _, s := range subjects {
		name := s.Site.Name
		if len(found[name]) > 0 || len(failed[name]) > 0 {
			verdicts[name] = checks.Judge(found[name], failed[name])
		}
	}
	return verdicts
}

// ends reports whether a certificate ended or is about to. Visitors meet that
// whatever the cause, so it is told beside the cause.
func ends(f checks.Finding) bool {
	return f.Severity > checks.Info && (f.Code == checks.CertExpired || f.Code == checks.CertExpiring)
}

// Causes are the findings that incidents are made of: of each site its root
// cause and the end of its certificate, of the server whatever was found.
func Causes(out checks.Outcome, verdicts map[string]checks.Verdict) []checks.Finding {
	var causes []checks.Finding
	for _, f := range out.Findings {
		if f.Site == "" || verdicts[f.Site].Finding.Code == f.Code || ends(f) {
			causes = append(causes, f)
		}
	}
	checks.SortFindings(causes)
	return slices.CompactFunc(causes, func(a, b checks.Finding) bool { return a.Key() == b.Key() })
}

// Find gives the site of that name, its own or an alias; a wildcard alias
// fits one label (RFC 6125, section 6.4.3).
func (s Server) Find(name string) (checks.Subject, bool) {
	i := slices.IndexFunc(s.Subjects, func(x checks.Subject) bool { return x.Site.Name == name })
	if i < 0 {
		i = slices.IndexFunc(s.Subjects, func(x checks.Subject) bool { return x.Site.HasAlias(name) })
	}
	if i < 0 {
		return checks.Subject{Site: &checks.Site{}}, false
	}
	return s.Subjects[i], true
}

// Findings of one site.
func (s Server) Findings(site string) []checks.Finding {
	var found []checks.Finding
	for _, f := range s.Outcome.Findings {
		if f.Site == site && !s.outdone(f) {
			found = append(found, f)
		}
	}
	found = append(found, s.Looks[site].Findings...)
	checks.SortFindings(found)
	return slices.CompactFunc(found, func(a, b checks.Finding) bool { return a.Key() == b.Key() })
}

// Unfamiliar counts the sites whose last error the CA, or the panel, put in
// words that no rule knows.
func (s Server) Unfamiliar() int {
	n := 0
	for _, f := range s.Outcome.Findings {
		if f.Code == checks.Unknown && f.Detail != "" {
			n++
		}
	}
	return n
}

// Failures of one site's checks.
func (s Server) Failures(site string) []checks.Failure {
	var failed []checks.Failure
	for _, f := range s.Outcome.Failures {
		if f.Site == site {
			failed = append(failed, f)
		}
	}
	return append(failed, s.Looks[site].Failures...)
}

// Metrics are the counts of the server; while it cannot be read, each is one
// that could not be counted, whatever it was before.
func (s Server) Metrics() []Reading {
	if s.Trouble == "" {
		return s.Readings
	}
	readings := slices.Clone(s.Readings)
	for i := range readings {
		r := &readings[i]
		r.Value, r.Err, r.Severity, r.Hour, r.Day = 0, s.Trouble, checks.Healthy, nil, nil
	}
	return readings
}

// Warned reports whether a count is the reason of a warning.
func (s Server) Warned() bool {
	return slices.ContainsFunc(s.Readings, func(r Reading) bool { return r.Severity == checks.Warning })
}

// Worst is the server's worst severity: of its counts, of what was found of
// it as a whole, or of not being able to count.
func (s Server) Worst() checks.Severity {
	if s.Trouble != "" {
		return checks.Critical
	}
	worst := checks.Healthy
	for _, r := range s.Readings {
		worst = max(worst, r.Severity)
	}
	for _, f := range s.Findings("") {
		worst = max(worst, f.Severity)
	}
	return worst
}

// Quota is what a server's account has left at its CA.
type Quota struct {
	CA      string          // its name; empty: its limits are not known
	Account []checks.Budget // those of the account as a whole
}
