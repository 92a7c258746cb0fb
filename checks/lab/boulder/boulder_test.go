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

// TestAnswers checks facts about Boulder, one a row: a request and the answer.
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
			o := ca.Place(id, boulder.Seed{Names: []string{"shop.ru"}})
			c.clock.advance(7*24*time.Hour + time.Second)
			return c.post(o.URL, nil)
		}, 404, "malformed", "No order for ID 1015838"},
		"a foreign order": {func(ca *boulder.CA, c *raw, _ int64) answer {
			return c.post(ca.Place(ca.Register(nil).ID, boulder.Seed{Names: []string{"shop.ru"}}).URL, nil)
		}, 404, "malformed", "No order found for account ID 1015838"},
		"a key without an account": {func(ca *boulder.CA, c *raw, _ int64) answer {
			c.kid, c.key = "", newKey(c.t)
			return c.post(url+"/acme/new-acct", map[string]bool{"onlyReturnExisting": true})
		}, 400, "accountDoesNotExist", "No account exists with the provided key"},
		"an account that does not exist": {func(ca *boulder.CA, c *raw, _ int64) answer {
			c.kid = url + "/acme/acct/7"
			return c.order("shop.ru")
		}, 400, "accountDoesNotExist", `Unable to validate JWS :: Account "https://acme.test/acme/acct/7" not found`},
		"an account of another CA": {func(ca *boulder.CA, c *raw, _ int64) answer {
			c.kid = "https://other.test/acme/acct/7"
			return c.order("shop.ru")
		}, 400, "malformed", `Unable to validate JWS :: KeyID header contained an invalid account URL: "https://other.test/acme/acct/7"`},
		"a method that is not allowed": {func(ca *boulder.CA, c *raw, _ int64) answer { return c.get(url + "/acme/new-order") },
			405, "malformed", "Method not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			ca := boulder.New(boulder.Options{Clock: clock.Now})
			c, id := enter(t, ca)
			c.clock = clock
			got := row.ask(ca, c, id)
			if got.status != row.status || got.kind != row.kind || got.problem != row.detail {
				t.Errorf("%d %s %q\nwant %d %s %q", got.status, got.kind, got.problem, row.status, row.kind, row.detail)
			}
		})
	}
}

// TestDeactivating checks, for each status, what a deactivation does and costs.
// In every case the answer says "deactivated".
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
			if left := ca.Left(boulder.FailedAuthorizations, id, "shop.ru"); left != 5-want.charge {
				t.Errorf("%d failures left, want %d", left, 5-want.charge)
			}
		})
	}
}

// TestOrderOfDeactivated: the order becomes invalid at once, its other
// authorization stays as it is.
func TestOrderOfDeactivated(t *testing.T) {
	ca := boulder.New(boulder.Options{Clock: newClock().Now})
	c, id := enter(t, ca)
	made := c.order("www.shop.ru", "shop.ru")
	if made.status != 201 || made.body["status"] != "pending" {
		t.Fatalf("ordered: %d %s", made.status, made.text)
	}
	var authorizations []string // of shop.ru and of www.shop.ru
	for _, url := range made.body["authorizations"].([]any) {
		authorizations = append(authorizations, url.(string))
	}
	c.deactivate(authorizations[0])
	c.deactivate(authorizations[0])
	if got := c.get(made.header.Get("Location")).body["status"]; got != "invalid" {
		t.Errorf("the order is %v", got)
	}
	if got := c.get(authorizations[1]).body["status"]; got != "pending" {
		t.Errorf("the other authorization is %v", got)
	}
	if got := ca.Charged(id); !maps.Equal(got, map[string]int{"shop.ru": 1}) {
		t.Errorf("charged %v: only the first of the two counts", got)
	}
	if got := ca.DeactivatedTwice(); len(got) != 1 || got[0] != authorizations[0] {
		t.Errorf("deactivated twice: %v", got)
	}
}

// TestReading: no key is needed, even for the authorization of another account.
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

// TestPausing: the failure for which the consecutive-failures bucket has no
// token pauses the name permanently, and waiting does not end the pause.
func TestPausing(t *testing.T) {
	limits := boulder.Production()
	limits[boulder.ConsecutiveFailures] = boulder.Limit{Count: 1, Burst: 2, Period: 24 * time.Hour}
	clock := newClock()
	ca := boulder.New(boulder.Options{Clock: clock.Now, Limits: limits})
	c, id := enter(t, ca)
	for i, url := range ca.Populate(id, []string{"a.example", "*.b.example"}, 3, boulder.Pending) {
		if got := c.order("a.example"); i == 2 && got.status != 201 {
			t.Errorf("after two failures: %d %s", got.status, got.text)
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
	clock.advance(100 * 24 * time.Hour)
	if got := c.order("a.example"); got.status != 429 {
		t.Errorf("a hundred days later: %d %s", got.status, got.text)
	}
}
