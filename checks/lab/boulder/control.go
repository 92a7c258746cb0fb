package boulder

import (
	"crypto"
	"fmt"
	"slices"
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
