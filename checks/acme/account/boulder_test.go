package account

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/lab/boulder"
)

// TestBoulder checks what Boulder does and Pebble does not.
func TestBoulder(t *testing.T) {
	ca := boulder.New(boulder.Options{})
	key, err := LoadKey(newKeyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	mine := ca.Register(key.signing.Key.(crypto.Signer).Public())
	urls := ca.Populate(mine.ID, []string{"pending.example", "expired.example"}, 1, "")
	ca.Expire(urls[1])
	invalid := ca.Populate(mine.ID, []string{"invalid.example"}, 1, boulder.Invalid)[0]
	foreign := ca.Populate(ca.Register(nil).ID, []string{"foreign.example"}, 1, "")[0]

	c, err := Open(t.Context(), Options{Directory: ca.Directory(), HTTP: ca.Client(), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if c.AccountURL() != mine.URL {
		t.Errorf("the account is %q, want %q", c.AccountURL(), mine.URL)
	}
	if list, err := c.Orders(t.Context()); err != nil || !list.None {
		t.Errorf("%+v, %v", list, err)
	}
	for u, want := range map[string]checks.AuthorizationStatus{
		urls[0]: checks.AuthorizationPending, urls[1]: checks.AuthorizationExpired, invalid: checks.AuthorizationInvalid,
		foreign: checks.AuthorizationForeign, ca.URL() + "/acme/authz/1/2": checks.AuthorizationGone,
	} {
		if got := status(t, c, u); got != want {
			t.Errorf("%s is %q, want %q", u, got, want)
		}
	}
	if a, err := c.Deactivate(t.Context(), invalid); err != nil || a.Status != checks.AuthorizationDeactivated {
		t.Errorf("%+v, %v", a, err)
	}
	if got := status(t, c, invalid); got != checks.AuthorizationInvalid {
		t.Errorf("Boulder said it was deactivated, and it is %q", got)
	}
	keyless, err := Open(t.Context(), Options{Directory: ca.Directory(), HTTP: ca.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if got := status(t, keyless, foreign); got != checks.AuthorizationPending {
		t.Errorf("without a key it is %q", got)
	}
}

// TestBoulderTroubled: the details of a refusal are kept, and no request is
// repeated.
func TestBoulderTroubled(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault boulder.Fault
		want  Problem
		after checks.AuthorizationStatus
	}{
		{"a limit", boulder.Fault{Kind: boulder.TooMany, RetryAfter: 90 * time.Second}, Problem{Status: 429, Type: "rateLimited", RetryAfter: 90 * time.Second}, checks.AuthorizationPending},
		{"the balancer", boulder.Fault{Kind: boulder.Unavailable, RetryAfter: 2 * time.Second}, Problem{Status: 503, RetryAfter: 2 * time.Second}, checks.AuthorizationPending},
		{"a fault", boulder.Fault{Kind: boulder.Internal}, Problem{Status: 500, Type: "serverInternal", RetryAfter: time.Minute}, checks.AuthorizationPending},
		{"a fault after the work", boulder.Fault{Kind: boulder.InternalButDone}, Problem{Status: 500, Type: "serverInternal", RetryAfter: time.Minute}, checks.AuthorizationDeactivated},
		{"silence after the work", boulder.Fault{Kind: boulder.Drop}, Problem{}, checks.AuthorizationDeactivated},
		{"a stale nonce", boulder.Fault{Kind: boulder.StaleNonce}, Problem{Status: 200}, checks.AuthorizationDeactivated},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca := boulder.New(boulder.Options{})
			key, err := LoadKey(newKeyFile(t))
			if err != nil {
				t.Fatal(err)
			}
			u := ca.Populate(ca.Register(key.signing.Key.(crypto.Signer).Public()).ID, []string{"shop.example"}, 1, "")[0]
			client, err := Open(t.Context(), Options{Directory: ca.Directory(), HTTP: ca.Client(), Key: key})
			if err != nil {
				t.Fatal(err)
			}
			if status(t, client, u) != checks.AuthorizationPending { // fetches a nonce, so that the fault meets the right request
				t.Fatal("not pending")
			}
			ca.Fail("", 1, c.fault)
			_, err = client.Deactivate(t.Context(), u)
			var p *Problem
			switch {
			case c.want.Status == 200:
				if err != nil {
					t.Error(err)
				}
			case c.want.Status == 0:
				if err == nil || errors.As(err, &p) {
					t.Errorf("%v, want an error of the connection", err)
				}
			case !errors.As(err, &p) || p.Status != c.want.Status || p.Type != c.want.Type || p.RetryAfter != c.want.RetryAfter:
				t.Errorf("%+v, want %+v", err, c.want)
			}
			if got := status(t, client, u); got != c.after {
				t.Errorf("it is %q, want %q", got, c.after)
			}
			if twice := ca.DeactivatedTwice(); len(twice) > 0 {
				t.Errorf("deactivated twice: %v", twice)
			}
		})
	}
}

// TestBoulderDiscover reads 300 orders that a log names; the CA has no list of
// them.
func TestBoulderDiscover(t *testing.T) {
	ca := boulder.New(boulder.Options{})
	key, err := LoadKey(newKeyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	mine := ca.Register(key.signing.Key.(crypto.Signer).Public())
	log := t.TempDir() + "/acme.log"
	text := ""
	var want []string
	for n := range 300 {
		order := ca.Place(mine.ID, boulder.Seed{Names: []string{fmt.Sprintf("site%d.example", n), fmt.Sprintf("www.site%d.example", n)}})
		text += "[Sat Nov 21 14:33:38 UTC 2026] Le_LinkOrder='" + order.URL + "'\n"
		want = append(want, order.Authorizations...)
	}
	writeFile(t, log, text, 0o600)
	c, err := Open(t.Context(), Options{Directory: ca.Directory(), HTTP: ca.Client(), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	sources := Sources{Logs: []string{log}}
	ca.Fail(boulder.KindOrder, 2, boulder.Fault{Kind: boulder.Internal})
	found, err := c.Discover(t.Context(), sources)
	if err != nil || len(found.URLs) != 596 || len(found.Orders) != 2 {
		t.Errorf("two orders cannot be read: found %d, left %d, %v", len(found.URLs), len(found.Orders), err)
	}
	ca.Fail(boulder.KindOrder, 1, boulder.Fault{Kind: boulder.TooMany, RetryAfter: time.Minute})
	found, err = c.Discover(t.Context(), sources)
	if p, ok := errors.AsType[*Problem](err); !ok || !p.Busy() || len(found.Orders) == 0 {
		t.Errorf("429 for an order gives %v", err)
	}
	found, err = c.Discover(t.Context(), sources)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(urlsOf(found.URLs))); !slices.Equal(got, want) {
		t.Errorf("found %d, want %d", len(got), len(want))
	}
}
