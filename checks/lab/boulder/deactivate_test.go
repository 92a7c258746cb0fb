package boulder_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"domovoy/checks/lab/boulder"
)

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
