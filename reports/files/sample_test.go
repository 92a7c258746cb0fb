package files

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// monday is the time of tests: the morning after the week of the report.
var monday = time.Date(2026, 11, 16, 6, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func moscow(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

// catalogs are read once: they are the same for all tests.
var catalogs = sync.OnceValues(i18n.Load)

// writer returns a Writer in a language on that morning.
func writer(tb testing.TB, language string) compose.Writer {
	tb.Helper()
	bundle, err := catalogs()
	if err != nil {
		tb.Fatal(err)
	}
	return compose.Writer{Locale: bundle.Locale(language, moscow(tb)), Now: monday}
}

// hostile are names that would break a cell, markup or page without escaping.
var hostile = struct{ formula, markup, spread, control string }{
	formula: `=HYPERLINK("http://127.0.0.1:1/leak","click")`,
	markup:  `</script><img src=http://127.0.0.1:1/leak onerror=alert(1)>`,
	spread:  "user\u202Egnp.exe;\"a\nb\"",
	control: "a\x00b\x1b[31m\xff",
}

// sample is a week of a panel with five codes, two servers, an IDN, and
// customers whose names are formulas and markup.
func sample(tb testing.TB) reports.Weekly {
	week, _ := reports.ISOWeek(2026, 46, moscow(tb))
	end := week.To
	row := func(server, site, owner string, code checks.Code, change reports.WeekChange, days int) reports.WeekRow {
		r := reports.WeekRow{Server: server, Change: change,
			SiteState: reports.SiteState{Since: end.Add(-time.Duration(days) * day), Exact: true, Site: site, Owner: owner, Code: code, Severity: code.Severity()}}
		if !change.Open() {
			r.Until = end.Add(-2 * day)
		}
		if change == reports.WeekStill || change == reports.WeekFixed || change == reports.WeekLeft {
			r.Was = code
		}
		return r
	}
	rows := []reports.WeekRow{
		row("isp1", "shop.example.ru", "client17", checks.CertExpired, reports.WeekNew, 2),
		row("isp1", "limited.example.ru", "client17", checks.CARateLimited, reports.WeekNew, 1),
		row("isp1", "xn--e1afmkfd.xn--p1ai", hostile.formula, checks.DNSUnregistered, reports.WeekStill, 44),
		row("isp2", "client.example.com", hostile.markup, checks.DNSElsewhere, reports.WeekBack, 3),
		row("isp2", "a-very-long-label-of-sixty-three-characters-is-the-most-allowed.a-very-long-label-of-sixty-three-characters-is-the-most-allowed.example.com",
			hostile.spread, checks.DNSElsewhere, reports.WeekStill, 44),
		row("isp1", "blocked.example.com", "+7 495 000-00-00", checks.WebTimeout, reports.WeekCause, 12),
		row("isp1", "caa.example.com", hostile.control, checks.DNSCAA, reports.WeekNew, 5),
		row("isp1", "_x0041_.example.com", "_x0041_ & \"sons\"", checks.DNSCAA, reports.WeekStill, 31),
		row("isp1", "paused.example.com", "client17", checks.CAPaused, reports.WeekNew, 4),
		row("isp1", "nobody.example.com", "", checks.DNSCAA, reports.WeekStill, 31),
		row("isp1", "fixed.example.com", "@client3", checks.DNSElsewhere, reports.WeekFixed, 20),
		row("isp1", "left.example.com", "-client4", checks.WebTimeout, reports.WeekLeft, 60),
		row("isp2", "passing.example.com", "client17", checks.WebTimeout, reports.WeekPassing, 4),
	}
	rows[0].Expires = end.Add(-2 * day)
	rows[2].Free = time.Date(2026, 12, 14, 0, 0, 0, 0, time.UTC)
	rows[3].To, rows[3].Expires = "Beget", end.Add(20*day)
	rows[5].Was = checks.DNSNXDomain
	return reports.Weekly{
		Week: week, Data: end, Before: week.From, Rules: "1.4.0",
		Servers: []reports.ServerWeek{{Name: "isp1", Sites: 3012, Unknown: 6, Days: 7}, {Name: "isp2", Sites: 400, Unread: true, Days: 5}},
		Rows:    rows, Points: weekPoints(week), Drop: aliases(end), Endings: endings(end),
	}
}

// endings are registrations that end: one that is parked, one whose owner is not
// identified, and one of ours.
func endings(at time.Time) []reports.Ending {
	return []reports.Ending{
		{Server: "isp1", Site: "xn--e1afmkfd.xn--p1ai", Owner: "client7", Domain: "xn--e1afmkfd.xn--p1ai", Ends: at.AddDate(0, 0, -2), Free: at.AddDate(0, 0, 29), Parking: "REG.RU", Who: checks.Customer, At: at},
		{Server: "isp1", Site: "blog.shop.ru", Owner: "client17", Domain: "shop.ru", Ends: at.AddDate(0, 0, 14), Free: at.AddDate(0, 0, 45), Unverified: true, Who: checks.Customer, At: at},
		{Server: "isp2", Site: "=ours.by", Domain: "ours.by", Ends: at.AddDate(0, 0, 20), Who: checks.Us, At: at},
	}
}

// aliases are a site that passes without two of its aliases, and one of which
// that is not known.
func aliases(at time.Time) *reports.Dropping {
	return &reports.Dropping{At: at,
		Rows: []reports.Row{{Domain: "shop.example.ru", Owner: "client17", Server: "isp1", Code: checks.DNSElsewhere, Names: &reports.Names{
			Pass: []string{"shop.example.ru", "www.shop.example.ru"},
			Dead: []reports.DeadName{{Name: "old.example.ru", Code: checks.DNSElsewhere}, {Name: "xn--e1afmkfd.xn--p1ai", Code: checks.DNSUnregistered}}}}},
		Others: []reports.Row{{Domain: "client.example.com", Owner: hostile.markup, Server: "isp2", Code: checks.Unknown, Names: &reports.Names{
			Pass: []string{"client.example.com"}, Dead: []reports.DeadName{{Name: "old.example.com", Code: checks.DNSNXDomain}}, Unknown: []string{"www.client.example.com"}}}},
		Prices: []reports.ReissueServer{{Server: "isp1", Oldest: at.Add(-3 * time.Hour), Price: checks.Price{Orders: 1, Spend: 1, Known: true}}},
	}
}

// weekPoints returns twelve weeks: two before the first snapshot, and one
// without a snapshot.
func weekPoints(week reports.Week) []reports.WeekPoint {
	open := []int{0, 0, 13, 12, 14, 0, 12, 11, 12, 9, 7, 9}
	points := make([]reports.WeekPoint, len(open))
	for i, n := range open {
		points[i] = reports.WeekPoint{At: week.From.AddDate(0, 0, 7*(i-10)), Known: n > 0}
		if n > 0 {
			points[i].Open, points[i].Added, points[i].Fixed = n, i*4%5, i*3%4
		}
	}
	return points
}

// days returns thirty days, one of them without a snapshot.
func days(tb testing.TB) []reports.DayPoint {
	first := time.Date(2026, 10, 18, 0, 0, 0, 0, moscow(tb))
	points := make([]reports.DayPoint, 30)
	for i := range points {
		points[i] = reports.DayPoint{At: first.AddDate(0, 0, i), Open: 96 + i*7%19, Added: i * 3 % 11, Fixed: i * 5 % 13, Known: i != 17}
	}
	return points
}

// many is a report of n rows, in the proportions of a panel with many problems.
func many(tb testing.TB, n int) reports.Weekly {
	r := sample(tb)
	codes := []checks.Code{checks.CertExpired, checks.DNSUnregistered, checks.DNSElsewhere, checks.DNSElsewhere, checks.DNSElsewhere, checks.WebTimeout, checks.DNSCAA}
	changes := []reports.WeekChange{reports.WeekStill, reports.WeekStill, reports.WeekNew, reports.WeekStill, reports.WeekFixed}
	r.Rows = make([]reports.WeekRow, n)
	for i := range r.Rows {
		code, change := codes[i%len(codes)], changes[i%len(changes)]
		row := reports.WeekRow{Server: "isp1", Change: change,
			SiteState: reports.SiteState{Since: r.Data.Add(-time.Duration(i%300) * day), Exact: true, Site: fmt.Sprintf("site%d.example.ru", i), Owner: fmt.Sprintf("client%d", i%4000), Code: code, Severity: code.Severity()}}
		if code == checks.DNSElsewhere {
			row.Expires = r.Data.Add(time.Duration(i%80) * day)
		}
		if change == reports.WeekFixed {
			row.Until = r.Data.Add(-day)
		}
		r.Rows[i] = row
	}
	return r
}
