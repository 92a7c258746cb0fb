package reports

import (
	"iter"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Judged is one site with its root cause. Every count and every list of sites is
// made of it, so that each number equals the length of its list.
type Judged struct {
	Site
	Cause    checks.Verdict
	Severity checks.Severity // of the root cause, or of the certificate's end if that is worse
	Start    Start
}

// Judged gives every site of the panel with its root cause, in the panel's order.
func (s Server) Judged() iter.Seq[Judged] {
	judge := s.judge()
	return func(yield func(Judged) bool) {
		for _, x := range s.Subjects {
			if !yield(judge(x)) {
				return
			}
		}
	}
}

// judge returns a function that gives a site of the panel with its root cause.
func (s Server) judge() func(checks.Subject) Judged {
	bySite := s.BySite()
	return func(x checks.Subject) Judged { return Site{Server: bySite(x.Site.Name), Subject: x}.judged() }
}

// judgedWith is Judged without the sites that have neither a finding which counts nor,
// if failed is set, a check that could not look. A list of few sites is made of it: to
// judge thousands for each of the lists behind one answer takes long.
func (s Server) judgedWith(counts func(*checks.Finding) bool, failed bool) iter.Seq[Judged] {
	sites := map[string]bool{}
	for i := range s.Outcome.Findings {
		if f := &s.Outcome.Findings[i]; counts(f) {
			sites[f.Site] = true
		}
	}
	for site, p := range s.Probes {
		for i := range p.Findings {
			if counts(&p.Findings[i]) {
				sites[site] = true
			}
		}
		if failed && len(p.Failures) > 0 {
			sites[site] = true
		}
	}
	for _, f := range s.Outcome.Failures {
		if failed {
			sites[f.Site] = true
		}
	}
	s.Outcome.Findings = those(s.Outcome.Findings, func(f *checks.Finding) bool { return sites[f.Site] })
	s.Outcome.Failures = those(s.Outcome.Failures, func(f *checks.Failure) bool { return sites[f.Site] })
	s.Subjects = those(s.Subjects, func(x *checks.Subject) bool { return sites[x.Site.Name] })
	return s.Judged()
}

// those are the elements for which a condition holds, in a new list.
func those[T any](list []T, holds func(*T) bool) (found []T) {
	for i := range list {
		if holds(&list[i]) {
			found = append(found, list[i])
		}
	}
	return found
}

// coded returns a function that reports whether a finding has one of some codes.
func coded(codes ...checks.Code) func(*checks.Finding) bool {
	return func(f *checks.Finding) bool { return slices.Contains(codes, f.Code) }
}

func (s Site) judged() Judged {
	name := s.Subject.Site.Name
	found := s.Server.Findings(name)
	cause := checks.Judge(found, s.Server.Failures(name))
	j := Judged{Site: s, Cause: cause, Severity: cause.Severity, Start: s.Server.StartOf(s.Subject, cause)}
	for _, f := range found {
		if ends(f) {
			j.Severity = max(j.Severity, f.Severity)
		}
	}
	return j
}

// Blind reports whether the root cause could not be told because a check could
// not look. An error that no rule recognizes is not that: there is a problem.
func (j Judged) Blind() bool {
	return j.Cause.Code == checks.Unknown && j.Cause.Finding.Code == ""
}

// InTrouble reports whether the site counts as one with problems.
func (j Judged) InTrouble() bool { return j.Severity >= checks.Warning && !j.Blind() }

// finding is the site's finding with that code; false: there is none.
func (s Site) finding(code checks.Code) (checks.Finding, bool) {
	for _, f := range s.Server.Findings(s.Subject.Site.Name) {
		if f.Code == code {
			return f, true
		}
	}
	return checks.Finding{}, false
}

// Start is when a problem began.
type Start struct {
	At    time.Time // zero: not known
	Exact bool      // false: the problem was there when we first looked, so it is at least that old
}

// Over reports whether a problem has lasted for longer than an age at a moment.
// Of a problem that began before the first look, only what was seen counts.
func (s Start) Over(age time.Duration, at time.Time) bool {
	return !s.At.IsZero() && at.Sub(s.At) > age
}

// earlier is the earlier of two starts; one that is not known is never that.
func (s Start) earlier(other Start) Start {
	if s.At.IsZero() || !other.At.IsZero() && other.At.Before(s.At) {
		return other
	}
	return s
}

// StartOf is when a site's root cause began. All answers and reports take it from
// here, so that one problem has one date: a certificate's expiry by its own dates,
// the CA's refusals by the first failure in a row in the issuance log, and
// everything else by when it was first found.
// A site without a problem, or whose state could not be told, has no start.
func (s Server) StartOf(x checks.Subject, cause checks.Verdict) Start {
	if cause.Finding.Code == "" {
		return Start{}
	}
	return s.startOf(x, cause.Finding)
}

func (s Server) startOf(x checks.Subject, f checks.Finding) Start {
	if at, ok := datedBy(f); ok {
		return Start{At: at, Exact: true}
	}
	if h := x.History; h != nil && !h.Since.IsZero() && fromLog(f.Code) {
		return Start{At: h.Since, Exact: true}
	}
	return s.Opened[sinceKey{x.Site.Name, f.Code}]
}

// datedBy is the date that a finding itself has: a certificate expired at its
// end, and the failures that ended by themselves began with the first of them.
func datedBy(f checks.Finding) (at time.Time, ok bool) {
	switch f.Code {
	case checks.CertExpired:
		at, ok = f.Args["at"].(time.Time)
	case checks.CAFlaky:
		at, ok = f.Args["since"].(time.Time)
	}
	return at, ok && !at.IsZero()
}

// fromLog reports whether a site's code comes from the issuance log. That our
// server cannot reach the CA is found by a check of its own, and what is foretold
// is no failure.
func fromLog(code checks.Code) bool {
	return (strings.HasPrefix(string(code), "ca.") || code == checks.Unknown) && code != checks.CAUnreachable && !Foretold(code)
}

// IncidentStart is when the problem of one of a site's incidents began.
func (s Site) IncidentStart(i Incident) Start {
	opened := Start{At: i.Times.Opened, Exact: !i.Baseline}
	if !i.Times.Resolved.IsZero() {
		if at, ok := datedBy(i.Finding); ok {
			return Start{At: at, Exact: true}
		}
		return opened
	}
	if start := s.Server.startOf(s.Subject, i.Finding); start.Exact {
		return start
	}
	return opened
}
