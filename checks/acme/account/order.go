package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"domovoy/checks"
)

// Limits of an account's list of orders.
const (
	maxPages  = 2000
	maxOrders = 50000
)

// OrderList is a CA's list of an account's orders.
type OrderList struct {
	None bool     // the CA has no list; Let's Encrypt does not
	URLs []string // oldest or newest first, in the CA's order
	Cut  bool     // there are more than the limits allow, or a page links to an earlier one
}

// Orders reads the whole list of an account's orders (RFC 8555 section
// 7.1.2.1). Read all pages before anything is cancelled: a CA may leave invalid
// orders out, and the pages would shift.
func (c *Client) Orders(ctx context.Context) (OrderList, error) {
	if c.key == nil {
		return OrderList{}, fmt.Errorf("listing orders: %w", ErrKeyNeeded)
	}
	a, err := c.read(ctx, c.kid)
	if err != nil {
		return OrderList{}, fmt.Errorf("listing orders: reading the account: %w", err)
	}
	var account struct {
		Orders string `json:"orders"`
	}
	if err := a.decode(&account); err != nil {
		return OrderList{}, fmt.Errorf("listing orders: reading the account: %w", err)
	}
	if account.Orders == "" {
		return OrderList{None: true}, nil
	}
	return c.pages(ctx, account.Orders)
}

func (c *Client) pages(ctx context.Context, next string) (OrderList, error) {
	var list OrderList
	visited := map[string]bool{}
	known := map[string]bool{}
	for next != "" {
		if visited[next] || len(visited) == maxPages || len(list.URLs) >= maxOrders {
			list.Cut = true
			break
		}
		visited[next] = true
		a, err := c.read(ctx, next)
		if err != nil {
			return OrderList{}, fmt.Errorf("listing orders: %w", err)
		}
		var page struct {
			Orders []string `json:"orders"`
		}
		if err := a.decode(&page); err != nil {
			return OrderList{}, fmt.Errorf("listing orders: %w", err)
		}
		for _, u := range page.Orders {
			if !known[u] && c.Belongs(u) {
				known[u] = true
				list.URLs = append(list.URLs, u)
			}
		}
		next = nextPage(next, a.header)
	}
	return list, nil
}

// nextPage returns the URL of the Link header with rel="next" (RFC 8288), which
// may be relative; empty: this is the last page.
func nextPage(page string, header http.Header) string {
	base, err := url.Parse(page)
	if err != nil {
		return ""
	}
	for _, line := range header.Values("Link") {
		for link := range strings.SplitSeq(line, ",") {
			target, params, _ := strings.Cut(link, ";")
			target = strings.TrimSpace(target)
			if len(target) < 2 || target[0] != '<' || target[len(target)-1] != '>' || !isNext(params) {
				continue
			}
			if u, err := base.Parse(target[1 : len(target)-1]); err == nil {
				return u.String()
			}
		}
	}
	return ""
}

func isNext(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(strings.TrimSpace(name), "rel") && strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "next") {
			return true
		}
	}
	return false
}

// Order is one order at the CA (RFC 8555 section 7.1.3).
type Order struct {
	URL            string
	Status         string
	Expires        time.Time // zero: the CA did not send it
	Names          []string  // as ordered, with "*."
	Authorizations []string  // URLs
}

// orderJSON is an order as encoded by the CA.
type orderJSON struct {
	Status         string       `json:"status"`
	Expires        string       `json:"expires"`
	Identifiers    []identifier `json:"identifiers"`
	Authorizations []string     `json:"authorizations"`
}

// ErrNoOrder: the account does not have this order, or no longer has it.
var ErrNoOrder = errors.New("no such order of this account")

// Order reads one order. An order whose status is invalid may have
// authorizations that are still pending.
func (c *Client) Order(ctx context.Context, u string) (Order, error) {
	a, err := c.read(ctx, u)
	if impliedStatus(err) != "" {
		err = errors.Join(ErrNoOrder, err)
	}
	var o Order
	if err == nil {
		o, err = a.order(u)
	}
	if err != nil {
		return Order{}, fmt.Errorf("reading order %s: %w", u, err)
	}
	return o, nil
}

// ProbeOrder orders a certificate for a set of names, to get the URLs of
// authorizations that are in no log. Call it only at a person's request: it
// costs one of the account's new orders each time (Let's Encrypt allows 300 in
// 3 hours, and counts the request even if it finds an old order). If there is
// no pending order of exactly these names it makes one, whose new pending
// authorizations have to be canceled too.
func (c *Client) ProbeOrder(ctx context.Context, names []string) (Order, error) {
	identifiers := make([]identifier, len(names))
	for i, n := range names {
		identifiers[i] = identifier{Type: "dns", Value: n}
	}
	a, err := c.post(ctx, c.directory.NewOrder, payload(map[string]any{"identifiers": identifiers}))
	var o Order
	if err == nil {
		o, err = a.order(a.header.Get("Location"))
	}
	if err != nil {
		return Order{}, fmt.Errorf("probing with a new order: %w", err)
	}
	return o, nil
}

// order decodes the order that is returned for a URL.
func (a *answer) order(u string) (Order, error) {
	var wire orderJSON
	if err := a.decode(&wire); err != nil {
		return Order{}, err
	}
	if wire.Status == "" {
		return Order{}, a.problem()
	}
	o := Order{URL: u, Status: wire.Status, Expires: parseTime(wire.Expires), Authorizations: wire.Authorizations}
	for _, i := range wire.Identifiers {
		o.Names = append(o.Names, strings.ToLower(checks.Clean(i.Value, maxName)))
	}
	return o, nil
}
