package boulder_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"testing"
	"time"

	"domovoy/checks/lab/boulder"
)

// win answers the first challenge of each authorization of an order.
func (c *raw) win(order answer) {
	c.t.Helper()
	for _, url := range order.body["authorizations"].([]any) {
		challenges := c.post(url.(string), nil).body["challenges"].([]any)
		challenge := challenges[0].(map[string]any)
		if got := c.post(challenge["url"].(string), struct{}{}); got.status != 200 || got.body["status"] != "pending" {
			c.t.Errorf("challenge: %d %s", got.status, got.text)
		}
	}
}

func (c *raw) csr(names ...string) map[string]string {
	c.t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, newKey(c.t))
	if err != nil {
		c.t.Fatal(err)
	}
	return map[string]string{"csr": base64.RawURLEncoding.EncodeToString(der)}
}

// TestIssuing goes the whole way, twice: the second time by ARI.
func TestIssuing(t *testing.T) {
	clock := newClock()
	ca := boulder.New(boulder.Options{Clock: clock.Now})
	c, id := enter(t, ca)
	order := c.order("shop.ru", "www.shop.ru")
	c.win(order)
	url := order.header.Get("Location")
	if got := c.post(url, nil); got.body["status"] != "ready" {
		t.Fatalf("after the challenges: %s", got.text)
	}
	finalize := order.body["finalize"].(string)
	if got := c.post(finalize, c.csr("shop.ru")); got.status != 403 {
		t.Errorf("other names: %d %s", got.status, got.text)
	}
	got := c.post(finalize, c.csr("www.shop.ru", "shop.ru"))
	if got.status != 200 || got.body["status"] != "valid" {
		t.Fatalf("finalize: %d %s", got.status, got.text)
	}
	chain := c.post(got.body["certificate"].(string), nil)
	block, rest := pem.Decode([]byte(chain.text))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || len(rest) == 0 {
		t.Fatalf("the chain: %v %s", err, chain.text)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "www.shop.ru", Roots: ca.Roots(), CurrentTime: clock.Now()}); err != nil {
		t.Error(err)
	}
	ari := ca.Orders(id)[0].Certificate
	info := c.get(ca.URL() + "/acme/renewal-info/" + ari)
	window, _ := info.body["suggestedWindow"].(map[string]any)
	start, err := time.Parse(time.RFC3339, window["start"].(string))
	if err != nil || info.header.Get("Retry-After") != "21600" || start.Sub(leaf.NotBefore).Round(24*time.Hour) != 59*24*time.Hour {
		t.Errorf("renewal: %v %s", err, info.text)
	}
}

// TestScripts: validation and issuing fail as a script says, and are told as Boulder tells them.
func TestScripts(t *testing.T) {
	ca := boulder.New(boulder.Options{Clock: newClock().Now})
	c, id := enter(t, ca)
	ca.Script("dead.ru", boulder.Script{Validation: boulder.NewProblem(400, "dns", "DNS problem: NXDOMAIN looking up A for dead.ru - check that a DNS record exists for this domain")})
	ca.Script("caa.ru", boulder.Script{Issuing: boulder.NewProblem(403, "caa", "rechecking caa: CAA record for caa.ru prevents issuance")})
	dead := c.order("dead.ru")
	c.win(dead)
	a := c.post(ca.Orders(id)[0].Authorizations[0], nil)
	first := a.body["challenges"].([]any)[0].(map[string]any)
	if a.body["status"] != "invalid" || first["error"].(map[string]any)["detail"] != "DNS problem: NXDOMAIN looking up A for dead.ru - check that a DNS record exists for this domain" {
		t.Errorf("the authorization: %s", a.text)
	}
	if ca.Charged(id)["dead.ru"] != 1 || ca.Charges()[0].Reason != boulder.ChargedFailure {
		t.Errorf("charged %v", ca.Charges())
	}
	if again := c.post(first["url"].(string), struct{}{}); again.status != 400 {
		t.Errorf("a second try: %d %s", again.status, again.text)
	}
	caa := c.order("caa.ru")
	c.win(caa)
	got := c.post(caa.body["finalize"].(string), c.csr("caa.ru"))
	if got.kind != "caa" || got.problem != "Error finalizing order :: rechecking caa: CAA record for caa.ru prevents issuance" {
		t.Errorf("finalize: %d %s", got.status, got.text)
	}
	if order := c.post(caa.header.Get("Location"), nil); order.body["status"] != "invalid" || order.body["error"] == nil {
		t.Errorf("the order: %s", order.text)
	}
}

// TestMany: what the judges need is there quickly.
func TestMany(t *testing.T) {
	ca := boulder.New(boulder.Options{})
	c, id := enter(t, ca)
	three := ca.Populate(id, boulder.Names(3000, "hosting.ru"), 1, boulder.Pending)
	two := ca.Populate(id, boulder.Names(150, "shop.ru"), 2, boulder.Pending)
	ca.Expire(two[:10]...)
	ca.Set(two[10], boulder.Valid)
	if len(three) != 3000 || len(two) != 300 || len(ca.Authorizations(id)) != 3300 {
		t.Errorf("%d, %d, %d", len(three), len(two), len(ca.Authorizations(id)))
	}
	if got := c.get(two[3]); got.status != 404 {
		t.Errorf("expired: %d", got.status)
	}
	if got := c.get(two[10]); got.body["status"] != "valid" {
		t.Errorf("won: %s", got.text)
	}
}

// TestReuse is when a client that asks again gets the order, or the
// authorizations, that it had.
func TestReuse(t *testing.T) {
	names := []string{"shop.ru", "www.shop.ru"}
	place := func(s boulder.Seed) func(*boulder.CA, *clock, int64) boulder.Order {
		s.Names = names
		return func(ca *boulder.CA, _ *clock, id int64) boulder.Order { return ca.Place(id, s) }
	}
	for name, row := range map[string]struct {
		before         func(*boulder.CA, *clock, int64) boulder.Order
		wish           boulder.Wish
		order          bool // the same order again
		authorizations int  // how many of the old ones are in it
	}{
		"a pending order, whatever the names' order and letters": {place(boulder.Seed{}), boulder.Wish{Names: []string{"WWW.shop.ru", "shop.ru"}}, true, 2},
		"a ready order":               {place(boulder.Seed{Status: boulder.Valid}), boulder.Wish{Names: names}, true, 2},
		"an order by another profile": {place(boulder.Seed{}), boulder.Wish{Names: names, Profile: "tlsserver"}, false, 0},
		"other names: a pending authorization is never used again": {place(boulder.Seed{}), boulder.Wish{Names: names[:1]}, false, 0},
		"other names: a valid authorization is":                    {place(boulder.Seed{Status: boulder.Valid}), boulder.Wish{Names: names[:1]}, false, 1},
		"an order that failed: its valid authorization is used again": {place(boulder.Seed{Except: map[string]boulder.Status{"shop.ru": boulder.Valid, "www.shop.ru": boulder.Invalid}}),
			boulder.Wish{Names: names}, false, 1},
		"a valid authorization that lives less than an eighth of an order": {func(ca *boulder.CA, clock *clock, id int64) boulder.Order {
			o := ca.Place(id, boulder.Seed{Names: names, Status: boulder.Valid})
			clock.advance(29*24*time.Hour + 3*time.Hour)
			return o
		}, boulder.Wish{Names: names[:1]}, false, 0},
		"a valid authorization that lives a little longer": {func(ca *boulder.CA, clock *clock, id int64) boulder.Order {
			o := ca.Place(id, boulder.Seed{Names: names, Status: boulder.Valid})
			clock.advance(29*24*time.Hour + 3*time.Hour - time.Second)
			return o
		}, boulder.Wish{Names: names[:1]}, false, 1},
		"a valid authorization that was deactivated": {func(ca *boulder.CA, _ *clock, id int64) boulder.Order {
			o := ca.Place(id, boulder.Seed{Names: names, Status: boulder.Valid})
			ca.Deactivate(o.Authorizations[0])
			return o
		}, boulder.Wish{Names: names}, false, 1},
		"another account's": {func(ca *boulder.CA, _ *clock, _ int64) boulder.Order {
			return ca.Place(ca.Register(nil).ID, boulder.Seed{Names: names, Status: boulder.Valid})
		}, boulder.Wish{Names: names}, false, 0},
		"an order that a failed one hides, which expires first": {func(ca *boulder.CA, clock *clock, id int64) boulder.Order {
			ca.Place(id, boulder.Seed{Names: names, Status: boulder.Invalid})
			clock.advance(time.Hour)
			return ca.Place(id, boulder.Seed{Names: names})
		}, boulder.Wish{Names: names}, false, 0},
		"an order that another account's hides": {func(ca *boulder.CA, clock *clock, id int64) boulder.Order {
			ca.Place(ca.Register(nil).ID, boulder.Seed{Names: names})
			clock.advance(time.Hour)
			return ca.Place(id, boulder.Seed{Names: names})
		}, boulder.Wish{Names: names}, false, 0},
		"an order that a failed one hid until it expired": {func(ca *boulder.CA, clock *clock, id int64) boulder.Order {
			ca.Place(id, boulder.Seed{Names: names, Status: boulder.Invalid})
			clock.advance(time.Hour)
			o := ca.Place(id, boulder.Seed{Names: names})
			clock.advance(7*24*time.Hour - time.Hour)
			return o
		}, boulder.Wish{Names: names}, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			ca := boulder.New(boulder.Options{Clock: clock.Now})
			id := ca.Register(nil).ID
			old := row.before(ca, clock, id)
			got, p := ca.Order(id, row.wish)
			if p != nil {
				t.Fatal(p.Detail)
			}
			if same := got.URL == old.URL; same != row.order {
				t.Errorf("the same order: %v", same)
			}
			again := 0
			for _, url := range got.Authorizations {
				if slices.Contains(old.Authorizations, url) {
					again++
				}
			}
			if again != row.authorizations {
				t.Errorf("%d authorizations again, want %d", again, row.authorizations)
			}
		})
	}
}

// TestLifetimes: an order ends with its shortest-lived authorization.
func TestLifetimes(t *testing.T) {
	clock := newClock()
	ca := boulder.New(boulder.Options{Clock: clock.Now})
	id := ca.Register(nil).ID
	for profile, want := range map[string]time.Duration{"": 7 * 24 * time.Hour, "tlsserver": time.Hour} {
		o, p := ca.Order(id, boulder.Wish{Names: []string{"shop.ru"}, Profile: profile})
		if p != nil {
			t.Fatal(p.Detail)
		}
		if got := o.Expires.Sub(clock.Now()); got != want {
			t.Errorf("%q: %s, want %s", profile, got, want)
		}
	}
	if _, p := ca.Order(id, boulder.Wish{Names: []string{"shop.ru"}, Profile: "eternal"}); p == nil || p.Detail != `profile name "eternal" not recognized` {
		t.Errorf("an unknown profile: %v", p)
	}
}
