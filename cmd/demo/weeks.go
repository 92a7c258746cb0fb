package main

import (
	"context"
	"hash/fnv"
	"time"

	"domovoy/checks"
	"domovoy/cmd/internal/app"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// remembered is how many days the demo's reports look back on: a chart of
// twelve weeks, and the week before it.
const remembered = 13 * 7

// remember gives the panel a past, a snapshot a midnight: what is wrong now
// began at some time, and of what is well now something was wrong before.
func remember(ctx context.Context, a *app.App, now time.Time) error {
	snapshots, err := a.Standings(ctx)
	if err != nil {
		return err
	}
	for back := remembered; back >= 0; back-- {
		at := time.Date(now.Year(), now.Month(), now.Day()-back, 0, 0, 0, 0, now.Location())
		for _, s := range snapshots {
			if err := a.Remember(ctx, past(s, at, back)); err != nil {
				return err
			}
		}
	}
	return nil
}

// past is a snapshot as it was on a midnight, so many days back.
func past(s journal.Snapshot, at time.Time, back int) journal.Snapshot {
	s.At = at
	was := make([]reports.SiteState, len(s.States))
	for i, x := range s.States {
		was[i] = before(x, at, back)
	}
	s.States = was
	return s
}

// before is how a site stood then. Its name alone decides what became of it,
// so that each run of the demo tells the same.
func before(x reports.SiteState, at time.Time, back int) reports.SiteState {
	n := dice(x.Site)
	logged := !x.Since.IsZero() && at.AddDate(0, 0, back-1).After(x.Since) // not just seen when the watch began
	switch began, lasted := int(n%(2*remembered)), 1+int(n/7%40); {
	case x.Severity >= checks.Warning && (logged && x.Since.After(at) || !logged && began < back):
		x.Code, x.Severity = checks.OK, checks.Healthy
	case x.Code == checks.OK && n%9 == 0 && began >= back && began-lasted < back && began > lasted:
		codes := []checks.Code{checks.DNSElsewhere, checks.WebTimeout, checks.DNSNoAddress, checks.CertOverdue}
		x.Code = codes[n/11%uint32(len(codes))]
		x.Severity = x.Code.Severity()
	}
	return x
}

// dice is a number that a name always throws.
func dice(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return h.Sum32()
}
