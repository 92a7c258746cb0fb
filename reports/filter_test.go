package reports_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
)

func TestFilters(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	row := func(name, owner string, code checks.Code, days int) reports.Row {
		return reports.Row{Domain: name, Owner: owner, Server: "isp1", Code: code, Since: now.AddDate(0, 0, -days)}
	}
	over := row("over", "client2", checks.OK, 40)
	over.Was = checks.WebTimeout
	undated := row("undated", "client2", checks.CertName, 0)
	undated.Since = time.Time{}
	rows := []reports.Row{row("a", "client1", checks.CADNS, 31), row("b", "client1", checks.CADNS, 29), row("c", "", checks.CAPaused, 1), over, undated}
	for _, tt := range []struct {
		name   string
		filter reports.Filter
		want   string
	}{
		{"nothing", reports.Filter{}, "a b c over undated"},
		{"an owner's", reports.Filter{Owner: "client*"}, "a b over undated"},
		{"without an owner", reports.Filter{Owner: reports.NoOwner}, "c"},
		{"a family of causes", reports.Filter{Cause: "ca"}, "a b c"},
		{"two causes", reports.Filter{Cause: "ca.paused,cert"}, "c undated"},
		{"a problem that is over, by what it was", reports.Filter{Cause: "web"}, "over"},
		{"longer than a month; without a beginning it is not known", reports.Filter{Older: 30 * 24 * time.Hour, At: now}, "a over"},
		{"all of it", reports.Filter{Owner: "client1", Cause: "ca.dns", Server: "isp*", Older: 30 * 24 * time.Hour, At: now}, "a"},
		{"no more causes than the most frequent", reports.Filter{Cause: reports.CauseRest}, ""},
	} {
		if got := names(tt.filter.Of(rows)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The rest are the causes behind the most frequent ones, of what the filter leaves.
func TestRestOfTheCauses(t *testing.T) {
	var rows []reports.Row
	for n, code := range []checks.Code{checks.CADNS, checks.CACAA, checks.CATLS, checks.CAPaused, checks.CARemote, checks.CAInternal, checks.DNSCAA, checks.DNSPartly} {
		for range 9 - n {
			rows = append(rows, reports.Row{Domain: string(code), Owner: "many", Code: code})
		}
	}
	rows = append(rows, reports.Row{Domain: "few", Owner: "few", Code: checks.CADNS})
	if got, want := names(reports.Filter{Cause: reports.CauseRest}.Of(rows)), "dns.caa dns.caa dns.caa dns.partly dns.partly"; got != want {
		t.Errorf("the rest is %q, want %q", got, want)
	}
	if got := names(reports.Filter{Cause: reports.CauseRest, Owner: "few"}.Of(rows)); got != "" {
		t.Errorf("the rest of one cause is %q", got)
	}
}

func names(rows []reports.Row) string {
	var all []string
	for _, r := range rows {
		all = append(all, r.Domain)
	}
	return strings.Join(all, " ")
}

func TestByOwner(t *testing.T) {
	rows := []reports.Row{{Domain: "a1", Owner: "a"}, {Domain: "b1", Owner: "b"}, {Domain: "b2", Owner: "b"}, {Domain: "none"}}
	want := []reports.Row{{Domain: "b1", Owner: "b", Sites: 2}, {Domain: "none", Sites: 1}, {Domain: "a1", Owner: "a", Sites: 1}}
	if diff := cmp.Diff(want, reports.ByOwner(rows)); diff != "" {
		t.Error(diff)
	}
}

// Sites that could not be judged at the end of a week are known by name, to each
// manager their own; of snapshots from before names were kept only the number is.
func TestUnjudgedSitesOfAWeek(t *testing.T) {
	week, _ := reports.ISOWeek(2026, 46, time.UTC)
	h := reports.History{
		Tallies: []reports.Tally{{Server: "isp1", At: week.To, Sites: 9, Unknown: 2}, {Server: "isp2", At: week.To, Sites: 9, Unknown: 3}},
		Blind: []reports.BlindSite{{Server: "isp1", Site: "a.ru", Owner: "a", At: week.To}, {Server: "isp1", Site: "b.ru", Owner: "b", At: week.To},
			{Server: "isp2", Site: "before.ru", Owner: "a", At: week.From}},
	}
	for owner, want := range map[string][]reports.ServerWeek{
		"":  {{Name: "isp1", Sites: 9, Unknown: 2, Named: true, Days: 1}, {Name: "isp2", Sites: 9, Unknown: 3, Days: 1}},
		"a": {{Name: "isp1", Sites: 9, Unknown: 1, Named: true, Days: 1}, {Name: "isp2", Sites: 9, Unknown: 3, Days: 1}},
	} {
		var mine func(string) bool
		if owner != "" {
			mine = func(o string) bool { return o == owner }
		}
		r := reports.FoldWeek(h, week, mine)
		if diff := cmp.Diff(want, r.Servers); diff != "" {
			t.Errorf("of %q: %s", owner, diff)
		}
		if rows := r.List("unknown", reports.Filter{}); len(rows) != want[0].Unknown {
			t.Errorf("of %q %d are listed", owner, len(rows))
		}
	}
}
