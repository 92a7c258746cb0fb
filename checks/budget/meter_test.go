package budget

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"domovoy/checks"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func order(at time.Time, outcome checks.AttemptOutcome, names ...string) checks.Order {
	return checks.Order{Time: at, Names: names, Outcome: outcome}
}

func meter(t *testing.T) *Meter {
	t.Helper()
	return NewMeter(letsEncrypt(t), "isp1", noon)
}

func TestSubjectsOfNames(t *testing.T) {
	names := []string{"www.shop.ru", "shop.ru", "*.shop.ru", "www.blog.msk.ru"}
	if got := RegisteredDomains(names); !slices.Equal(got, []string{"blog.msk.ru", "shop.ru"}) {
		t.Error(got)
	}
	if got := SetOf([]string{"www.shop.ru", "shop.ru", "shop.ru"}); got != "shop.ru,www.shop.ru" {
		t.Error(got)
	}
}

// Renewals spend nothing of the account's limit, and are counted beside it for as
// long as they would have.
func TestRenewalsBesideTheLimit(t *testing.T) {
	m := meter(t)
	for _, ago := range []time.Duration{5 * time.Hour, 2 * time.Hour, time.Hour} {
		m.Add(checks.Order{Time: noon.Add(-ago), Outcome: checks.OutcomeFailed, Names: []string{"shop.ru"}, Renewal: true})
	}
	m.Add(order(noon.Add(-10*time.Second), checks.OutcomeIssued, "new.ru"))
	if b, _ := m.Budget("new_orders", "", noon); b.Renewals != 2 || b.Used != 1 || b.Window != 3*time.Hour {
		t.Errorf("%+v", b)
	}
	if b, _ := m.Budget("certificates_per_domain", "shop.ru", noon); b.Renewals != 0 {
		t.Errorf("of a domain: %+v", b)
	}
}

func TestWhatAnOrderSpends(t *testing.T) {
	failed, issued, other := checks.OutcomeFailed, checks.OutcomeIssued, checks.OutcomeOther
	for _, tt := range []struct {
		name   string
		orders []checks.Order
		want   map[string]int // tokens used, by limit and subject
	}{
		{"nothing", nil, map[string]int{"new_orders ": 0}},
		{"issued", []checks.Order{order(noon, issued, "shop.ru", "www.shop.ru")}, map[string]int{
			"new_orders ": 1, "certificates_per_domain shop.ru": 1, "certificates_per_set shop.ru,www.shop.ru": 1}},
		{"the same names again are a renewal", []checks.Order{order(noon, issued, "shop.ru"), order(noon, issued, "shop.ru")}, map[string]int{
			"new_orders ": 1, "certificates_per_domain shop.ru": 1, "certificates_per_set shop.ru": 2}},
		{"known to be one", []checks.Order{{Time: noon, Outcome: issued, Names: []string{"shop.ru"}, Renewal: true}}, map[string]int{
			"new_orders ": 0, "certificates_per_domain shop.ru": 0, "certificates_per_set shop.ru": 1}},
		{"other names are none", []checks.Order{order(noon, issued, "shop.ru"), order(noon, issued, "shop.ru", "www.shop.ru")}, map[string]int{
			"new_orders ": 2, "certificates_per_domain shop.ru": 2}},
		{"failed", []checks.Order{order(noon, failed, "shop.ru")}, map[string]int{
			"new_orders ": 1, "failed_authorizations shop.ru": 1, "consecutive_failures shop.ru": 1, "certificates_per_domain shop.ru": 0}},
		{"failed for one name of two", []checks.Order{{Time: noon, Outcome: failed, Names: []string{"a.ru", "b.ru"}, FailedNames: []string{"b.ru"}}}, map[string]int{
			"failed_authorizations a.ru": 0, "failed_authorizations b.ru": 1}},
		{"failed for nobody knows which", []checks.Order{order(noon, failed, "a.ru", "b.ru")}, map[string]int{
			"failed_authorizations a.ru": 1, "failed_authorizations b.ru": 1}},
		{"a success forgets failures, but not those of the hour", []checks.Order{order(noon, failed, "shop.ru"), order(noon, issued, "shop.ru")}, map[string]int{
			"failed_authorizations shop.ru": 1, "consecutive_failures shop.ru": 0}},
		{"neither", []checks.Order{order(noon, other, "shop.ru")}, map[string]int{"new_orders ": 1, "failed_authorizations shop.ru": 0}},
		{"refused", []checks.Order{{Time: noon, Names: []string{"shop.ru"}, Refused: &checks.Refusal{}}}, map[string]int{"new_orders ": 0}},
		{"names not known", []checks.Order{order(noon, failed)}, map[string]int{"new_orders ": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := meter(t)
			for _, o := range tt.orders {
				m.Add(o)
			}
			for bucket, want := range tt.want {
				var limit, subject string
				fmt.Sscan(bucket, &limit, &subject)
				if b, ok := m.Budget(limit, subject, noon.Add(time.Second)); !ok || b.Used != want || b.Left != b.Limit-want {
					t.Errorf("%s: %+v, want %d used", bucket, b, want)
				}
			}
		})
	}
}

func TestTokensComeBack(t *testing.T) {
	m := meter(t)
	for n := range 300 {
		m.Add(order(noon, checks.OutcomeOther, fmt.Sprintf("s%d.ru", n)))
	}
	at := noon.Add(grain)
	for _, tt := range []struct {
		after time.Duration
		left  int
		next  time.Duration // after noon; 0: full
	}{
		{0, 0, 36 * time.Second}, {35 * time.Second, 0, 36 * time.Second}, {36 * time.Second, 1, 72 * time.Second},
		{time.Hour, 100, time.Hour + 36*time.Second}, {3*time.Hour - time.Second, 299, 3 * time.Hour}, {3 * time.Hour, 300, 0},
	} {
		b, _ := m.Budget("new_orders", "", at.Add(tt.after))
		if b.Left != tt.left || !b.Refill.IsZero() && b.Refill.Sub(at) != tt.next || b.Refill.IsZero() != (tt.next == 0) {
			t.Errorf("after %s: %d left, next %s", tt.after, b.Left, b.Refill.Sub(at))
		}
		if b.Refill.IsZero() != b.Full.IsZero() || !b.Full.IsZero() && b.Full.Sub(at) != 3*time.Hour {
			t.Errorf("after %s: full %s", tt.after, b.Full)
		}
	}
}

func TestWhatALogCannotTell(t *testing.T) {
	at := noon.Add(grain)
	m := meter(t)
	m.Add(order(noon, checks.OutcomeFailed, "a.ru", "b.ru"))
	expect := func(limit, subject string, most, least bool, why string) {
		t.Helper()
		b, _ := m.Budget(limit, subject, at)
		if b.AtMost != most || b.AtLeast != least || b.Why != why {
			t.Errorf("%s %s: %+v", limit, subject, b)
		}
	}
	expect("new_orders", "", false, false, "")
	expect("certificates_per_domain", "a.ru", true, false, "accounts")
	expect("certificates_per_set", "a.ru", true, false, "accounts")
	expect("failed_authorizations", "a.ru", false, true, "failures")
	expect("failed_authorizations", "c.ru", false, false, "")
	m.Add(order(noon, checks.OutcomeFailed)) // of a deleted site
	expect("failed_authorizations", "c.ru", true, false, "names")
	expect("new_orders", "", false, false, "")
	at = at.Add(time.Hour)
	expect("failed_authorizations", "c.ru", false, false, "") // whichever name failed, its token has been regained
	expect("consecutive_failures", "c.ru", true, false, "names")
}

// Of old failures only the number is known.
func TestFailuresBeforeTheLog(t *testing.T) {
	for _, tt := range []struct {
		failures, days int
		used           int
		most           bool
	}{{600, 10, 590, true}, {10, 20, 0, false}, {5000, 10, 1152, true}} {
		m := meter(t)
		m.Before("bad.ru", tt.failures, noon.Add(-time.Duration(tt.days)*days), noon)
		if b, _ := m.Budget("consecutive_failures", "bad.ru", noon); b.Used != tt.used || b.AtMost != tt.most {
			t.Errorf("%d in %d days: %+v", tt.failures, tt.days, b)
		}
		if b, _ := m.Budget("failed_authorizations", "bad.ru", noon); b.Used != 0 {
			t.Errorf("those of the hour are long forgotten: %+v", b)
		}
		m.Add(order(noon, checks.OutcomeIssued, "bad.ru"))
		if b, _ := m.Budget("consecutive_failures", "bad.ru", noon.Add(grain)); b.Used != 0 || b.AtMost {
			t.Errorf("a success forgets them: %+v", b)
		}
	}
}

// What the CA says about a bucket replaces what the log adds up to.
func TestARefusalTeaches(t *testing.T) {
	at := noon.Add(grain)
	m := meter(t)
	until := noon.Add(2 * time.Hour)
	m.Add(checks.Order{Time: noon, Names: []string{"www.shop.ru"}, Refused: &checks.Refusal{Limit: "certificates_per_domain", Subject: "shop.ru", Until: until}})
	if b, _ := m.Budget("certificates_per_domain", "shop.ru", at); b.Left != 0 || b.Refill != until.Add(grain) {
		t.Errorf("%+v", b)
	}
	if got := m.Missing([]string{"new.shop.ru"}, at); len(got) != 1 || got[0].Subject != "shop.ru" {
		t.Errorf("%+v", got)
	}
	if got := m.Missing([]string{"new.shop.ru"}, until.Add(grain)); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	m.Add(checks.Order{Time: noon, Names: []string{"shop.ru"}, Refused: &checks.Refusal{Limit: "new_orders", Until: noon.Add(100 * 24 * time.Hour)}})
	if b, _ := m.Budget("new_orders", "", at.Add(37*time.Second)); b.Left != 1 {
		t.Errorf("no bucket is empty for months: %+v", b)
	}
}

func TestRenewalEndsWithItsWindow(t *testing.T) {
	m := meter(t)
	m.Known(checks.Order{Names: []string{"shop.ru"}, Time: noon.Add(-120 * 24 * time.Hour)})
	if !m.renewal([]string{"shop.ru"}, noon) || m.renewal([]string{"shop.ru"}, noon.Add(time.Second)) || m.renewal(nil, noon) {
		t.Error("a renewal is the same names within 120 days")
	}
}

func TestBudgetsBeginWithTheScarcest(t *testing.T) {
	m := meter(t)
	for range 4 {
		m.Add(order(noon, checks.OutcomeFailed, "bad.ru"))
	}
	m.Add(order(noon, checks.OutcomeIssued, "good.ru"))
	all := m.Budgets(noon.Add(grain))
	if all[0].Code != "failed_authorizations" || all[0].Subject != "bad.ru" || all[0].Left != 1 {
		t.Errorf("%+v", all[0])
	}
	if late := m.Budgets(noon.AddDate(4, 0, 0)); len(late) != 1 || late[0].Code != "new_orders" || late[0].Left != 300 {
		t.Errorf("only the account's is there when all are full: %+v", late)
	}
}

func TestForecast(t *testing.T) {
	// run adds n orders within the last period.
	run := func(n int, within time.Duration) []checks.Forecast {
		m := meter(t)
		for i := range n {
			at := noon.Add(-within + within*time.Duration(i)/time.Duration(n))
			m.Add(order(at, checks.OutcomeOther, fmt.Sprintf("s%d.ru", i)))
		}
		return m.Forecast(noon.Add(grain))
	}
	for _, tt := range []struct {
		n      int
		within time.Duration
		wait   time.Duration // until it is empty; 0: it is empty; -1: no forecast
	}{
		{0, time.Hour, -1},
		{70, time.Hour, -1},             // less than is regained
		{50, 2 * time.Minute, -1},       // less than a quarter
		{200, time.Hour, 2 * time.Hour}, // 100 an hour net; 200 left
		{200, 10 * time.Minute, 6 * time.Minute},
		{320, 10 * time.Minute, 0},
	} {
		got := run(tt.n, tt.within)
		if tt.wait < 0 {
			if len(got) > 0 {
				t.Errorf("%d in %s: %+v", tt.n, tt.within, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Code != checks.CABudget || got[0].At.IsZero() != (tt.wait == 0) {
			t.Fatalf("%d in %s: %+v", tt.n, tt.within, got)
		}
		if wait := got[0].At.Sub(noon); tt.wait > 0 && (wait-tt.wait).Abs() > 2*time.Minute {
			t.Errorf("%d in %s: gone in %s, want %s", tt.n, tt.within, wait, tt.wait)
		}
	}
}

func history(failures int, since, last, issued time.Duration) *checks.History {
	h := &checks.History{Failures: failures, Since: noon.Add(-since), Last: checks.LastTry{Time: noon.Add(-last)}}
	if issued > 0 {
		h.Issued = noon.Add(-issued)
	}
	return h
}

const days = 24 * time.Hour

func TestZombie(t *testing.T) {
	for _, tt := range []struct {
		name string
		h    *checks.History
		want bool
	}{
		{"no log", nil, false},
		{"a year without success", history(700, 365*days, time.Hour, 0), true},
		{"half a year since the last one", history(200, 100*days, time.Hour, 190*days), true},
		{"issued five months ago", history(200, 100*days, time.Hour, 150*days), false},
		{"nobody tries any more", history(700, 365*days, 4*days, 0), false},
		{"forgotten for long, and tried again since yesterday", history(3, days, time.Hour, 365*days), false},
		{"the log is young", history(300, 100*days, time.Hour, 0), false},
	} {
		if got := Zombie(tt.h, noon, 180*days); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

// The days follow from Let's Encrypt's numbers: 2 failures a day, 3.16 years;
// 10 a day, 128 days; 40 a day, 30 days; 120 a day, 10 days.
func TestPausing(t *testing.T) {
	ca := letsEncrypt(t)
	for _, tt := range []struct{ lately, days int }{{1, 0}, {2, 1152}, {10, 128}, {40, 29}, {120, 9}} {
		at, _, ok := ca.Pausing(history(1, 0, 0, 0), tt.lately, noon)
		if ok != (tt.days > 0) {
			t.Errorf("%d a day: %t", tt.lately, ok)
		}
		if got := int(at.Sub(noon) / days); ok && (got < tt.days-1 || got > tt.days) {
			t.Errorf("%d a day: in %d days, want %d", tt.lately, got, tt.days)
		}
	}
	if _, used, _ := ca.Pausing(history(500, 50*days, time.Hour, 0), 10, noon); used != 450 {
		t.Errorf("500 failures in 50 days: %d used", used)
	}
	if at, _, ok := ca.Pausing(history(5000, 50*days, time.Hour, 0), 100, noon); !ok || !at.Equal(noon) {
		t.Errorf("all are gone: %s", at)
	}
	if _, _, ok := ca.Pausing(history(500, 50*days, 4*days, 0), 10, noon); ok {
		t.Error("nobody tries any more")
	}
}

func TestReissue(t *testing.T) {
	at := noon.Add(grain)
	sets := func(n int, domain string) (all [][]string) {
		for i := range n {
			all = append(all, []string{fmt.Sprintf(domain, i)})
		}
		return all
	}
	for _, tt := range []struct {
		name   string
		sets   [][]string
		daily  float64
		orders int
		takes  time.Duration
	}{
		{"none", nil, 0, 0, 0},
		{"as many as leave a fifth", sets(240, "s%d.ru"), 0, 240, 0},
		{"a hundred more take an hour", sets(340, "s%d.ru"), 0, 340, time.Hour},
		{"beside 1200 others a day two", sets(340, "s%d.ru"), 1200, 340, 2 * time.Hour},
		{"others never take all", sets(250, "s%d.ru"), 9999, 250, time.Hour},
		{"of one domain fifty a week", sets(52, "s%d.shop.ru"), 0, 52, 2 * (3*time.Hour + 21*time.Minute + 36*time.Second)},
	} {
		p := meter(t).Reissue(tt.sets, tt.daily, at)
		if !p.Known || p.Orders != tt.orders || p.Takes != tt.takes {
			t.Errorf("%s: %+v", tt.name, p)
		}
	}
	m := meter(t)
	for range 5 {
		m.Add(checks.Order{Time: noon, Names: []string{"again.ru"}, Outcome: checks.OutcomeIssued})
	}
	p := m.Reissue([][]string{{"again.ru"}, {"new.ru"}}, 0, at)
	if p.Renewals != 1 || p.Spend != 1 || len(p.Waiting) != 1 || p.Takes != 33*time.Hour+36*time.Minute {
		t.Errorf("%+v", p)
	}
	if p := NewMeter(&CA{}, "isp1", noon).Reissue([][]string{{"a.ru"}}, 0, at); p.Known {
		t.Error("a CA that nobody knows")
	}
}
