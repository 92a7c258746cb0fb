package reports_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
)

func inZone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// Weeks are those of ISO 8601 in the zone: a year of 53 of them, one that
// begins in the year before, hours that are skipped or occur twice.
func TestISOWeek(t *testing.T) {
	for _, tt := range []struct {
		year, number int
		zone         string
		want         string // start, in UTC, and length in hours
	}{
		{2026, 46, "UTC", "2026-11-09 00:00 168h"},
		{2026, 46, "Europe/Moscow", "2026-11-08 21:00 168h"},
		{2026, 1, "UTC", "2025-12-29 00:00 168h"},
		{2026, 53, "UTC", "2026-12-28 00:00 168h"},
		{2027, 1, "UTC", "2027-01-04 00:00 168h"},
		{2025, 53, "UTC", ""},
		{2026, 54, "UTC", ""},
		{2026, 0, "UTC", ""},
		{2026, 13, "Europe/Berlin", "2026-03-22 23:00 167h"},
		{2026, 43, "Europe/Berlin", "2026-10-18 22:00 169h"},
		{2026, 36, "America/Santiago", "2026-08-31 04:00 167h"}, // a midnight that does not exist
	} {
		week, ok := reports.ISOWeek(tt.year, tt.number, inZone(t, tt.zone))
		got := ""
		if ok {
			got = fmt.Sprintf("%s %.0fh", week.From.UTC().Format("2006-01-02 15:04"), week.To.Sub(week.From).Hours())
			if same := reports.WeekOf(week.To.Add(-time.Nanosecond), week.From.Location()); same != week {
				t.Errorf("the end of %v is in %v", week, same)
			}
			if next := reports.WeekOf(week.To, week.From.Location()); next.Before() != week {
				t.Errorf("before %v is %v, want %v", next, next.Before(), week)
			}
		}
		if got != tt.want {
			t.Errorf("%d-W%02d in %s: %q, want %q", tt.year, tt.number, tt.zone, got, tt.want)
		}
	}
}

// TestWeekOfGaps composes a week in which snapshots are missing or could not
// read the panel: its basis, what it is compared with, and its rows.
func TestWeekOfGaps(t *testing.T) {
	week, _ := reports.ISOWeek(2026, 46, inZone(t, "Europe/Moscow"))
	day := func(n int) time.Time { return week.From.AddDate(0, 0, n) } // 7: the end of the week
	bad := reports.SiteState{Site: "a.ru", Code: checks.WebTimeout, Severity: checks.Warning}
	for _, tt := range []struct {
		name   string
		days   string // from the previous Monday on: + with problems, - without, . no snapshot, x the panel could not be read
		want   string
		points string // of the chart's last three weeks
	}{
		{"all there", "-------" + "---++++" + "+", "data 7, before 0, still open: new", "--+"},
		{"the end is missing", "-------" + "---++++" + ".", "data 6, before 0, still open: new", "--+"},
		{"the end could not be read", "-------" + "---++++" + "x", "data 6, before 0, unread, still open: new", "--+"},
		{"the beginning is missing", "-------" + "..-++++" + "+", "data 7, before -1, still open: new", "--+"},
		{"nothing before", "......." + "...++++" + "+", "data 7, before none, still open: still", "??+"},
		{"nothing at all", "-------" + "......." + ".", "data none, before -1, ", "--?"},
		{"trouble over a gap", "++++..." + "...++++" + "+", "data 7, before -4, still open: still", "+++"},
		{"fixed in a gap", "+++++++" + "+......" + "-", "data 7, before 0, over: fixed", "++-"},
		{"back", "-++----" + "----+++" + "+", "data 7, before 0, still open: back", "--+"},
		{"passing", "-------" + "--+++--" + "-", "data 7, before 0, over: passing", "---"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h reports.History
			for i, mark := range tt.days {
				at, s := day(i-7), bad
				switch mark {
				case '.':
					continue
				case 'x':
					h.Tallies = append(h.Tallies, reports.Tally{Server: "isp1", At: at, Unread: true})
					continue
				case '-':
					s = reports.SiteState{Site: "a.ru", Code: checks.OK}
				}
				h = h.With(reports.Tally{Server: "isp1", At: at, Sites: 1}, []reports.SiteState{s})
			}
			r := reports.FoldWeek(h, week, nil)
			moment := func(at time.Time) string {
				if at.IsZero() {
					return "none"
				}
				return fmt.Sprint(int(at.Sub(week.From).Hours() / 24))
			}
			got := fmt.Sprintf("data %s, before %s, ", moment(r.Data), moment(r.Before))
			for _, s := range r.Servers {
				if s.Unread {
					got += "unread, "
				}
			}
			for _, row := range r.Rows {
				if row.Change.Open() {
					got += "still open: " + string(row.Change)
				} else {
					got += "over: " + string(row.Change)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			var points []string
			for _, p := range r.Points[len(r.Points)-3:] {
				switch {
				case !p.Known:
					points = append(points, "?")
				case p.Open > 0:
					points = append(points, "+")
				default:
					points = append(points, "-")
				}
			}
			if diff := cmp.Diff(tt.points, strings.Join(points, "")); diff != "" {
				t.Errorf("points: %s", diff)
			}
		})
	}
}

// A call is for one customer, and who acts is what the snapshot says; of older
// snapshots, which do not say, what the code alone gives.
func TestCustomersToContact(t *testing.T) {
	week, _ := reports.ISOWeek(2026, 46, inZone(t, "UTC"))
	r := reports.Weekly{Week: week, Data: week.To}
	for _, x := range []reports.SiteState{
		{Site: "a.ru", Owner: "anna", Code: checks.DNSNXDomain},
		{Site: "b.ru", Owner: "boris", Code: checks.DNSNXDomain, Who: checks.Customer},
		{Site: "c.ru", Owner: "boris", Code: checks.WebTimeout, Who: checks.Customer}, // behind the customer's CDN
		{Site: "d.ru", Owner: "clara", Code: checks.DNSNXDomain, Who: checks.Us},
		{Site: "e.ru", Owner: "clara", Code: checks.WebTimeout},
	} {
		x.Since = week.From
		r.Rows = append(r.Rows, reports.WeekRow{Server: "isp1", SiteState: x, Change: reports.WeekNew})
	}
	var got []string
	for _, c := range r.Callers() {
		line := c.Owner + ":"
		for _, s := range c.Sites {
			line += " " + s.Site
		}
		got = append(got, line)
	}
	if diff := cmp.Diff([]string{"boris: b.ru c.ru", "anna: a.ru"}, got); diff != "" {
		t.Error(diff)
	}
	if rows := r.List("call", reports.Filter{}); len(rows) != 3 {
		t.Errorf("the list has %d sites: %v", len(rows), rows)
	}
}

// A site is to be switched off only if its owner seems to have given it up: never
// for a fault of ours or of the CA, however old, nor for a paid domain that the
// registry stopped.
func TestWhatMayBeSwitchedOff(t *testing.T) {
	week, _ := reports.ISOWeek(2026, 46, inZone(t, "UTC"))
	old, soon := week.To.AddDate(-1, 0, 0), week.To.AddDate(0, 0, 20)
	r := reports.Weekly{Week: week, Data: week.To}
	for _, x := range []reports.SiteState{
		{Site: "free.ru", Code: checks.DNSUnregistered, Who: checks.Us},
		{Site: "unpaid.ru", Code: checks.DNSUndelegated, Free: soon},
		{Site: "stopped.ru", Code: checks.DNSUndelegated},
		{Site: "away.ru", Code: checks.DNSElsewhere, Since: old},
		{Site: "away-lately.ru", Code: checks.DNSElsewhere},
		{Site: "theirs.ru", Code: checks.CAUnauthorized, Who: checks.Customer, Since: old},
		{Site: "own-404.ru", Code: checks.CAUnauthorized, Who: checks.Us, Since: old},
		{Site: "of-the-ca.ru", Code: checks.CAInternal, Who: checks.CA, Since: old},
		{Site: "own-client.ru", Code: checks.CAClient, Since: old},
	} {
		if x.Since.IsZero() {
			x.Since = week.From
		}
		r.Rows = append(r.Rows, reports.WeekRow{Server: "isp1", SiteState: x, Change: reports.WeekStill})
	}
	names := func(rows []reports.WeekRow) string {
		var all []string
		for _, x := range rows {
			all = append(all, x.Site)
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	if got := names(r.ToSwitchOff()); got != "away.ru free.ru theirs.ru unpaid.ru" {
		t.Errorf("to switch off: %s", got)
	}
	if got := names(r.FreeNames()); got != "free.ru unpaid.ru" {
		t.Errorf("free: %s", got)
	}
	if got := names(r.ToCall()); got != "away-lately.ru stopped.ru" {
		t.Errorf("to call: %s", got)
	}
}
