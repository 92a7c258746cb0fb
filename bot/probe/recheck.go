package probe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"domovoy/checks"
	"domovoy/checks/pace"
	"domovoy/reports"
)

// RecheckDelay is the time from a doubtful result to the second probe: longer
// than a web server takes to restart, and than a resolver remembers a failure
// (RFC 9520 section 3.2).
const RecheckDelay = time.Minute

// doubt is a result that is not believed yet.
type doubt struct {
	subject checks.Subject
	first   checks.Probe
}

// passing reports whether a trouble may be gone a minute later by itself.
func passing(c checks.Code) bool {
	return slices.Contains([]checks.Code{checks.WebTimeout, checks.WebReset, checks.WebRefused, checks.WebError, checks.WebFlapping, checks.DNSServFail}, c)
}

// passes reports whether what a probe found may be gone a minute later by itself:
// some vantage points not getting through may, too.
func passes(p checks.Probe) bool {
	v := p.Verdict()
	return passing(v.Code) || v.Finding.Check == checks.VantageCheck
}

// doubtful reports whether a site that was fine at its last probe has a trouble
// now that may pass. A failure of name servers, and one to look them up, is
// doubted whatever was known before.
func doubtful(before checks.Probe, now checks.Probe) bool {
	was, is := before.Verdict().Code, now.Verdict().Code
	servers := slices.Contains([]checks.Code{checks.DNSServFail, checks.DNSLame, checks.DNSDNSSEC, checks.DNSCAABroken}, is) || blindLook(now)
	return !before.At.IsZero() && (was == checks.OK && passes(now) || was != is && servers)
}

// probeAgain probes the doubtful sites once more, each at least the delay after
// its first probe, and keeps what counts. So many that the cause is probably
// not theirs are believed as they are: to probe them all again would say
// nothing new about us. What the context cuts short does not count, since the
// next sweep begins with it.
func (r *round) probeAgain(ctx context.Context) error {
	if reports.Stormy(len(r.doubts), len(r.panel.State().Subjects)) {
		for _, d := range r.doubts {
			if blindLook(d.first) || ofNames(d.first.Verdict().Code) {
				continue // what was known stays: the name servers of so many do not fail at once
			}
			r.fresh[d.subject.Site.Name], r.all[d.subject.Site.Name] = d.first, d.first
		}
		return r.store(ctx)
	}
	slices.SortStableFunc(r.doubts, func(a, b doubt) int { return a.first.At.Compare(b.first.At) })
	group, probing := errgroup.WithContext(ctx)
	group.SetLimit(max(1, r.panel.Workers))
	for _, d := range r.doubts {
		if err := pace.Until(probing, d.first.At.Add(r.recheck)); err != nil {
			break
		}
		group.Go(func() error {
			result, _ := r.panel.Prober.Probe(probing, d.subject, false, time.Now())
			if probing.Err() != nil {
				return probing.Err()
			}
			return r.keep(ctx, d.subject.Site.Name, second(d.first, result))
		})
	}
	return cmp.Or(group.Wait(), ctx.Err())
}

// second is what counts of two results: the later one, with a note of what the
// earlier had. A trouble that passed stays as information.
func second(first, again checks.Probe) checks.Probe {
	was, is := first.Verdict(), again.Verdict()
	note := fmt.Sprintf("looked twice: %s at %s, %s at %s\n", was.Code, first.At.UTC().Format(time.RFC3339), is.Code, again.At.UTC().Format(time.RFC3339))
	again.Findings = slices.Clone(again.Findings)
	if is.Code == checks.OK {
		passed := was.Finding
		passed.Severity, passed.Detail = checks.Info, checks.Bound(note+passed.Detail)
		again.Findings = append(again.Findings, passed)
		return again
	}
	for i := range again.Findings {
		if f := &again.Findings[i]; f.Code == is.Code && f.Name == is.Finding.Name {
			f.Detail = checks.Bound(note + f.Detail)
		}
	}
	return again
}
