package reports

import (
	"slices"
	"time"

	"domovoy/checks"
)

// Server is what is known of one panel after its last reading.
type Server struct {
	Name     string
	Read     time.Time        // last complete reading; zero: never
	Trouble  string           // why the latest reading failed, as a stable word; empty: it succeeded
	Believed time.Time        // when what was doubted of the panel was last taken for right; zero: never
	Lost     []checks.Missing // tables and columns that the panel had before
	Subjects []checks.Subject
	Snapshot checks.Snapshot
	Outcome  checks.Outcome
	Readings []Reading
	Opened   Since
	Overdue  OverdueRule
	Probes   map[string]checks.Probe // the last of each site, from outside; nil: there are none
	Quota    Quota                   // what the account has left at its CA
	Nameless []checks.Certificate    // overdue certificates whose rows have neither a name nor a domain
	Failing  []string                // names of the certificates that panel.failing counts

	Registrations map[string]*checks.Registration // of domains, by their names; nil: registries are not asked
}

// NeverRead is Server.Trouble before the first reading has ended.
const NeverRead = "never"

// Since is when each open problem of a site was first found.
type Since map[sinceKey]Start

// sinceKey is one problem of a site.
type sinceKey struct {
	site string
	code checks.Code
}

// Add records when the problem of an open incident was first found; of several
// names of a site, the earliest.
func (s Since) Add(i Incident) {
	key := sinceKey{i.Finding.Site, i.Finding.Code}
	s[key] = s[key].earlier(Start{At: i.Times.Opened, Exact: !i.Baseline})
}

// OverdueRule says when this panel's certificates count as not renewed in time.
type OverdueRule struct {
	LifeLeft float64 // share of the lifetime that is left, 0 to 1
	Renewals int     // number of renewals it was learned from; 0: the configured value
}

// Reading is a count with its threshold and its earlier values.
type Reading struct {
	checks.Metric
	Threshold Threshold
	Severity  checks.Severity
	Hour, Day *int // value an hour and a day ago; nil: not known
}

// Verdicts gives the root cause of each site that has findings or failures.
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

// ends reports whether a certificate expired or is about to. Visitors see that
// whatever its cause, so it is reported beside the cause.
func ends(f checks.Finding) bool {
	return f.Severity > checks.Info && (f.Code == checks.CertExpired || f.Code == checks.CertExpiring)
}

// codeOrder is the place of each code among checks.Codes, causes before symptoms.
func codeOrder() map[checks.Code]int {
	order := map[checks.Code]int{}
	for i, code := range checks.Codes() {
		order[code] = i
	}
	return order
}

// Causes are the findings that incidents are made of: for each site its root
// cause and the end of its certificate, for the server everything.
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

// Find gives the site with that name or alias; a wildcard alias matches one label
// (RFC 6125, section 6.4.3). Its Site is never nil.
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

// Findings are those of one site, or, for an empty name, of the server as a
// whole: of the panel's side and of the last look from outside.
func (s Server) Findings(site string) []checks.Finding {
	var found []checks.Finding
	for _, f := range s.Outcome.Findings {
		if f.Site == site && !s.superseded(f) {
			found = append(found, f)
		}
	}
	found = append(found, s.Probes[site].Findings...)
	checks.SortFindings(found)
	return slices.CompactFunc(found, func(a, b checks.Finding) bool { return a.Key() == b.Key() })
}

// Unfamiliar counts the sites whose root cause is an error that no rule
// recognizes.
func (s Server) Unfamiliar() int {
	n := 0
	for j := range s.judgedWith(coded(checks.Unknown), false) {
		if j.InTrouble() && j.Cause.Code == checks.Unknown {
			n++
		}
	}
	return n
}

// Failures are the checks of one site that could not run.
func (s Server) Failures(site string) []checks.Failure {
	var failed []checks.Failure
	for _, f := range s.Outcome.Failures {
		if f.Site == site {
			failed = append(failed, f)
		}
	}
	return append(failed, s.Probes[site].Failures...)
}

// Metrics are the counts of the server. While it cannot be read, none of them has
// a value.
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

// Warned reports whether a count is at its warning level.
func (s Server) Warned() bool {
	return slices.ContainsFunc(s.Readings, func(r Reading) bool { return r.Severity == checks.Warning })
}

// Worst is the severity of the worst of the server's counts and of the findings
// about it as a whole; critical while it cannot be read.
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

// IssuanceDay counts the attempts to issue certificates of one day.
type IssuanceDay struct {
	From      time.Time // the reader's midnight
	Attempts  int       // that ended on this day: issued or failed
	Failed    int
	Recovered int // issued, within days of the first failure: as far as one can tell nobody had to act
}

// Failing is the share of attempts that failed; ok: there was an attempt.
func (d IssuanceDay) Failing() (share float64, ok bool) {
	return float64(d.Failed) / float64(max(1, d.Attempts)), d.Attempts > 0
}

// Quota is what a server's account has left of its CA's rate limits.
type Quota struct {
	CA      string          // its name; empty: its limits are not known
	Account []checks.Budget // limits of the account as a whole
}
