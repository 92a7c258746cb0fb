package boulder_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"domovoy/checks/lab/boulder"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAnswers is facts of Boulder, one a row: what is asked, and what it says.
func TestAnswers(t *testing.T) {
	const url = "https://acme.test"
	for name, row := range map[string]struct {
		ask    func(ca *boulder.CA, c *raw, id int64) answer
		status int
		kind   string
		detail string
	}{
		"an unknown authorization": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.post(url+"/acme/authz/1/2", nil) },
			404, "malformed", "No such authorization"},
		"an authorization's old kind of URL": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.post(url+"/acme/authz-v3/2", nil) },
			404, "", ""},
		"an authorization without a number": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.post(url+"/acme/authz/1/x", nil) },
			400, "malformed", "Invalid authorization ID"},
		"an expired authorization": {func(ca *boulder.CA, c *raw, id int64) answer {
			a := ca.Populate(id, []string{"shop.ru"}, 1, "")[0]
			ca.Expire(a)
			return c.deactivate(a)
		}, 404, "malformed", "Expired authorization"},
		"a foreign authorization": {func(ca *boulder.CA, c *raw, _ int64) answer {
			return c.deactivate(ca.Populate(ca.Register(nil).ID, []string{"shop.ru"}, 1, "")[0])
		}, 403, "unauthorized", "Account ID doesn't match ID for authorization"},
		"a state that cannot be asked for": {func(ca *boulder.CA, c *raw, id int64) answer {
			return c.post(ca.Populate(id, []string{"shop.ru"}, 1, "")[0], map[string]string{"status": "valid"})
		}, 400, "malformed", "Invalid status value"},
		"an unknown order": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.post(url+"/acme/order/1/2", nil) },
			404, "malformed", "No order for ID 2"},
		"an expired order": {func(ca *boulder.CA, c *raw, id int64) answer {
			o := ca.Place(id, boulder.Seed{Names: []string{"shop.ru"}, Expires: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)})
			return c.post(o.URL, nil)
		}, 404, "malformed", "No order for ID 1015838"},
		"a foreign order": {func(ca *boulder.CA, c *raw, _ int64) answer {
			return c.post(ca.Place(ca.Register(nil).ID, boulder.Seed{Names: []string{"shop.ru"}}).URL, nil)
		}, 404, "malformed", "No order found for account ID 1015838"},
		"an account that was deactivated": {func(ca *boulder.CA, c *raw, id int64) answer {
			ca.SetAccount(id, boulder.Deactivated)
			return c.order("shop.ru")
		}, 403, "unauthorized", `Unable to validate JWS :: Account is not valid, has status "deactivated"`},
		"a key whose account was deactivated": {func(ca *boulder.CA, c *raw, id int64) answer {
			ca.SetAccount(id, boulder.Deactivated)
			c.kid = ""
			return c.post(url+"/acme/new-acct", map[string]bool{"onlyReturnExisting": true})
		}, 403, "unauthorized", "An account with the provided public key exists but is deactivated"},
		"a key without an account": {func(ca *boulder.CA, c *raw, _ int64) answer {
			c.kid, c.key = "", newKey(c.t)
			return c.post(url+"/acme/new-acct", map[string]bool{"onlyReturnExisting": true})
		}, 400, "accountDoesNotExist", "No account exists with the provided key"},
		"an account that is none": {func(ca *boulder.CA, c *raw, _ int64) answer {
			c.kid = url + "/acme/acct/7"
			return c.order("shop.ru")
		}, 400, "accountDoesNotExist", `Unable to validate JWS :: Account "https://acme.test/acme/acct/7" not found`},
		"an account of another CA": {func(ca *boulder.CA, c *raw, _ int64) answer {
			c.kid = "https://other.test/acme/acct/7"
			return c.order("shop.ru")
		}, 400, "malformed", `Unable to validate JWS :: KeyID header contained an invalid account URL: "https://other.test/acme/acct/7"`},
		"a blocked account": {func(ca *boulder.CA, c *raw, id int64) answer {
			ca.Block(id, "please write to us")
			return c.order("shop.ru")
		}, 403, "unauthorized", "Account blocked :: please write to us"},
		"a name outside of all suffixes": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.order("shop.lan") },
			400, "rejectedIdentifier", `Invalid identifiers requested :: Cannot issue for "shop.lan": Domain name does not end with a valid public suffix (TLD)`},
		"several bad names": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.order("a_b.ru", "shop", "good.ru") },
			400, "rejectedIdentifier", `Invalid identifiers requested :: Cannot issue for "a_b.ru": Domain name contains an invalid character (and 1 more problems. Refer to sub-problems for more information.)`},
		"a forbidden name": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.order("bank.ru") },
			400, "rejectedIdentifier", `Error creating new order :: Cannot issue for "bank.ru": The ACME server refuses to issue a certificate for this domain name, because it is forbidden by policy`},
		"more than a hundred names": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.order(boulder.Names(101, "shop.ru")...) },
			400, "malformed", "Error creating new order :: Order cannot contain more than 100 identifiers"},
		"a name that a wildcard covers": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.order("*.shop.ru", "www.shop.ru") },
			400, "malformed", `Error creating new order :: Domain name "www.shop.ru" is redundant with a wildcard domain in the same request. Remove one or the other from the certificate request.`},
		"issuing too early": {func(ca *boulder.CA, c *raw, _ int64) answer {
			return c.post(c.order("shop.ru").body["finalize"].(string), map[string]string{"csr": ""})
		}, 403, "orderNotReady", `Order's status ("pending") is not acceptable for finalization`},
		"a method that is not allowed": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.get(url + "/acme/new-order") },
			405, "malformed", "Method not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			ca := boulder.New(boulder.Options{Clock: newClock().Now, Forbidden: []string{"bank.ru"}})
			c, id := enter(t, ca)
			got := row.ask(ca, c, id)
			if got.status != row.status || got.kind != row.kind || got.problem != row.detail {
				t.Errorf("%d %s %q\nwant %d %s %q", got.status, got.kind, got.problem, row.status, row.kind, row.detail)
			}
		})
	}
}

// TestNames is what Boulder has against a name; empty: nothing.
func TestNames(t *testing.T) {
	ca := boulder.New(boulder.Options{Clock: newClock().Now})
	id := ca.Register(nil).ID
	for name, want := range map[string]string{
		"xn--e1afmkfd.xn--p1ai":         "",
		"*.shop.ru":                     "",
		"shop.example":                  "", // Boulder would refuse it
		"www.*.ru":                      "Domain name contains an invalid wildcard. A wildcard is only permitted before the first dot in a domain name",
		"магазин.рф":                    "Domain name contains an invalid character",
		"shop.ru.":                      "Domain name ends in a dot",
		"a.b.c.d.e.f.g.h.i.shop.ru":     "Domain name has more than 10 labels (parts)",
		"a.b.c.d.e.f.g.h.shop.ru":       "",
		"localhost":                     "Domain name needs at least one dot",
		"a..ru":                         "Domain name can not have two dots in a row",
		strings.Repeat("a", 64) + ".ru": "Domain has a label (component between dots) longer than 63 bytes",
		"panel.lan":                     "Domain name does not end with a valid public suffix (TLD)",
		"co.uk":                         "Domain name is an ICANN TLD",
	} {
		got := ""
		if _, p := ca.Order(id, boulder.Wish{Names: []string{name}}); p != nil {
			got = p.Detail
		}
		if want != "" {
			want = "Invalid identifiers requested :: Cannot issue for \"" + name + "\": " + want
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestDeactivating tells for each state what a deactivation does and costs:
// whatever it does, the answer says "deactivated".
func TestDeactivating(t *testing.T) {
	for before, want := range map[boulder.Status]struct {
		after  boulder.Status
		charge int
	}{
		boulder.Pending:     {boulder.Deactivated, 1},
		boulder.Valid:       {boulder.Deactivated, 0},
		boulder.Invalid:     {boulder.Invalid, 0},
		boulder.Deactivated: {boulder.Deactivated, 0},
	} {
		t.Run(string(before), func(t *testing.T) {
			ca := boulder.New(boulder.Options{Clock: newClock().Now})
			c, id := enter(t, ca)
			url := ca.Populate(id, []string{"shop.ru"}, 1, before)[0]
			got := c.deactivate(url)
			if got.status != 200 || got.body["status"] != "deactivated" {
				t.Errorf("answered %d %v", got.status, got.body)
			}
			if is, _ := ca.Authorization(url); is.Status != want.after {
				t.Errorf("it is %s, want %s", is.Status, want.after)
			}
			if got := c.post(url, nil).body["status"]; got != string(want.after) {
				t.Errorf("read as %v, want %s", got, want.after)
			}
			if n := ca.Charged(id)["shop.ru"]; n != want.charge {
				t.Errorf("charged %d, want %d", n, want.charge)
			}
			if left, _ := ca.Left(boulder.FailedAuthorizations, id, "shop.ru"); left != 5-want.charge {
				t.Errorf("%d failures left, want %d", left, 5-want.charge)
			}
		})
	}
}

// TestOrderOfDeactivated: the order is invalid at once, its other authorization lives on.
func TestOrderOfDeactivated(t *testing.T) {
	ca := boulder.New(boulder.Options{Clock: newClock().Now})
	c, id := enter(t, ca)
	made := c.order("www.shop.ru", "shop.ru")
	if made.status != 201 || made.body["status"] != "pending" {
		t.Fatalf("ordered: %d %s", made.status, made.text)
	}
	order := ca.Orders(id)[0]
	c.deactivate(order.Authorizations[0])
	c.deactivate(order.Authorizations[0])
	if got := c.get(order.URL).body["status"]; got != "invalid" {
		t.Errorf("the order is %v", got)
	}
	if got := c.get(order.Authorizations[1]).body["status"]; got != "pending" {
		t.Errorf("the other authorization is %v", got)
	}
	if got := ca.Charged(id); !maps.Equal(got, map[string]int{"shop.ru": 1}) {
		t.Errorf("charged %v: only the first of the two counts", got)
	}
	if got := ca.DeactivatedTwice(); len(got) != 1 || got[0] != order.Authorizations[0] {
		t.Errorf("deactivated twice: %v", got)
	}
}

// TestReading: no key is needed, and none is asked for another's.
func TestReading(t *testing.T) {
	ca := boulder.New(boulder.Options{Clock: newClock().Now})
	c, _ := enter(t, ca)
	other := ca.Register(nil).ID
	url := ca.Place(other, boulder.Seed{Names: []string{"*.shop.ru"}}).Authorizations[0]
	got := c.get(url)
	if got.status != 200 || got.body["wildcard"] != true || !strings.Contains(got.text, `"value": "shop.ru"`) {
		t.Errorf("a foreign wildcard, read without a key: %d %s", got.status, got.text)
	}
	if got.header.Get("Replay-Nonce") != "" {
		t.Error("a GET got a nonce")
	}
	if got.body["expires"] != "2026-11-28T09:00:00Z" {
		t.Errorf("expires %v", got.body["expires"])
	}
	account := c.post(c.kid, nil)
	if _, listed := account.body["orders"]; account.status != 200 || listed {
		t.Errorf("the account: %d %s", account.status, account.text)
	}
}

// TestPausing: the failure that finds the long bucket empty pauses the name, and the link is not opened by anybody.
func TestPausing(t *testing.T) {
	limits := boulder.Production()
	limits[boulder.ConsecutiveFailures] = boulder.Limit{Count: 1, Burst: 2, Period: 24 * time.Hour}
	clock := newClock()
	ca := boulder.New(boulder.Options{Clock: clock.Now, Limits: limits})
	c, id := enter(t, ca)
	for i, url := range ca.Populate(id, []string{"a.example", "*.b.example"}, 3, boulder.Pending) {
		if paused := ca.Paused(id); i == 2 && len(paused) > 0 {
			t.Errorf("paused after two failures: %v", paused)
		}
		c.deactivate(url)
	}
	got := c.order("*.b.example", "a.example", "c.example")
	const text = "Your account is temporarily prevented from requesting certificates for *.b.example, a.example and possibly others. " +
		"Please visit: https://acme.test/sfe/v1/unpause?jwt="
	if got.status != 429 || got.kind != "rateLimited" || !strings.HasPrefix(got.problem, text) || got.header.Get("Retry-After") != "" {
		t.Fatalf("%d %s %v", got.status, got.text, got.header)
	}
	if got := c.order("b.example"); got.status != 201 {
		t.Errorf("a wildcard's pause is not its parent's: %d %s", got.status, got.text)
	}
	if n := ca.UnpauseOpened(); n != 0 {
		t.Errorf("the page was opened %d times", n)
	}
	_, link, _ := strings.Cut(got.problem, "visit: ")
	if page := c.get(link); page.status != 200 || len(ca.Paused(id)) != 2 {
		t.Errorf("looking at the page: %d, paused %v", page.status, ca.Paused(id))
	}
	c.send("POST", link, nil, nil)
	if len(ca.Paused(id)) != 0 || ca.UnpauseOpened() != 2 {
		t.Errorf("pressing the button: paused %v, opened %d times", ca.Paused(id), ca.UnpauseOpened())
	}
	for _, wait := range []time.Duration{time.Hour, 14 * 24 * time.Hour} {
		clock.advance(wait)
		for _, url := range ca.Populate(id, []string{"a.example"}, 3, boulder.Pending) {
			c.deactivate(url)
		}
		if again := len(ca.Paused(id)) > 0; again != (wait > 24*time.Hour) {
			t.Errorf("after %s, paused again: %v", wait, again)
		}
	}
}
