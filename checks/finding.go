package checks

import (
	"cmp"
	"slices"
)

// Args are the named values of a finding: strings, whole numbers, booleans
// and times. Texts are made from them in the reader's language.
type Args map[string]any

// Finding is one thing that is wrong, or worth knowing, as a code with
// arguments instead of a sentence.
type Finding struct {
	Check    string // which check found it
	Server   string // the panel
	Site     string // A-label form of the site's own name; empty: the server as a whole
	Name     string // the name concerned, if it is an alias; else empty
	Code     Code
	Severity Severity
	Args     Args   // may be nil
	Detail   string // raw evidence for a machine or an expert; may be empty
	From     string // the vantage point of checks from outside; may be empty
}

// Key identifies the finding from one run to the next: the same problem of the
// same name has the same key.
func (f Finding) Key() string {
	return f.Server + "/" + f.Site + "/" + f.Name + "/" + string(f.Code)
}

// WhoArg is the argument of a finding that names who acts, one of the values of
// Who as a string, where what is known decides that and not the code alone: the
// address is ours, a CDN is in between, the CA's own resolver failed. Texts may
// test it.
const WhoArg = "who"

// Who is the party that must take the next step.
func (f Finding) Who() Who {
	if who, ok := f.Args[WhoArg].(string); ok && slices.Contains(Parties(), Who(who)) {
		return Who(who)
	}
	return f.Code.Who()
}

// Failure says that a check could not look. It says nothing about the site or
// the server itself.
type Failure struct {
	Check  string
	Server string
	Site   string // empty: the server as a whole
	Name   string `json:",omitzero"` // the name concerned, if it is an alias; else empty
	Err    string
	Seen   bool   // what prevented the look is a finding itself: see ErrSeen
	Why    string `json:",omitzero"` // of an Away: a word of the catalogs, under "trouble."; else empty
}

// Metric is one of the counts of a panel, such as the number of failed
// certificates.
type Metric struct {
	Server string
	Code   Code
	Value  int
	Err    string // why it could not be counted; empty: Value is valid

	Excused int // of Value, those that an outage of the CA explains: they are counted and alert nobody
}

// Known reports whether the value could be counted.
func (m Metric) Known() bool { return m.Err == "" }

// Outcome is the result of one run of checks over one server.
type Outcome struct {
	Server   string
	Checks   []string // the checks that ran
	Findings []Finding
	Failures []Failure
}

// LookedAt reports whether this run checked the subject of the finding, so that
// the finding's absence in this run means that the problem is solved.
func (o Outcome) LookedAt(f Finding) bool {
	if f.Server != o.Server || !slices.Contains(o.Checks, f.Check) {
		return false
	}
	return !slices.ContainsFunc(o.Failures, func(x Failure) bool {
		return x.Check == f.Check && (x.Site == "" || x.Site == f.Site)
	})
}

// Verdict is the one root cause of a site's state. The other findings are
// evidence.
type Verdict struct {
	Code     Code
	Severity Severity
	Finding  Finding // zero for OK and Unknown
}

// Who is the party that must take the next step; Nobody if all is well.
func (v Verdict) Who() Who {
	if v.Finding.Code != v.Code {
		return v.Code.Who()
	}
	return v.Finding.Who()
}

// Checks on which later checks depend: if these could not look, a code that
// comes later in the order of Codes cannot be the root cause.
const (
	NamesCheck = "dns"     // determines the codes up to lastOfNames
	WayCheck   = "http-01" // determines the codes up to lastOfWay
)

// VantageCheck is the name of the check that compares what several vantage points
// saw, in findings: see package quorum.
const VantageCheck = "vantage"

// The last codes that these checks can find, in the order of Codes.
const (
	lastOfNames = DNSProxied
	lastOfWay   = WebIPv6
)

// Judge reduces the findings of one site to one root cause: the finding whose
// code comes first in the order of Codes, so that a cause hides its symptoms.
// Without findings the verdict is OK, but only if no check failed. It is
// Unknown if a check failed whose findings could have come before the cause.
// That vantage points disagree about a name is no cause beside a finding for which
// the CA would fail. That the CA refuses the site's own name whatever DNS says comes before all:
// such a name is not looked up.
func Judge(findings []Finding, failures []Failure) Verdict {
	for _, f := range findings {
		if f.Check == PolicyCheck && f.Name == "" {
			return Verdict{Code: f.Code, Severity: f.Severity, Finding: f}
		}
	}
	first, rank := firstVerdict.rank(), len(codeFacts)
	best := Verdict{Code: OK, Severity: Healthy}
	own := slices.ContainsFunc(findings, func(f Finding) bool { return f.Name == "" && f.Severity > Info && outside(f.Check) })
	for i := range findings {
		f := &findings[i]
		switch {
		case f.Severity <= Info && (outside(f.Check) || f.Code.ofWay()):
			continue // information only: nothing fails because of it
		case f.Check == VantageCheck && definite(findings):
			continue // the CA lets so few miss: another name is why it would fail
		case f.Name != "" && own:
			continue // findings at the site's own name come first
		}
		if r := f.Code.rank(); r >= first && r < rank {
			best, rank = Verdict{Code: f.Code, Severity: f.Severity, Finding: *f}, r
		}
	}
	for _, f := range failures {
		if f.Seen {
			continue // it says nothing of other causes, and is said itself
		}
		if best.Code == OK || rank > settled(f.Check) {
			return Verdict{Code: Unknown, Severity: Unknown.Severity()}
		}
	}
	return best
}

// outside reports whether a check looks from outside.
func outside(check string) bool { return check == NamesCheck || check == WayCheck }

// definite reports whether there is a finding at some name for which the CA would
// fail, as far as probes see that.
func definite(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity > Info && outside(f.Check) })
}

// ofWay reports whether a code is one of requests to the site.
func (c Code) ofWay() bool {
	r := c.rank()
	return r >= WebBlocked.rank() && r <= lastOfWay.rank()
}

// settled returns the rank of the last code that a check can find; later codes
// cannot be the cause if it failed. For a check on which no other depends, the
// result is beyond all ranks.
func settled(check string) int {
	switch check {
	case NamesCheck:
		return lastOfNames.rank()
	case WayCheck:
		return lastOfWay.rank()
	}
	return len(codeFacts)
}

// SortFindings orders findings worst first, then by site and code.
func SortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Site, b.Site), cmp.Compare(a.Code, b.Code))
	})
}
