package account

import (
	"errors"
	"testing"
	"time"

	"domovoy/checks"
)

// TestAuthorizations reads an account's own authorization, another account's,
// one that never existed, and one that was canceled.
func TestAuthorizations(t *testing.T) {
	p := newPebble(t, 0)
	mine, other := p.register(newKeyFile(t)), p.register(newKeyFile(t))
	order := p.order(mine, "shop.example", "*.shop.example")
	ctx := within(t, time.Minute)

	read, err := mine.Read(ctx, order.Authorizations[0])
	if err != nil {
		t.Fatal(err)
	}
	if read.Name != "shop.example" || read.Status != checks.AuthorizationPending || read.URL != order.Authorizations[0] {
		t.Errorf("read %+v", read)
	}
	if left := time.Until(read.Expires); left < 50*time.Minute || left > time.Hour {
		t.Errorf("it expires in %v, Pebble gives an hour", left)
	}

	if got := status(t, other, order.Authorizations[0]); got != checks.AuthorizationForeign {
		t.Errorf("another account sees %q", got)
	}
	if a, err := other.Deactivate(ctx, order.Authorizations[0]); err != nil || a.Status != checks.AuthorizationForeign {
		t.Errorf("another account cancels: %+v, %v", a, err)
	}
	if got := status(t, mine, p.server.URL+"/authZ/none"); got != checks.AuthorizationGone {
		t.Errorf("one that never was is %q", got)
	}

	if a, err := mine.Deactivate(ctx, order.Authorizations[0]); err != nil || a.Status != checks.AuthorizationDeactivated {
		t.Fatalf("cancelled: %+v, %v", a, err)
	}
	if got := status(t, mine, order.Authorizations[0]); got != checks.AuthorizationDeactivated {
		t.Errorf("after cancelling it is %q", got)
	}
	if got := status(t, mine, order.Authorizations[1]); got != checks.AuthorizationPending {
		t.Errorf("its sibling is %q, want pending", got)
	}
	again, err := mine.Order(ctx, order.URL)
	if err != nil || again.Status != "invalid" {
		t.Errorf("the order is %+v, %v; want invalid", again, err)
	}
}

// TestOtherHost: a URL of another host is refused before anything is sent.
func TestOtherHost(t *testing.T) {
	p := newPebble(t, 0)
	c := p.register(newKeyFile(t))
	for _, u := range []string{
		"https://127.0.0.1:1/acme/authz/1/2", "http://" + c.directory.NewNonce[len("https://"):], "file:///etc/passwd",
		"https://user@" + p.server.URL[len("https://"):] + "/authZ/1", "https://metadata.internal/authz/1", "", "://", "/authZ/1",
	} {
		if _, err := c.Read(t.Context(), u); !errors.Is(err, ErrOtherHost) {
			t.Errorf("reading %q: %v", u, err)
		}
		if _, err := c.Deactivate(t.Context(), u); !errors.Is(err, ErrOtherHost) {
			t.Errorf("deactivating %q: %v", u, err)
		}
	}
}

// TestWithoutKey: at a CA that follows RFC 8555 strictly, nothing can be read
// without a key, and the error says so.
func TestWithoutKey(t *testing.T) {
	p := newPebble(t, 0)
	order := p.order(p.register(newKeyFile(t)), "shop.example")
	c, err := p.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, time.Minute)
	_, read := c.Read(ctx, order.Authorizations[0])
	_, cancelled := c.Deactivate(ctx, order.Authorizations[0])
	_, listed := c.Orders(ctx)
	for _, err := range []error{read, cancelled, listed} {
		if !errors.Is(err, ErrKeyNeeded) {
			t.Errorf("%v, want %v", err, ErrKeyNeeded)
		}
	}
}
