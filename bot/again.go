package bot

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"domovoy/checks"
	"domovoy/reports"
)

// Apart is how far a second look is from the first: longer than a web server
// takes to come up again, and than a resolver remembers a failure (RFC 9520
// section 3.2).
const Apart = time.Minute

// doubt is a look that is not believed yet.
type doubt struct {
	subject checks.Subject
	first   reports.Look
}

// passing reports whether a trouble may be gone a minute later by itself.
func passing(c checks.Code) bool {
	return slices.Contains([]checks.Code{checks.WebTimeout, checks.WebReset, checks.WebRefused, checks.WebError, checks.WebFlapping, checks.DNSServFail}, c)
}

// doubtful reports whether a site that was fine at its last look shows a
// trouble now that may pass.
func doubtful(before reports.Look, now reports.Look) bool {
	return !before.At.IsZero() && verdictOf(before).Code == checks.OK && passing(verdictOf(now).Code)
}

func verdictOf(l reports.Look) checks.Verdict { return checks.Judge(l.Findings, l.Failures) }

// lookAgain looks once more at the sites in doubt, each at least so long after
// its first look, and keeps what counts. So many that it is hardly they who
// changed are believed as they are: to look at them all again would tell
// nothing new of us. What the context cut short counts not at all, for the
// next sweep begins with it.
func (r *round) lookAgain(ctx context.Context) error {
	if reports.Stormy(len(r.doubts), len(r.panel.state().Subjects)) {
		for _, d := range r.doubts {
			r.fresh[d.subject.Site.Name], r.all[d.subject.Site.Name] = d.first, d.first
		}
		return r.store(ctx)
	}
	slices.SortStableFunc(r.doubts, func(a, b doubt) int { return a.first.At.Compare(b.first.At) })
	group, looking := errgroup.WithContext(ctx)
	group.SetLimit(max(1, r.panel.Workers))
	for _, d := range r.doubts {
		if err := until(looking, d.first.At.Add(r.apart)); err != nil {
			break
		}
		group.Go(func() error {
			now := time.Now()
			seen := r.panel.Live.Look(looking, d.subject, false, now)
			if looking.Err() != nil {
				return looking.Err()
			}
			return r.keep(ctx, d.subject.Site.Name, second(d.first, lookOf(seen, now)))
		})
	}
	return cmp.Or(group.Wait(), ctx.Err())
}

// until waits for a moment.
func until(ctx context.Context, at time.Time) error {
	wait := time.NewTimer(time.Until(at))
	defer wait.Stop()
	select {
	case <-wait.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// second is what counts of two looks: the later one, which tells what the
// earlier had seen. A trouble that passed stays as something worth knowing.
func second(first, again reports.Look) reports.Look {
	was, is := verdictOf(first), verdictOf(again)
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
