package compose

import (
	"testing"

	"domovoy/checks"
	"domovoy/reports"
)

// The answer of a week: how many, how that changed, who acts, what was not looked at.
func TestWeekAnswer(t *testing.T) {
	week := reports.WeekOf(noon, noon.Location()).Before()
	row := func(owner string, code checks.Code, days int) reports.WeekRow {
		return reports.WeekRow{Change: reports.WeekStill, SiteState: reports.SiteState{Owner: owner, Code: code, Since: week.To.AddDate(0, 0, -days)}}
	}
	rows := []reports.WeekRow{
		row("a", checks.CertMissing, 3), row("b", checks.CertExpired, 3), row("a", checks.DNSCAA, 3), row("c", checks.DNSElsewhere, 3),
		row("d", checks.DNSElsewhere, 90), // abandoned: it is for us to switch it off
		row("e", checks.CARateLimited, 1),
	}
	points := make([]reports.WeekPoint, reports.QuarterWeeks+1)
	for i := range points {
		points[i] = reports.WeekPoint{Open: i, Known: true}
	}
	late := make([]reports.WeekPoint, len(points))
	copy(late[9:], points[9:])
	panels := []reports.ServerWeek{{Name: "isp1", Sites: 1500}, {Name: "isp2", Sites: 500}}
	for name, tt := range map[string]struct {
		week   reports.Weekly
		en, ru string
	}{
		"a quarter": {reports.Weekly{Data: week.To, Before: week.From, Rows: rows, Points: points, Servers: panels},
			"6 of 2,000 sites with problems, no change this week, +13 this quarter. To do: 3 for the engineer on call, 2 for 2 customers. 1 can only wait.",
			"6 из 2\u00a0000 сайтов с проблемами, за неделю без изменений, за квартал +13. Сделать: дежурному 3, клиентам 2 (2 клиента). Остаётся ждать: 1."},
		"a few weeks, of one manager's customers": {reports.Weekly{Data: week.To, Rows: rows[:1], Points: late, Servers: panels, Manager: "telegram:1"},
			"1 site with problems, +4 in 4 weeks. To do: 1 for the engineer on call.",
			"1 сайт с проблемами, за 4 недели +4. Сделать: дежурному 1."},
		"nothing wrong, but not everything was looked at": {reports.Weekly{Data: week.To, Servers: []reports.ServerWeek{{Name: "isp1", Unknown: 5}, {Name: "isp2", Unread: true}}},
			"No sites have problems. isp2: the panel could not be read. 5 sites could not be checked.",
			"Сайтов с проблемами нет. isp2: панель прочитать не удалось. Не удалось проверить 5 сайтов."},
		"no snapshot": {reports.Weekly{}, "There is no snapshot of this week, so there is no data on it.", "За эту неделю нет ни одного снимка, данных о ней нет."},
	} {
		for lang, want := range map[string]string{"en": tt.en, "ru": tt.ru} {
			if got := WeekAnswer(writer(t, lang), tt.week); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}
