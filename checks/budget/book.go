package budget

import (
	"path"
	"slices"
	"strings"
	"time"
)

// Book is what is known of CAs.
type Book struct {
	Updated Date `yaml:"updated"` // when somebody last compared it with the sources
	CAs     []CA `yaml:"cas"`
}

// CA is one certificate authority: its limits, its lifetimes, what will change.
type CA struct {
	Name          string   `yaml:"name"`
	Hosts         []string `yaml:"hosts"` // globs over the directory's host, such as *.example.com; host:port for one port
	Source        string   `yaml:"source"`
	RenewalWindow Duration `yaml:"renewal_window"` // the same names again within it are a renewal; 0: there are none
	Deactivation  Event    `yaml:"deactivation"`   // what deactivating a pending authorization counts as; empty: nothing that is known
	Limits        []Limit  `yaml:"limits"`
	Lifetimes     []Life   `yaml:"lifetimes"`
	Changes       []Change `yaml:"changes"`
}

// Scope is what has a bucket of its own.
type Scope string

// The scopes of limits.
const (
	Account Scope = "account"
	Domain  Scope = "domain" // registered domain
	Set     Scope = "set"    // exact set of names
	Name    Scope = "name"
)

// Event is what spends a token.
type Event string

// What spends.
const (
	OrderMade   Event = "order"
	CertIssued  Event = "certificate"
	CheckFailed Event = "failure" // one name's validation
)

// Exemption is a kind of order that spends nothing, and is let through by an
// empty bucket too.
type Exemption string

// The exemptions that CAs grant. What was ordered by ARI is in no log, so
// that the meter never counts on it.
const (
	ByRenewal Exemption = "renewal"
	ByARI     Exemption = "ari"
)

// Limit is one token bucket a subject.
type Limit struct {
	Name   string      `yaml:"name"`
	Scope  Scope       `yaml:"scope"`
	Spent  Event       `yaml:"spent"`
	Size   int         `yaml:"size"`
	Refill Duration    `yaml:"refill"` // after how long one token comes back
	Exempt []Exemption `yaml:"exempt"`
	From   Date        `yaml:"from"` // since when the numbers hold; zero: as far back as it matters
	Shared bool        `yaml:"all_accounts"`
	Resets bool        `yaml:"resets"` // a success fills it
	Pauses bool        `yaml:"pauses"` // when it is empty, the name is paused
}

// Life is how long what a CA gives out is good for.
type Life struct {
	Profile  string   `yaml:"profile"`
	From     Date     `yaml:"from"`
	Lifetime Duration `yaml:"lifetime"` // of a certificate
	Reuse    Duration `yaml:"reuse"`    // of a valid authorization
	Pending  Duration `yaml:"pending"`  // of one that nobody answers
}

// Change is something that changes at a CA on a day.
type Change struct {
	Date   Date              `yaml:"date"`
	Source string            `yaml:"source"`
	Text   map[string]string `yaml:"text"` // by language: small first letter, no full stop
}

// Span is how long an empty bucket takes to fill.
func (l Limit) Span() time.Duration { return time.Duration(l.Size) * time.Duration(l.Refill) }

// sparesRenewals reports whether an order for names that were issued together
// before spends nothing of it.
func (l Limit) sparesRenewals() bool { return slices.Contains(l.Exempt, ByRenewal) }

// Find is the CA of a directory's host, with or without its port; false: its
// limits are not known.
func (b *Book) Find(host string) (*CA, bool) {
	bare := host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		bare = host[:i]
	}
	for i := range b.CAs {
		for _, glob := range b.CAs[i].Hosts {
			for _, h := range []string{host, bare} {
				// The brackets of an IPv6 host mean another thing to Match.
				if ok, err := path.Match(strings.ToLower(glob), strings.ToLower(h)); ok && err == nil || strings.EqualFold(glob, h) {
					return &b.CAs[i], true
				}
			}
		}
	}
	return nil, false
}

// LimitsAt are the limits with the numbers that hold at a moment.
func (ca *CA) LimitsAt(now time.Time) []Limit {
	var limits []Limit
	for _, l := range ca.Limits {
		if l.From.Time().After(now) {
			continue
		}
		i := slices.IndexFunc(limits, func(x Limit) bool { return x.Name == l.Name })
		switch {
		case i < 0:
			limits = append(limits, l)
		case !l.From.Time().Before(limits[i].From.Time()):
			limits[i] = l
		}
	}
	return limits
}

// Life is how long a profile's certificates and authorizations are good for at
// a moment; an empty profile is the one that is listed first.
func (ca *CA) Life(profile string, now time.Time) (Life, bool) {
	var best Life
	found := false
	for _, l := range ca.Lifetimes {
		if profile == "" {
			profile = l.Profile
		}
		if l.Profile == profile && !l.From.Time().After(now) && (!found || !l.From.Time().Before(best.From.Time())) {
			best, found = l, true
		}
	}
	return best, found
}

// Coming lists the changes between two moments, soonest first.
func (ca *CA) Coming(from, to time.Time) []Change {
	var coming []Change
	for _, c := range ca.Changes {
		if c.Date.Time().After(from) && !c.Date.Time().After(to) {
			coming = append(coming, c)
		}
	}
	slices.SortStableFunc(coming, func(a, b Change) int { return a.Date.Time().Compare(b.Date.Time()) })
	return coming
}
