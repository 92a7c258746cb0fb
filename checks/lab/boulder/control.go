package boulder

import (
	"crypto"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Account is an account as stored by the CA.
type Account struct {
	ID  int64
	URL string
}

// Order is an order as stored by the CA.
type Order struct {
	URL            string
	Names          []string // sorted
	Authorizations []string // URLs, in the order of the names
	Status         Status
	Expires        time.Time
}

// Authorization is an authorization as stored by the CA, whatever clients get
// to see.
type Authorization struct {
	URL     string
	Name    string // with the "*." of a wildcard
	Status  Status // as stored: see Expires
	Expires time.Time
}

// Deactivation is a deactivation request that was carried out, whether or not
// it had an effect.
type Deactivation struct {
	URL    string
	Before Status // only pending and valid ones change, and only pending ones are charged
}

// Seed is an order to be stored directly: no limit is checked or spent.
type Seed struct {
	Names  []string
	Status Status // of all its authorizations; empty: Pending
}

// Register returns the account of a public key, creating it if necessary; nil
// creates one without a key, which no client can use: an account of someone
// else.
func (ca *CA) Register(key crypto.PublicKey) Account {
	m := ca.model
	m.mu.Lock()
	defer m.mu.Unlock()
	a := &account{}
	if key != nil {
		a.key = &jose.JSONWebKey{Key: key}
		if known := m.keys[thumbprint(a.key)]; known != nil {
			return Account{known.id, m.accountURL(known.id)}
		}
		m.keys[thumbprint(a.key)] = a
	}
	a.id = m.number()
	m.accounts[a.id] = a
	return Account{a.id, m.accountURL(a.id)}
}

// Place stores an order in the CA.
func (ca *CA) Place(account int64, s Seed) Order {
	m, now := ca.model, ca.opts.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	o := &order{id: m.number(), account: account, names: normalized(s.Names)}
	for _, name := range o.names {
		a := m.authorize(account, name, now)
		if s.Status != "" {
			m.settle(a, s.Status)
		}
		if s.Status == Valid {
			a.expires = seconds(now.Add(validLife))
		}
		o.authorizations = append(o.authorizations, a)
	}
	m.store(o, now)
	return m.order(o, now)
}

// Populate stores the given number of orders for each of the names, one name an
// order, and returns the URLs of their authorizations.
func (ca *CA) Populate(account int64, names []string, each int, status Status) []string {
	var urls []string
	for _, name := range names {
		for range each {
			urls = append(urls, ca.Place(account, Seed{Names: []string{name}, Status: status}).Authorizations...)
		}
	}
	return urls
}

// Names returns n names below a domain: "site0001.<domain>" and so on.
func Names(n int, domain string) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("site%04d.%s", i+1, domain))
	}
	return names
}

// Set sets an authorization's status directly.
func (ca *CA) Set(url string, status Status) {
	ca.change(url, func(a *authorization) { ca.model.settle(a, status) })
}

// Expire makes authorizations expire.
func (ca *CA) Expire(urls ...string) {
	for _, url := range urls {
		ca.change(url, func(a *authorization) { a.expires = ca.opts.Clock().Add(-time.Second) })
	}
}

// Validate ends a pending authorization, as the CA's validation of a challenge
// does.
func (ca *CA) Validate(url string, succeeds bool) {
	ca.change(url, func(a *authorization) { ca.model.validate(a, succeeds, ca.opts.Clock()) })
}

// Deactivate does what a client's deactivation does.
func (ca *CA) Deactivate(url string) {
	ca.change(url, func(a *authorization) { ca.model.deactivate(a, ca.opts.Clock()) })
}

// change modifies an authorization, if it exists.
func (ca *CA) change(url string, how func(*authorization)) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	if a := ca.model.authorizations[lastNumber(url)]; a != nil {
		how(a)
	}
}

// Order does what a client's request for an order does, with the same cost. The
// problem is what a client would receive.
func (ca *CA) Order(account int64, names ...string) (Order, *Problem) {
	m, now := ca.model, ca.opts.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	o, p := m.newOrder(account, names, now)
	if p != nil {
		return Order{}, p
	}
	return m.order(o, now), nil
}

// Issue finalizes an order (RFC 8555 section 7.4), without a certificate.
func (ca *CA) Issue(orderURL string) *Problem {
	m, now := ca.model, ca.opts.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.orders[lastNumber(orderURL)]
	if o == nil {
		return notFound("No order for ID %d", lastNumber(orderURL))
	}
	if s := o.status(now); s != Ready {
		return NewProblem(http.StatusForbidden, "orderNotReady", fmt.Sprintf("Order's status (%q) is not acceptable for finalization", s))
	}
	m.issue(o, now)
	return nil
}

// Obtain does everything that a client does to get a certificate: an order, a
// successful validation of each name that needs one, and issuing.
func (ca *CA) Obtain(account int64, names ...string) *Problem {
	o, p := ca.Order(account, names...)
	if p != nil {
		return p
	}
	for _, url := range o.Authorizations {
		ca.Validate(url, true)
	}
	return ca.Issue(o.URL)
}

// Authorization returns an authorization by its URL; false if it never existed.
func (ca *CA) Authorization(url string) (Authorization, bool) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	a := ca.model.authorizations[lastNumber(url)]
	if a == nil {
		return Authorization{}, false
	}
	return ca.model.authorization(a), true
}

// Authorizations returns all authorizations of an account, in order of
// creation.
func (ca *CA) Authorizations(account int64) []Authorization {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	var list []Authorization
	for _, id := range slices.Sorted(maps.Keys(ca.model.authorizations)) {
		if a := ca.model.authorizations[id]; a.account == account {
			list = append(list, ca.model.authorization(a))
		}
	}
	return list
}

func (m *model) authorization(a *authorization) Authorization {
	return Authorization{m.numbered("/acme/authz/", a.account, a.id), a.name, a.status, a.expires}
}

func (m *model) order(o *order, now time.Time) Order {
	out := Order{URL: m.orderURL(o), Names: slices.Clone(o.names), Status: o.status(now), Expires: o.expires}
	for _, a := range o.authorizations {
		out.Authorizations = append(out.Authorizations, m.numbered("/acme/authz/", a.account, a.id))
	}
	return out
}

// Charged returns the number of failed validations charged to an account, by
// name.
func (ca *CA) Charged(account int64) map[string]int {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	counts := map[string]int{}
	for p, n := range ca.model.charged {
		if p.account == account {
			counts[p.name] = n
		}
	}
	return counts
}

// Deactivations returns the deactivations that were carried out; an
// authorization that was deactivated twice is listed twice.
func (ca *CA) Deactivations() []Deactivation {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	return slices.Clone(ca.model.deactivations)
}

// DeactivatedTwice returns the authorizations that were deactivated more than
// once.
func (ca *CA) DeactivatedTwice() []string {
	counts := map[string]int{}
	for _, d := range ca.Deactivations() {
		counts[d.URL]++
	}
	maps.DeleteFunc(counts, func(_ string, n int) bool { return n < 2 })
	return slices.Sorted(maps.Keys(counts))
}

// Left returns how many tokens a bucket has now. For limits that are counted
// over all accounts, account is 0; the subject is a name, a registered domain,
// names joined by commas, or empty.
func (ca *CA) Left(limit LimitName, account int64, subject string) int {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	return ca.model.buckets.ask(ca.model.limits[limit], bucketKey{limit, account, subject}, ca.opts.Clock()).left
}
