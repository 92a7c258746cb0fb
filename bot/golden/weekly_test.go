package golden

import (
	"fmt"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// weeklyCases are weekly reports.
func weeklyCases() map[string]message {
	week, _ := reports.ISOWeek(2026, 46, time.UTC)
	weekly := func(change func(*reports.Weekly)) message {
		r := reports.Weekly{Week: week, Data: week.To, Before: week.From, Rules: "3fa9c1d2", Rows: weekRows(week),
			Servers: []reports.ServerWeek{{Name: "isp1", Sites: 2000, Unknown: 6, Days: 7}, {Name: "isp2", Sites: 1412, Days: 7}}}
		change(&r)
		return func(w compose.Writer) reports.Message { return w.Weekly(r) }
	}
	return map[string]message{
		"weekly":        weekly(func(*reports.Weekly) {}),
		"weekly.first":  weekly(func(r *reports.Weekly) { r.Before = time.Time{} }),
		"weekly.calm":   weekly(func(r *reports.Weekly) { r.Rows = nil }),
		"weekly.now":    weekly(func(r *reports.Weekly) { r.Week, _ = reports.ISOWeek(2026, 47, time.UTC); r.Data = now }),
		"weekly.months": weekly(func(r *reports.Weekly) { r.Week, _ = reports.ISOWeek(2026, 44, time.UTC) }),
		"weekly.nodata": weekly(func(r *reports.Weekly) {
			r.Rows, r.Data, r.Servers = nil, time.Time{}, r.Servers[:0]
		}),
		"weekly.unread":  weekly(func(r *reports.Weekly) { r.Servers[1] = reports.ServerWeek{Name: "isp2", Unread: true} }),
		"weekly.manager": weekly(func(r *reports.Weekly) { r.Manager = "telegram:123456789" }),
		"weekly.orphans": weekly(func(r *reports.Weekly) { r.Orphans = []string{"client7", "client9"} }),
	}
}

// weekRows are a few dozen sites in every kind of change.
func weekRows(week reports.Week) []reports.WeekRow {
	codes := []checks.Code{checks.DNSElsewhere, checks.WebTimeout, checks.DNSUnregistered, checks.CertExpired, checks.DNSUndelegated}
	changes := []reports.WeekChange{reports.WeekStill, reports.WeekNew, reports.WeekStill, reports.WeekBack, reports.WeekCause, reports.WeekFixed, reports.WeekLeft, reports.WeekPassing}
	var rows []reports.WeekRow
	for i := range 40 {
		code := codes[i%len(codes)]
		row := reports.WeekRow{Server: "isp1", Change: changes[i%len(changes)], Since: week.From.AddDate(0, 0, -7*i),
			Standing: reports.Standing{Site: fmt.Sprintf("shop%d.ru", i), Owner: fmt.Sprintf("client%d", i%7), Code: code, Severity: code.Severity()}}
		if i == 0 {
			row.Site = "xn--e1afmkfd.xn--p1ai"
		}
		if code == checks.DNSUndelegated {
			row.Free = week.To.AddDate(0, 0, i)
		}
		if i%3 == 0 {
			row.Expires = week.To.AddDate(0, 0, 3+i)
		}
		if row.Change == reports.WeekStill || row.Change == reports.WeekCause || row.Change == reports.WeekFixed || row.Change == reports.WeekLeft {
			row.Was = code
		}
		rows = append(rows, row)
	}
	return rows
}
