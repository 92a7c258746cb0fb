package boulder_test

import (
	"slices"
	"testing"
	"time"

	"domovoy/checks/lab/boulder"
)

// TestReuse checks when a client that asks again gets the same order or
// authorizations.
func TestReuse(t *testing.T) {
	names := []string{"shop.ru", "www.shop.ru"}
	place := func(s boulder.Seed) func(*boulder.CA, *clock, int64) boulder.Order {
		s.Names = names
		return func(ca *boulder.CA, _ *clock, id int64) boulder.Order { return ca.Place(id, s) }
	}
	for name, row := range map[string]struct {
		before         func(*boulder.CA, *clock, int64) boulder.Order
		again          []string
		order          bool // the same order again
		authorizations int  // number of reused authorizations in it
	}{
		"a pending order, whatever the names' order and letters": {place(boulder.Seed{}), []string{"WWW.shop.ru", "shop.ru"}, true, 2},
		"a ready order": {place(boulder.Seed{Status: boulder.Valid}), names, true, 2},
		"other names: a pending authorization is never used again": {place(boulder.Seed{}), names[:1], false, 0},
		"other names: a valid authorization is":                    {place(boulder.Seed{Status: boulder.Valid}), names[:1], false, 1},
		"an order that failed: its valid authorization is used again": {func(ca *boulder.CA, _ *clock, id int64) boulder.Order {
			o := ca.Place(id, boulder.Seed{Names: names, Status: boulder.Valid})
			ca.Set(o.Authorizations[1], boulder.Invalid)
			return o
		}, names, false, 1},
		"a valid authorization that lives less than an eighth of an order": {func(ca *boulder.CA, clock *clock, id int64) boulder.Order {
			o := ca.Place(id, boulder.Seed{Names: names, Status: boulder.Valid})
			clock.advance(29*24*time.Hour + 3*time.Hour)
			return o
		}, names[:1], false, 0},
		"a valid authorization that lives a little longer": {func(ca *boulder.CA, clock *clock, id int64) boulder.Order {
			o := ca.Place(id, boulder.Seed{Names: names, Status: boulder.Valid})
			clock.advance(29*24*time.Hour + 3*time.Hour - time.Second)
			return o
		}, names[:1], false, 1},
		"a valid authorization that was deactivated": {func(ca *boulder.CA, _ *clock, id int64) boulder.Order {
			o := ca.Place(id, boulder.Seed{Names: names, Status: boulder.Valid})
			ca.Deactivate(o.Authorizations[0])
			return o
		}, names, false, 1},
		"another account's": {func(ca *boulder.CA, _ *clock, _ int64) boulder.Order {
			return ca.Place(ca.Register(nil).ID, boulder.Seed{Names: names, Status: boulder.Valid})
		}, names, false, 0},
		"an order that a failed one hides, which expires first": {func(ca *boulder.CA, clock *clock, id int64) boulder.Order {
			ca.Place(id, boulder.Seed{Names: names, Status: boulder.Invalid})
			clock.advance(time.Hour)
			return ca.Place(id, boulder.Seed{Names: names})
		}, names, false, 0},
		"an order that another account's hides": {func(ca *boulder.CA, clock *clock, id int64) boulder.Order {
			ca.Place(ca.Register(nil).ID, boulder.Seed{Names: names})
			clock.advance(time.Hour)
			return ca.Place(id, boulder.Seed{Names: names})
		}, names, false, 0},
		"an order that a failed one hid until it expired": {func(ca *boulder.CA, clock *clock, id int64) boulder.Order {
			ca.Place(id, boulder.Seed{Names: names, Status: boulder.Invalid})
			clock.advance(time.Hour)
			o := ca.Place(id, boulder.Seed{Names: names})
			clock.advance(7*24*time.Hour - time.Hour)
			return o
		}, names, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			ca := boulder.New(boulder.Options{Clock: clock.Now})
			id := ca.Register(nil).ID
			old := row.before(ca, clock, id)
			got, p := ca.Order(id, row.again...)
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

// TestLifetimes: an order expires with the first of its authorizations.
func TestLifetimes(t *testing.T) {
	clock := newClock()
	ca := boulder.New(boulder.Options{Clock: clock.Now})
	id := ca.Register(nil).ID
	ca.Place(id, boulder.Seed{Names: []string{"shop.ru"}, Status: boulder.Valid})
	clock.advance(25 * 24 * time.Hour)
	for name, want := range map[string]time.Duration{"blog.ru": 7 * 24 * time.Hour, "shop.ru": 5 * 24 * time.Hour} {
		o, p := ca.Order(id, "www."+name, name)
		if p != nil {
			t.Fatal(p.Detail)
		}
		if got := o.Expires.Sub(clock.Now()); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
