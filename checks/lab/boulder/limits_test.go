package boulder_test

import (
	"testing"
	"time"

	"domovoy/checks/lab/boulder"
)

const page = ": see https://letsencrypt.org/docs/rate-limits/#"

// TestLimits checks each limit's text, and when it allows requests again.
func TestLimits(t *testing.T) {
	for name, row := range map[string]struct {
		use     func(ca *boulder.CA, c *raw, id int64) // makes the requests before
		order   []string
		detail  string // of the order that exceeds the limit
		seconds string // Retry-After
		wait    time.Duration
	}{
		"new orders": {func(ca *boulder.CA, c *raw, id int64) {
			for _, name := range boulder.Names(300, "shop.ru") {
				ca.Order(id, name)
			}
		}, []string{"shop.ru"}, "too many new orders (300) from this account in the last 3h0m0s, retry after 2026-11-21 09:00:36 UTC" + page + "new-orders-per-account", "36", 36 * time.Second},
		"new orders are spent by an order that is used again": {func(ca *boulder.CA, c *raw, id int64) {
			for range 300 {
				ca.Order(id, "shop.ru")
			}
		}, []string{"shop.ru"}, "too many new orders (300) from this account in the last 3h0m0s, retry after 2026-11-21 09:00:36 UTC" + page + "new-orders-per-account", "36", 36 * time.Second},
		"failed authorizations, by deactivations": {func(ca *boulder.CA, c *raw, id int64) {
			for _, url := range ca.Populate(id, []string{"shop.ru"}, 6, boulder.Pending) {
				c.deactivate(url)
			}
		}, []string{"shop.ru", "www.shop.ru"}, `too many failed authorizations (5) for "shop.ru" in the last 1h0m0s, retry after 2026-11-21 09:12:00 UTC` + page + "authorization-failures-per-identifier-per-account", "720", 12 * time.Minute},
		"failed authorizations, by failures": {func(ca *boulder.CA, c *raw, id int64) {
			for range 5 {
				o, _ := ca.Order(id, "*.shop.ru")
				ca.Validate(o.Authorizations[0], false)
			}
		}, []string{"*.shop.ru"}, `too many failed authorizations (5) for "*.shop.ru" in the last 1h0m0s, retry after 2026-11-21 09:12:00 UTC` + page + "authorization-failures-per-identifier-per-account", "720", 12 * time.Minute},
		"certificates of a registered domain, over all accounts": {func(ca *boulder.CA, c *raw, _ int64) {
			for _, name := range boulder.Names(50, "shop.ru") {
				_ = ca.Obtain(ca.Register(nil).ID, name)
			}
		}, []string{"new.shop.ru"}, `too many certificates (50) already issued for "shop.ru" in the last 168h0m0s, retry after 2026-11-21 12:21:36 UTC` + page + "new-certificates-per-registered-domain", "12096", 7 * 24 * time.Hour / 50},
		"certificates of an exact set, though it is a renewal": {func(ca *boulder.CA, c *raw, _ int64) {
			for range 5 {
				_ = ca.Obtain(ca.Register(nil).ID, "www.shop.ru", "shop.ru")
			}
		}, []string{"shop.ru", "www.shop.ru"}, `too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-11-22 18:36:00 UTC` + page + "new-certificates-per-exact-set-of-identifiers", "120960", 7 * 24 * time.Hour / 5},
		"of several limits the one that takes longest": {func(ca *boulder.CA, c *raw, id int64) {
			for _, url := range ca.Populate(id, []string{"shop.ru"}, 5, boulder.Pending) {
				ca.Deactivate(url)
			}
			for _, name := range boulder.Names(300, "shop.ru") {
				ca.Order(id, name)
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

// TestExempt checks how much an order spends of "new orders", and issuing of
// the other limits.
func TestExempt(t *testing.T) {
	set := []string{"shop.ru", "www.shop.ru"}
	for name, row := range map[string]struct {
		names                 []string
		after                 time.Duration // time since the previous certificate
		orders, domain, exact int           // tokens spent
	}{
		"another set":            {set[:1], 60 * 24 * time.Hour, 1, 1, 0},
		"the same set":           {set, 60 * 24 * time.Hour, 0, 0, 1},
		"the same set, too late": {set, 120*24*time.Hour + 1, 1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			ca := boulder.New(boulder.Options{Clock: clock.Now})
			_, id := enter(t, ca)
			if p := ca.Obtain(id, set...); p != nil {
				t.Fatal(p.Detail)
			}
			clock.advance(row.after)
			left := func() [3]int {
				return [3]int{ca.Left(boulder.NewOrders, id, ""), ca.Left(boulder.CertificatesPerDomain, 0, "shop.ru"), ca.Left(boulder.CertificatesPerSet, 0, "shop.ru,www.shop.ru")}
			}
			if full := left(); full != [3]int{300, 50, 5} {
				t.Fatalf("before that %v are left", full)
			}
			if p := ca.Obtain(id, row.names...); p != nil {
				t.Fatal(p.Detail)
			}
			if got, want := left(), [3]int{300 - row.orders, 50 - row.domain, 5 - row.exact}; got != want {
				t.Errorf("%v of orders, domain, set are left; want %v", got, want)
			}
		})
	}
}

// TestRenewalPasses: a renewal is allowed if new orders and the domain's
// certificates are used up, but not if its names have failed too often.
func TestRenewalPasses(t *testing.T) {
	ca := boulder.New(boulder.Options{Clock: newClock().Now})
	_, id := enter(t, ca)
	for _, name := range boulder.Names(50, "shop.ru") {
		_ = ca.Obtain(id, name)
	}
	for _, name := range boulder.Names(250, "other.ru") {
		_, _ = ca.Order(id, name)
	}
	const again = "site0001.shop.ru"
	if _, p := ca.Order(id, "new.example"); p == nil || p.Status != 429 {
		t.Errorf("a new set: %v", p)
	}
	if _, p := ca.Order(ca.Register(nil).ID, again); p != nil {
		t.Errorf("a renewal, though by another account: %s", p.Detail)
	}
	if _, p := ca.Order(id, again); p != nil {
		t.Errorf("a renewal: %s", p.Detail)
	}
	for _, url := range ca.Populate(id, []string{again}, 5, boulder.Pending) {
		ca.Deactivate(url)
	}
	if _, p := ca.Order(id, again); p == nil || p.Status != 429 {
		t.Errorf("a renewal of a name that failed: %v", p)
	}
}

// TestConsecutiveFailures regain one token a day, and all at a success.
func TestConsecutiveFailures(t *testing.T) {
	clock := newClock()
	ca := boulder.New(boulder.Options{Clock: clock.Now})
	_, id := enter(t, ca)
	left := func() int {
		return ca.Left(boulder.ConsecutiveFailures, id, "shop.ru")
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
	if p := ca.Obtain(id, "shop.ru"); p != nil {
		t.Fatal(p.Detail)
	}
	if n := left(); n != 1152 {
		t.Errorf("after a success %d are left", n)
	}
}

// BenchmarkHistory makes fifty orders of one account; a property test makes
// thousands of such histories.
func BenchmarkHistory(b *testing.B) {
	names := boulder.Names(10, "shop.ru")
	for b.Loop() {
		now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
		ca := boulder.New(boulder.Options{Clock: func() time.Time { return now }})
		id := ca.Register(nil).ID
		for i := range 50 {
			now = now.Add(time.Minute)
			o, p := ca.Order(id, names[i%10])
			if p != nil {
				continue
			}
			ca.Validate(o.Authorizations[0], i%3 > 0)
			_ = ca.Issue(o.URL)
		}
	}
}
