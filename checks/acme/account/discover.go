package account

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"
)

// defaultReaders is how many orders are read at a time. Let's Encrypt takes
// 250 requests a second, its staging environment 20.
const defaultReaders = 8

// Discover finds this CA's authorizations: in the client's traces, in the
// CA's list of orders where it has one, and in the orders that only their URL
// is known of. With an error it gives what was found so far.
func (c *Client) Discover(ctx context.Context, s Sources) (f Found, err error) {
	if f, err = Find(ctx, s); err != nil {
		return f, err
	}
	f.URLs = c.ours(f.URLs, &f.Foreign)
	f.Orders = c.ours(f.Orders, &f.Foreign)
	f.Stale = c.ours(f.Stale, &f.Foreign)
	defer func() { f.Hint = f.hint() }()
	if c.key != nil {
		if err = c.addListed(ctx, &f); err != nil {
			return f, err
		}
	}
	err = c.follow(ctx, &f, s)
	return f, err
}

// addListed adds the CA's own list of orders, where it has one.
func (c *Client) addListed(ctx context.Context, f *Found) error {
	list, err := c.Orders(ctx)
	if err != nil {
		return err
	}
	f.Cut = f.Cut || list.Cut
	known := map[string]bool{}
	for _, o := range f.Orders {
		known[o.URL] = true
	}
	for _, u := range list.URLs {
		if !known[u] && !f.told[u] {
			f.Orders = append(f.Orders, Seen{URL: u, Source: SourceOrders})
		}
	}
	return nil
}

// ours drops the URLs of other CAs.
func (c *Client) ours(seen []Seen, foreign *int) []Seen {
	var kept []Seen
	for _, s := range seen {
		if c.Belongs(s.URL) {
			kept = append(kept, s)
		} else {
			*foreign++
		}
	}
	return kept
}

// follow reads the orders for their authorizations. What the CA does not show,
// for want of a key or by a fault of its own, stays in Orders; that it wants
// to be left alone, or cannot be reached, is an error.
func (c *Client) follow(ctx context.Context, f *Found, s Sources) error {
	known := map[string]bool{}
	for _, seen := range f.URLs {
		known[seen.URL] = true
	}
	orders := f.Orders
	f.Orders = nil
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cmp.Or(max(s.Readers, 0), defaultReaders))
	for _, seen := range orders {
		group.Go(func() error {
			order, err := c.pacedOrder(ctx, s.Pace, seen.URL)
			mu.Lock()
			defer mu.Unlock()
			for _, u := range order.Authorizations {
				if !known[u] && c.Belongs(u) {
					known[u] = true
					f.URLs = append(f.URLs, Seen{URL: u, Source: seen.Source, At: seen.At})
				}
			}
			if err == nil || errors.Is(err, ErrNoOrder) { // it expired, and what was pending of it
				return nil
			}
			f.Orders = append(f.Orders, seen)
			if p, ok := errors.AsType[*Problem](err); ok && !p.Busy() {
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

func (c *Client) pacedOrder(ctx context.Context, pace func(context.Context) error, u string) (Order, error) {
	if pace != nil {
		if err := pace(ctx); err != nil {
			return Order{}, err
		}
	}
	return c.Order(ctx, u)
}
