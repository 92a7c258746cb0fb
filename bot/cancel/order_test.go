package cancel_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"domovoy/bot"
	"domovoy/bot/cancel"
	"domovoy/checks/lab/boulder"
)

// If no log has the authorization, a new order for exactly the same names
// returns the pending one. It costs an order, so its plan says so and needs a
// confirmation of its own.
func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := place(t, boulder.New(boulder.Options{}), "en")
		order := o.ca.Place(o.known.ID, boulder.Seed{Names: []string{"shop.ru", "www.shop.ru", "xn--e1afmkfd.xn--p1ai"}})
		if p := o.planned("shop.ru"); p.Pending != 0 {
			t.Fatalf("%d are found without a log", p.Pending)
		}
		a, err := o.bot.Commands.Do(t.Context(), "cancel authz www.shop.ru probe", o.local())
		o.must(err)
		said := texts(a.Message)
		if o.ca.Count(boulder.KindNewOrder) > 0 || !strings.Contains(said, "1 of 300 in 3 h") || len(a.Message.Actions) != 1 || strings.Contains(said, "⟨") {
			t.Fatalf("%d orders, and the plan says %q", o.ca.Count(boulder.KindNewOrder), said)
		}
		a, err = o.bot.Commands.Do(t.Context(), a.Message.Actions[0].Command, o.local())
		o.must(err)
		p := a.Data.(cancel.CancelPlanData).Plan
		var urls []string
		for _, x := range p.Authorizations {
			urls = append(urls, x.URL)
		}
		if o.ca.Count(boulder.KindNewOrder) != 1 || p.Pending != 3 || p.ID == "" {
			t.Fatalf("%d orders, the plan is %+v", o.ca.Count(boulder.KindNewOrder), p)
		}
		if want := slices.Sorted(slices.Values(order.Authorizations)); !slices.Equal(urls, want) {
			t.Errorf("found %q, want %q", urls, want)
		}
		o.confirmed(p.ID)
		o.exact(order.Authorizations)
		want := []string{"local:root confirm ok", "local:root cancel probed", "local:root confirm ok", "local:root cancel done deactivated=3 skipped=0 failed=0 left=0 price=3"}
		if got := o.audited(); !slices.Equal(got, want) {
			t.Errorf("the audit has %q", got)
		}
	})
}

// Probing is allowed for a few names, with the key, while orders are left; an
// order is not repeated if the process was killed during it.
func TestProbesThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := place(t, boulder.New(boulder.Options{}), "en")
		for words, code := range map[string]string{"all probe": "usage", "probe": "usage", strings.Join(boulder.Names(11, "a.example"), " ") + " probe": "usage"} {
			_, err := o.bot.Commands.Do(t.Context(), "cancel authz "+words, o.local())
			if refusal := (*bot.Refusal)(nil); !errors.As(err, &refusal) || refusal.Code.String() != code {
				t.Errorf("%s: %v", words, err)
			}
		}
		a, err := o.bot.Commands.Do(t.Context(), "cancel authz left.example probe", o.local())
		o.must(err)
		o.ca.Fail(boulder.KindNewOrder, 1, boulder.Fault{Kind: boulder.TooMany})
		_, err = o.bot.Commands.Do(t.Context(), a.Message.Actions[0].Command, o.local())
		if refusal := (*bot.Refusal)(nil); !errors.As(err, &refusal) || refusal.Key != "refusal.ca.busy" {
			t.Errorf("at the limit: %v", err)
		}
		o.with(func(a *cancel.LocalAccount) { a.KeyFile = "" })
		_, err = o.bot.Commands.Do(t.Context(), "cancel authz shop.ru probe", o.local())
		if refusal := (*bot.Refusal)(nil); !errors.As(err, &refusal) || refusal.Key != "refusal.ca.key" {
			t.Errorf("without a key: %v", err)
		}
	})
}
