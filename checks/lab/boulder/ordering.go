package boulder

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Wish is what a client asks to have a certificate for.
type Wish struct {
	Names    []string
	Profile  string
	Replaces string // the ARI identifier of a certificate; may be empty (RFC 9773)
}

// newOrder does what a request for an order does, in Boulder's sequence: what
// comes first is what a client hears of.
func (m *model) newOrder(a *account, w Wish, now time.Time) (*order, *Problem) {
	names := normalized(w.Names)
	if p := wellFormed(names); p != nil {
		return nil, p.under("Invalid identifiers requested")
	}
	if a.blocked != "" {
		return nil, unauthorized("Account blocked :: %s", a.blocked)
	}
	if p := m.paused(a.id, names, now); p != nil {
		return nil, p
	}
	replaced, exempt, p := m.replacement(a.id, names, w.Replaces, now)
	if p != nil {
		return nil, p.under("Could not validate ARI 'replaces' field")
	}
	profile, known := m.opts.Profiles[w.Profile]
	if !known {
		return nil, NewProblem(http.StatusBadRequest, "invalidProfile", `profile name "`+w.Profile+`" not recognized`)
	}
	renewal := m.renewal(names, now)
	if !exempt {
		if p := m.spendOrder(a.id, names, renewal, now); p != nil {
			return nil, p
		}
	}
	if p := m.willing(names, profile); p != nil {
		if !exempt && !renewal {
			m.refundOrder(a.id, now)
		}
		return nil, p.under("Error creating new order")
	}
	if o := m.reusableOrder(a.id, names, w.Profile, now); o != nil {
		return o, nil // the token stays spent
	}
	o := m.makeOrder(a.id, names, w, now)
	if replaced != nil {
		replaced.replaced = true // until the order fails, at Boulder; here for good
	}
	return o, nil
}

// makeOrder takes over what was won before, and begins the rest anew.
func (m *model) makeOrder(account int64, names []string, w Wish, now time.Time) *order {
	profile := m.opts.Profiles[w.Profile]
	o := &order{id: m.number(), account: account, names: names, profile: w.Profile, replaces: w.Replaces,
		created: now.UTC().Truncate(time.Second), expires: now.Add(profile.Order)}
	for _, name := range names {
		a := m.reusableAuthorization(account, name, w.Profile, now)
		if a == nil {
			a = m.authorize(account, name, w.Profile, now.Add(profile.Pending))
		}
		o.authorizations = append(o.authorizations, a)
		if a.expires.Before(o.expires) {
			o.expires = a.expires
		}
	}
	o.expires = o.expires.UTC().Truncate(time.Second)
	m.store(o)
	return o
}

// willing reports what policy has against an order.
func (m *model) willing(names []string, profile Profile) *Problem {
	if len(names) > profile.Names {
		return malformed("Order cannot contain more than %d identifiers", profile.Names)
	}
	var refused []Subproblem
	for _, name := range names {
		if slices.Contains(m.opts.Forbidden, strings.TrimPrefix(name, "*.")) {
			refused = append(refused, about(name, "rejectedIdentifier",
				"The ACME server refuses to issue a certificate for this domain name, because it is forbidden by policy"))
		}
	}
	if len(refused) > 0 {
		return cannotIssue(refused)
	}
	for _, name := range names {
		_, parent, _ := strings.Cut(name, ".")
		if !strings.HasPrefix(name, "*.") && slices.Contains(names, "*."+parent) {
			return malformed("Domain name %q is redundant with a wildcard domain in the same request. Remove one or the other from the certificate request.", name)
		}
	}
	return nil
}

// conclude ends a pending authorization, as a validation does; nil is success.
// A failure is charged, a success forgets all failures that lead to a pause.
func (m *model) conclude(a *authorization, failure *Problem, now time.Time) {
	if a.status != Pending || a.expires.Before(now) {
		return
	}
	a.solved = now.UTC().Truncate(time.Second)
	if failure != nil {
		a.status, a.failure = Invalid, failure
		m.charge(pair{a.account, a.name}, ChargedFailure, now)
		return
	}
	a.status = Valid
	a.expires = now.Add(m.opts.Profiles[a.profile].Valid).UTC().Truncate(time.Second)
	owner := pair{a.account, a.name}
	m.wins[owner] = append(m.wins[owner], a)
	delete(m.buckets, bucketKey{ConsecutiveFailures, a.account, a.name})
}

// deactivate does what Boulder does: a pending or valid one is deactivated,
// and a pending one charged; any other stays what it is, and no word is said.
func (m *model) deactivate(a *authorization, now time.Time) {
	m.ledger.deactivations = append(m.ledger.deactivations,
		Deactivation{id: a.id, Account: a.account, Name: a.name, Before: a.status, At: now})
	was := a.status
	if was == Pending || was == Valid {
		a.status = Deactivated
	}
	if was == Pending {
		m.charge(pair{a.account, a.name}, ChargedDeactivation, now)
	}
}

// issue gives a certificate for an order that is ready. The caller sees to it that it is.
func (m *model) issue(o *order, now time.Time) (*certificate, *Problem) {
	for _, name := range o.names {
		if p := m.scripts[name].Issuing; p != nil {
			o.failure = p.under("Error finalizing order")
			return nil, o.failure
		}
	}
	from := now.Add(-time.Hour).UTC().Truncate(time.Second) // Boulder backdates by an hour
	c := &certificate{serial: m.number(), account: o.account, names: o.names, from: from,
		to: from.Add(m.opts.Profiles[o.profile].Certificate - time.Second)}
	m.certificates[c.serial] = c
	o.certificate = c
	m.spendIssued(o.names, m.renewal(o.names, now), now)
	m.issued[setOf(o.names)] = now
	return c, nil
}
