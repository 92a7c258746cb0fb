package boulder_test

import (
	"testing"
	"time"

	"domovoy/checks/lab/boulder"
)

const page = ": see https://letsencrypt.org/docs/rate-limits/#"

// TestLimits is each limit's text, and what helps.
func TestLimits(t *testing.T) {
	for name, row := range map[string]struct {
		use     func(ca *boulder.CA, c *raw, id int64) // what came before
		order   []string
		detail  string // of the order that is one too many
		seconds string // Retry-After
		wait    time.Duration
	}{
		"new orders": {func(ca *boulder.CA, c *raw, id int64) {
			for _, name := range boulder.Names(300, "shop.ru") {
				ca.Order(id, boulder.Wish{Names: []string{name}})
			}
		}, []string{"shop.ru"}, "too many new orders (300) from this account in the last 3h0m0s, retry after 2026-11-21 09:00:36 UTC" + page + "new-orders-per-account", "36", 36 * time.Second},
		"new orders are spent by an order that is used again": {func(ca *boulder.CA, c *raw, id int64) {
			for range 300 {
				ca.Order(id, boulder.Wish{Names: []string{"shop.ru"}})
			}
		}, []string{"shop.ru"}, "too many new orders (300) from this account in the last 3h0m0s, retry after 2026-11-21 09:00:36 UTC" + page + "new-orders-per-account", "36", 36 * time.Second},
		"failed authorizations, by deactivations": {func(ca *boulder.CA, c *raw, id int64) {
			for _, url := range ca.Populate(id, []string{"shop.ru"}, 6, boulder.Pending) {
				c.deactivate(url)
			}
		}, []string{"shop.ru", "www.shop.ru"}, `too many failed authorizations (5) for "shop.ru" in the last 1h0m0s, retry after 2026-11-21 09:12:00 UTC` + page + "authorization-failures-per-identifier-per-account", "720", 12 * time.Minute},
		"failed authorizations, by failures": {func(ca *boulder.CA, c *raw, id int64) {
			for range 5 {
				ca.Attempt(id, boulder.Wish{Names: []string{"*.shop.ru"}}, "*.shop.ru")
				ca.Expire(ca.Authorizations(id)[0].URL)
			}
		}, []string{"*.shop.ru"}, `too many failed authorizations (5) for "*.shop.ru" in the last 1h0m0s, retry after 2026-11-21 09:12:00 UTC` + page + "authorization-failures-per-identifier-per-account", "720", 12 * time.Minute},
		"certificates of a registered domain, over all accounts": {func(ca *boulder.CA, c *raw, _ int64) {
			for _, name := range boulder.Names(50, "shop.ru") {
				ca.Attempt(ca.Register(nil).ID, boulder.Wish{Names: []string{name}})
			}
		}, []string{"new.shop.ru"}, `too many certificates (50) already issued for "shop.ru" in the last 168h0m0s, retry after 2026-11-21 12:21:36 UTC` + page + "new-certificates-per-registered-domain", "12096", 7 * 24 * time.Hour / 50},
		"certificates of an exact set, though it is a renewal": {func(ca *boulder.CA, c *raw, _ int64) {
			for range 5 {
				ca.Attempt(ca.Register(nil).ID, boulder.Wish{Names: []string{"www.shop.ru", "shop.ru"}})
			}
		}, []string{"shop.ru", "www.shop.ru"}, `too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-11-22 18:36:00 UTC` + page + "new-certificates-per-exact-set-of-identifiers", "120960", 7 * 24 * time.Hour / 5},
		"of several limits the one that takes longest": {func(ca *boulder.CA, c *raw, id int64) {
			for _, url := range ca.Populate(id, []string{"shop.ru"}, 5, boulder.Pending) {
				ca.Deactivate(url)
			}
			for _, name := range boulder.Names(300, "shop.ru") {
				ca.Order(id, boulder.Wish{Names: []string{name}})
			}
		}, []string{"shop.ru"}, `too many failed authorizations (5) for "shop.ru" in the last 1h0m0s, retry after 2026-11-21 09:12:00 UTC` + page + "authorization-failures-per-identifier-per-account", "720", 12 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			ca := boulder.New(boulder.Options{Clock: clock.Now})
			c, id := enter(t, ca)
			row.use(ca, c, id)
			got := c.order(row.order...)
			if got.status != 429 || got.kind != "rateLimited" || got.problem != row.detail {
				t.Errorf("%d %s %q\nwant 429 rateLimited %q", got.status, got.kind, got.problem, row.detail)
			}
			if after := got.header.Get("Retry-After"); after != row.seconds {
				t.Errorf("Retry-After %q, want %q", after, row.seconds)
			}
			if links := got.header.Values("Link"); len(links) != 2 || links[1] != `<https://letsencrypt.org/docs/rate-limits>;rel="help"` {
				t.Errorf("links %v", links)
			}
			clock.advance(row.wait - time.Nanosecond)
			if got := c.order(row.order...); got.status != 429 {
				t.Errorf("just before the time: %d %s", got.status, got.text)
			}
			clock.advance(time.Nanosecond)
			if got := c.order(row.order...); got.status != 201 {
				t.Errorf("at the time: %d %s", got.status, got.text)
			}
		})
	}
}

// TestExempt is what an order spends of "new orders", and an issuing of the others.
func TestExempt(t *testing.T) {
	set := []string{"shop.ru", "www.shop.ru"}
	for name, row := range map[string]struct {
		wish                  func(ari string) boulder.Wish
		after                 time.Duration // since the certificate before
		orders, domain, exact int           // tokens spent
	}{
		"another set":            {func(string) boulder.Wish { return boulder.Wish{Names: []string{"shop.ru"}} }, 60 * 24 * time.Hour, 1, 1, 0},
		"the same set":           {func(string) boulder.Wish { return boulder.Wish{Names: set} }, 60 * 24 * time.Hour, 0, 0, 1},
		"the same set, too late": {func(string) boulder.Wish { return boulder.Wish{Names: set} }, 120*24*time.Hour + 1, 1, 1, 1},
		"by ARI":                 {func(ari string) boulder.Wish { return boulder.Wish{Names: set, Replaces: ari} }, 60 * 24 * time.Hour, 0, 0, 1},
		"by ARI, another set: issuing is counted": {func(ari string) boulder.Wish {
			return boulder.Wish{Names: []string{"shop.ru"}, Replaces: ari}
		}, 60 * 24 * time.Hour, 0, 1, 0},
		"by ARI, another set, not the time yet": {func(ari string) boulder.Wish {
			return boulder.Wish{Names: []string{"shop.ru"}, Replaces: ari}
		}, 24 * time.Hour, 1, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			ca := boulder.New(boulder.Options{Clock: clock.Now})
			_, id := enter(t, ca)
			first, p := ca.Attempt(id, boulder.Wish{Names: set})
			if p != nil {
				t.Fatal(p.Detail)
			}
			clock.advance(row.after)
			spent := func() [3]int {
				return [3]int{ca.Spent(boulder.NewOrders, id, ""), ca.Spent(boulder.CertificatesPerDomain, 0, "shop.ru"), ca.Spent(boulder.CertificatesPerSet, 0, "shop.ru,www.shop.ru")}
			}
			before := spent()
			if _, p := ca.Attempt(id, row.wish(first.Certificate)); p != nil {
				t.Fatal(p.Detail)
			}
			now := spent()
			got := [3]int{now[0] - before[0], now[1] - before[1], now[2] - before[2]}
			if want := [3]int{row.orders, row.domain, row.exact}; got != want {
				t.Errorf("spent %v of orders, domain, set; want %v", got, want)
			}
		})
	}
}

// TestRenewalPasses where new orders and the domain's certificates are used up, not where its names have failed.
func TestRenewalPasses(t *testing.T) {
	ca := boulder.New(boulder.Options{Clock: newClock().Now})
	_, id := enter(t, ca)
	for _, name := range boulder.Names(50, "shop.ru") {
		_, _ = ca.Attempt(id, boulder.Wish{Names: []string{name}})
	}
	for _, name := range boulder.Names(250, "other.ru") {
		_, _ = ca.Order(id, boulder.Wish{Names: []string{name}})
	}
	again := boulder.Wish{Names: []string{"site0001.shop.ru"}}
	if _, p := ca.Order(id, boulder.Wish{Names: []string{"new.example"}}); p == nil || p.Status != 429 {
		t.Errorf("a new set: %v", p)
	}
	if _, p := ca.Order(ca.Register(nil).ID, again); p != nil {
		t.Errorf("a renewal, though by another account: %s", p.Detail)
	}
	if _, p := ca.Order(id, again); p != nil {
		t.Errorf("a renewal: %s", p.Detail)
	}
	for _, url := range ca.Populate(id, again.Names, 5, boulder.Pending) {
		ca.Deactivate(url)
	}
	if _, p := ca.Order(id, again); p == nil || p.Status != 429 {
		t.Errorf("a renewal of a name that failed: %v", p)
	}
}

// TestARIKnowsNoLimit: in the window an order passes where each limit says no.
func TestARIKnowsNoLimit(t *testing.T) {
	clock := newClock()
	limits := boulder.Production()
	for name := range limits {
		limits[name] = boulder.Limit{Count: 1, Burst: 1, Period: 1000 * 24 * time.Hour}
	}
	ca := boulder.New(boulder.Options{Clock: clock.Now, Limits: limits})
	_, id := enter(t, ca)
	first, p := ca.Attempt(id, boulder.Wish{Names: []string{"shop.ru"}})
	if p != nil {
		t.Fatal(p.Detail)
	}
	clock.advance(60 * 24 * time.Hour)
	ca.Deactivate(ca.Populate(id, []string{"shop.ru"}, 1, "")[0])
	if _, p := ca.Order(id, boulder.Wish{Names: []string{"shop.ru"}}); p == nil || p.Status != 429 {
		t.Errorf("without ARI: %v", p)
	}
	if _, p := ca.Order(id, boulder.Wish{Names: []string{"shop.ru"}, Replaces: first.Certificate}); p != nil {
		t.Errorf("by ARI: %s", p.Detail)
	}
	if _, p := ca.Order(id, boulder.Wish{Names: []string{"shop.ru"}, Replaces: first.Certificate}); p == nil || p.Status != 409 {
		t.Errorf("a second time: %v", p)
	}
}

// TestRefund: an order that policy refuses costs nothing.
func TestRefund(t *testing.T) {
	ca := boulder.New(boulder.Options{Clock: newClock().Now, Forbidden: []string{"bank.ru"}})
	_, id := enter(t, ca)
	_, _ = ca.Order(id, boulder.Wish{Names: []string{"bank.ru"}})
	if left, _ := ca.Left(boulder.NewOrders, id, ""); left != 300 || ca.Spent(boulder.NewOrders, id, "") != 0 {
		t.Errorf("%d left", left)
	}
}

// TestConsecutiveFailures come back one a day, and all by a success.
func TestConsecutiveFailures(t *testing.T) {
	clock := newClock()
	ca := boulder.New(boulder.Options{Clock: clock.Now})
	_, id := enter(t, ca)
	left := func() int {
		n, _ := ca.Left(boulder.ConsecutiveFailures, id, "shop.ru")
		return n
	}
	for range 3 {
		ca.Deactivate(ca.Populate(id, []string{"shop.ru"}, 1, "")[0])
	}
	if n := left(); n != 1149 {
		t.Errorf("after three failures %d are left", n)
	}
	clock.advance(24 * time.Hour)
	if n := left(); n != 1150 {
		t.Errorf("a day later %d are left", n)
	}
	if _, p := ca.Attempt(id, boulder.Wish{Names: []string{"shop.ru"}}); p != nil {
		t.Fatal(p.Detail)
	}
	if n := left(); n != 1152 {
		t.Errorf("after a success %d are left", n)
	}
}

// BenchmarkHistory is fifty tries of one account, as a property test makes thousands of.
func BenchmarkHistory(b *testing.B) {
	names := boulder.Names(10, "shop.ru")
	for b.Loop() {
		now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
		ca := boulder.New(boulder.Options{Clock: func() time.Time { return now }})
		id := ca.Register(nil).ID
		for i := range 50 {
			now = now.Add(time.Minute)
			if i%3 == 0 {
				_, _ = ca.Attempt(id, boulder.Wish{Names: names[i%10 : i%10+1]}, names[i%10])
			} else {
				_, _ = ca.Attempt(id, boulder.Wish{Names: names[i%10 : i%10+1]})
			}
		}
	}
}
