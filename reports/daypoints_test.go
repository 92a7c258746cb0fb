package reports_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
)

// TestDayPoints draws five days of two sites: one fails from the third on, the
// other until the fourth. Of the second day there is no snapshot.
func TestDayPoints(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	bad := reports.SiteState{Code: checks.WebTimeout, Severity: checks.Warning}
	spell := func(site string, from, until time.Time, end reports.OutageEnd) reports.Outage {
		s := reports.Outage{Server: "isp1", SiteState: bad, From: from, Until: until, End: end}
		s.Site = site
		return s
	}
	h := reports.History{Outages: []reports.Outage{spell("a.ru", day(19), time.Time{}, ""), spell("b.ru", day(10), day(20), reports.EndFixed)}}
	for _, n := range []int{16, 17, 19, 20, 21} {
		h.Tallies = append(h.Tallies, reports.Tally{Server: "isp1", At: day(n)})
	}
	var got []string
	for _, p := range reports.DayPoints(h, day(21).Add(9*time.Hour), 5) {
		got = append(got, fmt.Sprintf("%s open %d added %d fixed %d %v", p.At.Format("02 15:04"), p.Open, p.Added, p.Fixed, p.Known))
	}
	want := []string{
		"18 00:00 open 1 added 0 fixed 0 false",
		"19 00:00 open 2 added 1 fixed 0 true",
		"20 00:00 open 1 added 0 fixed 1 true",
		"21 00:00 open 1 added 0 fixed 0 true",
		"21 09:00 open 1 added 0 fixed 0 false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
