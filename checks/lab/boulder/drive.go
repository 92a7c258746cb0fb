package boulder

import "slices"

// These methods do what requests do, and cost what requests cost, without
// signing and sending any: for histories of ten thousands of orders.

// Order asks for an order. The problem is what a client would be answered.
func (ca *CA) Order(account int64, w Wish) (Order, *Problem) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	o, p := ca.model.newOrder(ca.model.accounts[account], w, ca.opts.Clock())
	if p != nil {
		return Order{}, p
	}
	return ca.order(o), nil
}

// Validate ends a pending authorization; nil is success.
func (ca *CA) Validate(url string, failure *Problem) {
	ca.change(url, func(a *authorization) { ca.model.conclude(a, failure, ca.opts.Clock()) })
}

// Deactivate does what a deactivation does.
func (ca *CA) Deactivate(url string) {
	ca.change(url, func(a *authorization) { ca.model.deactivate(a, ca.opts.Clock()) })
}

// Issue finalizes an order, and gives the name that ARI has for the certificate.
func (ca *CA) Issue(orderURL string) (string, *Problem) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	o, now := ca.model.orders[lastNumber(orderURL)], ca.opts.Clock()
	if o == nil {
		return "", notFound("No order for ID %d", lastNumber(orderURL))
	}
	if s := o.status(now); s != Ready {
		return "", notReady(s)
	}
	c, p := ca.model.issue(o, now)
	if p != nil {
		return "", p
	}
	return ariID(c.serial), nil
}

// Attempt is a client's whole try to get a certificate: an order, a validation
// of each name that needs one, of which the failing ones fail, and issuing.
// The problem is the order's or the issuing's; it is nil where validations failed.
func (ca *CA) Attempt(account int64, w Wish, failing ...string) (Order, *Problem) {
	o, p := ca.Order(account, w)
	if p != nil {
		return o, p
	}
	for i, url := range o.Authorizations {
		var failure *Problem
		if slices.Contains(failing, o.Names[i]) {
			failure = NewProblem(400, "connection", "192.0.2.1: Fetching http://"+o.Names[i]+"/: Timeout during connect (likely firewall problem)")
		}
		ca.Validate(url, failure)
	}
	if _, p := ca.Issue(o.URL); p != nil && len(failing) == 0 {
		return o, p
	}
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	return ca.order(ca.model.orders[lastNumber(o.URL)]), nil
}
