package boulder

import (
	"crypto"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Script is how things will go for a name; nil means well.
type Script struct {
	Validation *Problem // stands in the challenge; counts as a failed validation
	Issuing    *Problem // fails the order when it is finalized
}

// Seed is an order that is simply there: no limit was asked, nothing spent.
type Seed struct {
	Names   []string
	Profile string
	Status  Status            // of all its authorizations; empty: Pending
	Except  map[string]Status // of some
	Expires time.Time         // of the authorizations; zero: as if they had been made now
}

// Register finds the account of a public key, or makes one; nil makes one that
// nobody has the key of: a foreign one.
func (ca *CA) Register(key crypto.PublicKey) Account {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	a := ca.model.register(key, ca.opts.Clock())
	return Account{a.id, ca.accountURL(a.id)}
}

// Place puts an order into the CA.
func (ca *CA) Place(account int64, s Seed) Order {
	m, now := ca.model, ca.opts.Clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	profile := ca.opts.Profiles[s.Profile]
	o := &order{id: m.number(), account: account, names: normalized(s.Names), profile: s.Profile, created: now.UTC().Truncate(time.Second)}
	for _, name := range o.names {
		a := m.authorize(account, name, s.Profile, now.Add(profile.Pending))
		status := s.Status
		if is, ok := s.Except[name]; ok {
			status = is
		}
		m.settle(a, status, s.Expires, now)
		o.authorizations = append(o.authorizations, a)
		if o.expires.IsZero() || a.expires.Before(o.expires) {
			o.expires = a.expires
		}
	}
	m.store(o)
	return ca.order(o)
}

// settle gives a seeded authorization its state.
func (m *model) settle(a *authorization, status Status, expires, now time.Time) {
	switch status {
	case "":
		status = Pending
	case Valid:
		a.expires = now.Add(m.opts.Profiles[a.profile].Valid).UTC().Truncate(time.Second)
		m.wins[pair{a.account, a.name}] = append(m.wins[pair{a.account, a.name}], a)
		a.solved = now.UTC().Truncate(time.Second)
	case Invalid:
		a.failure = NewProblem(400, "connection", "192.0.2.1: Fetching http://"+a.name+"/.well-known/acme-challenge/"+a.token+": Connection refused")
		a.solved = now.UTC().Truncate(time.Second)
	}
	a.status = status
	if !expires.IsZero() {
		a.expires = expires.UTC().Truncate(time.Second)
	}
}

// Populate places so many orders of one name each, for each of the names, and
// gives the URLs of their authorizations.
func (ca *CA) Populate(account int64, names []string, each int, status Status) []string {
	var urls []string
	for _, name := range names {
		for range each {
			urls = append(urls, ca.Place(account, Seed{Names: []string{name}, Status: status}).Authorizations...)
		}
	}
	return urls
}

// Names makes n names of a domain: "site0001.<domain>" and so on.
func Names(n int, domain string) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("site%04d.%s", i+1, domain))
	}
	return names
}

// Set gives an authorization another state, as if the world had changed.
func (ca *CA) Set(url string, status Status) {
	ca.change(url, func(a *authorization) {
		a.status = status
		if owner := (pair{a.account, a.name}); status == Valid && !slices.Contains(ca.model.wins[owner], a) {
			ca.model.wins[owner] = append(ca.model.wins[owner], a)
		}
	})
}

// Expire ends the time of authorizations.
func (ca *CA) Expire(urls ...string) {
	for _, url := range urls {
		ca.change(url, func(a *authorization) { a.expires = ca.opts.Clock().Add(-time.Second) })
	}
}

// change does something to an authorization, if there is such a one.
func (ca *CA) change(url string, how func(*authorization)) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	if a := ca.model.authorizations[lastNumber(url)]; a != nil {
		how(a)
	}
}

// Script says how things go for a name from now on.
func (ca *CA) Script(name string, s Script) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	ca.model.scripts[name] = s
}

// SetAccount gives an account a state: Valid, Deactivated or Revoked.
func (ca *CA) SetAccount(account int64, status Status) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	ca.model.accounts[account].status = status
}

// Block refuses all orders of an account with the operator's message; an empty one ends that.
func (ca *CA) Block(account int64, message string) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	ca.model.accounts[account].blocked = message
}

// Pause pauses names of an account, as if they had failed 1,152 times.
func (ca *CA) Pause(account int64, names ...string) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	for _, name := range names {
		ca.model.pauses[pair{account, name}] = pause{at: ca.opts.Clock()}
	}
}

// Unpause lifts all pauses of an account, as a person does by pressing the button.
func (ca *CA) Unpause(account int64) int {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	return ca.model.lift(account, ca.opts.Clock())
}

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

// Account is an account as the CA knows it.
type Account struct {
	ID  int64
	URL string
}

// Order is an order as the CA knows it.
type Order struct {
	URL            string
	Account        int64
	Names          []string
	Authorizations []string // URLs, in the order of the names
	Status         Status
	Expires        time.Time
	Certificate    string // the name ARI has for it; empty: not issued
}

// Authorization is an authorization as the CA knows it, whatever it tells a client.
type Authorization struct {
	URL     string
	Account int64
	Name    string // with the "*." of a wildcard
	Status  Status // as stored: see Expires
	Expires time.Time
}

// Paused lists the names of an account that are paused, sorted.
func (ca *CA) Paused(account int64) []string {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	var names []string
	for p, is := range ca.model.pauses {
		if p.account == account && is.lifted.IsZero() {
			names = append(names, p.name)
		}
	}
	slices.Sort(names)
	return names
}

// Authorization finds an authorization by its URL; false when there never was one.
func (ca *CA) Authorization(url string) (Authorization, bool) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	a := ca.model.authorizations[lastNumber(url)]
	if a == nil {
		return Authorization{}, false
	}
	return ca.authorization(a), true
}

// Authorizations lists all of an account's, in the order they were made.
func (ca *CA) Authorizations(account int64) []Authorization {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	var list []Authorization
	for _, a := range all(ca.model.authorizations, func(a *authorization) bool { return a.account == account }) {
		list = append(list, ca.authorization(a))
	}
	return list
}

// Orders lists all of an account's, in the order they were made.
func (ca *CA) Orders(account int64) []Order {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	var list []Order
	for _, o := range all(ca.model.orders, func(o *order) bool { return o.account == account }) {
		list = append(list, ca.order(o))
	}
	return list
}

func (ca *CA) authorization(a *authorization) Authorization {
	return Authorization{ca.authorizationURL(a.account, a.id), a.account, a.name, a.status, a.expires}
}

func (ca *CA) order(o *order) Order {
	out := Order{URL: ca.numbered("/acme/order/", o.account, o.id), Account: o.account, Names: slices.Clone(o.names),
		Status: o.status(ca.opts.Clock()), Expires: o.expires}
	for _, a := range o.authorizations {
		out.Authorizations = append(out.Authorizations, ca.authorizationURL(a.account, a.id))
	}
	if o.certificate != nil {
		out.Certificate = ariID(o.certificate.serial)
	}
	return out
}

func (ca *CA) accountURL(id int64) string { return ca.url + "/acme/acct/" + strconv.FormatInt(id, 10) }

func (ca *CA) authorizationURL(account, id int64) string {
	return ca.numbered("/acme/authz/", account, id)
}

func (ca *CA) numbered(path string, account, id int64) string {
	return ca.url + path + strconv.FormatInt(account, 10) + "/" + strconv.FormatInt(id, 10)
}

// lastNumber is the number at the end of a URL; 0: there is none.
func lastNumber(url string) int64 {
	n, err := strconv.ParseInt(url[strings.LastIndexByte(url, '/')+1:], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Charge is one failed validation that was counted.
type Charge struct {
	Account int64
	Name    string // with the "*." of a wildcard
	Reason  ChargeReason
	At      time.Time
}

// Deactivation is one that was carried out, with or without an effect.
type Deactivation struct {
	URL     string
	Account int64
	Name    string // with the "*." of a wildcard
	Before  Status // only pending and valid ones change, only pending ones are charged
	At      time.Time

	id int64
}

// ledger is what happened, in order.
type ledger struct {
	charges       []Charge
	deactivations []Deactivation
}

// Charges lists the failed validations that were counted.
func (ca *CA) Charges() []Charge {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	return slices.Clone(ca.model.ledger.charges)
}

// Charged counts an account's charges by name.
func (ca *CA) Charged(account int64) map[string]int {
	counts := map[string]int{}
	for _, c := range ca.Charges() {
		if c.Account == account {
			counts[c.Name]++
		}
	}
	return counts
}

// Deactivations lists the deactivations that were carried out; who does one
// twice is in it twice.
func (ca *CA) Deactivations() []Deactivation {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	list := slices.Clone(ca.model.ledger.deactivations)
	for i := range list {
		list[i].URL = ca.authorizationURL(list[i].Account, list[i].id)
	}
	return list
}

// DeactivatedTwice lists the authorizations that were deactivated more often than once.
func (ca *CA) DeactivatedTwice() []string {
	counts := map[string]int{}
	for _, d := range ca.Deactivations() {
		counts[d.URL]++
	}
	maps.DeleteFunc(counts, func(_ string, n int) bool { return n < 2 })
	return slices.Sorted(maps.Keys(counts))
}

// Spent counts the tokens taken from a bucket in all, whatever has come back
// since. The limits that are counted over all accounts have the account 0; the
// subject is a name, a registered domain, names joined by commas, or empty.
func (ca *CA) Spent(limit LimitName, account int64, subject string) int {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	return ca.model.spent[bucketKey{limit, account, subject}]
}

// Left is what a bucket holds just now, and how long until it holds one token
// (0: it does). Its arguments are those of Spent.
func (ca *CA) Left(limit LimitName, account int64, subject string) (tokens int, wait time.Duration) {
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	v := ca.model.buckets.ask(ca.opts.Limits[limit], bucketKey{limit, account, subject}, ca.opts.Clock())
	return v.left, v.wait
}
