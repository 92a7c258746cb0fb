package suite

import (
	"context"
	"errors"
	"slices"
	"time"

	"domovoy/checks"
)

// Series runs the checks of sites on one server repeatedly, each time only on
// the sites that changed: of ten thousand sites, a few dozen differ from one
// reading to the next. The zero Series has run nothing. It is not safe for
// concurrent use; the outcomes that it returned are, and a caller may append to
// them.
type Series struct {
	Spare    int // number of findings that the caller will append: an outcome has capacity for them
	subjects []checks.Subject
	ends     []end // by subject, in last
	last     checks.Outcome
	looked   []string
}

// end is the index after a subject's findings and failures in an outcome.
type end struct{ findings, failures int }

// RunAll runs every check on every site, because results change with time alone.
func (s *Series) RunAll(ctx context.Context, list []checks.Check, server string, subjects []checks.Subject, now time.Time) checks.Outcome {
	s.subjects, s.ends = nil, nil
	return s.Run(ctx, list, server, subjects, now)
}

// Run runs the checks on the sites that are new or changed since the last run,
// compared by their index in subjects; for the others it keeps the results. A
// check that panics on a site affects only that site. Checks of the list that
// look from outside or are not of a site are left out.
func (s *Series) Run(ctx context.Context, list []checks.Check, server string, subjects []checks.Subject, now time.Time) checks.Outcome {
	out := checks.Outcome{Server: server, Findings: make([]checks.Finding, 0, len(s.last.Findings)+s.Spare+64)}
	list = slices.DeleteFunc(slices.Clone(list), func(c checks.Check) bool { return !sees(c, false, checks.ScopeSite) })
	for _, c := range list {
		out.Checks = append(out.Checks, c.Name)
	}
	t := checks.Target{Server: server, Now: now}
	ends := make([]end, len(subjects))
	s.looked = nil
	for i := range subjects {
		if i < len(s.subjects) && same(&s.subjects[i], &subjects[i]) {
			s.keep(&out, i)
		} else {
			t.Subject = subjects[i]
			inspect(ctx, &out, list, &t)
			s.looked = append(s.looked, subjects[i].Site.Name)
		}
		ends[i] = end{len(out.Findings), len(out.Failures)}
	}
	s.subjects, s.ends, s.last = subjects, ends, out
	return out
}

// inspect runs the checks on one site.
func inspect(ctx context.Context, out *checks.Outcome, list []checks.Check, t *checks.Target) {
	for _, c := range list {
		found, err := run(ctx, c, t)
		if err != nil && !errors.Is(err, checks.ErrNothing) {
			out.Failures = append(out.Failures, checks.Failure{Check: c.Name, Server: t.Server, Site: t.Site.Name, Err: err.Error()})
		}
		for _, f := range found {
			f.Check = c.Name
			out.Findings = append(out.Findings, ofSite(f, t.Server, t.Site))
		}
	}
}

// Looked returns the names of the sites on which the last Run or RunAll ran the
// checks.
func (s *Series) Looked() []string { return s.looked }

// keep copies the last results of a subject.
func (s *Series) keep(out *checks.Outcome, i int) {
	var from end
	if i > 0 {
		from = s.ends[i-1]
	}
	to := s.ends[i]
	out.Findings = append(out.Findings, s.last.Findings[from.findings:to.findings]...)
	out.Failures = append(out.Failures, s.last.Failures[from.failures:to.failures]...)
}

// same reports whether two subjects are equal for the checks. Certificates and
// files are compared by value, because each reading makes new ones; a history
// is replaced when there is a new attempt, so pointers are compared.
func same(a, b *checks.Subject) bool {
	return sameSite(a.Site, b.Site) && a.History == b.History && sameValue(a.Certificate, b.Certificate) &&
		sameValue(a.Order, b.Order) && sameValue(a.File, b.File) && sameError(a.FileErr, b.FileErr) && a.Cluster.Same(b.Cluster)
}

func sameSite(a, b *checks.Site) bool {
	if a == b {
		return true // sites that did not change are shared by snapshots
	}
	return a.ID == b.ID && a.Server == b.Server && a.Node == b.Node && a.Name == b.Name && a.Owner == b.Owner && a.Certificate == b.Certificate &&
		a.Active == b.Active && a.Secure == b.Secure && a.Redirect == b.Redirect &&
		slices.Equal(a.Aliases, b.Aliases) && slices.Equal(a.Addresses, b.Addresses)
}

func sameValue[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// sameError compares the texts: not every error value is comparable.
func sameError(a, b error) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error()
}
