package boulder

import (
	"maps"
	"slices"
	"time"
)

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
