package boulder

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Status is a state of an order or an authorization (RFC 8555 section 7.1.6).
type Status string

// The statuses that Boulder stores. Expired is not one of them: expired objects
// are not found.
const (
	Pending     Status = "pending"
	Ready       Status = "ready"
	Valid       Status = "valid"
	Invalid     Status = "invalid"
	Deactivated Status = "deactivated"
)

const day = 24 * time.Hour

// Lifetimes of the profile classic, the only one here
// (letsencrypt.org/docs/profiles, 2026-07-14).
const (
	pendingLife  = 7 * day
	validLife    = 30 * day
	reusableLife = pendingLife / 8 // remaining life that a valid authorization needs to be reused
)

// model is the CA's data, without the HTTP layer.
type model struct {
	url    string // of the CA
	limits Limits // read only

	mu             sync.Mutex
	serial         int64 // the last number assigned
	accounts       map[int64]*account
	keys           map[string]*account // by the key's thumbprint
	orders         map[int64]*order
	sets           map[string][]*order // by set of names
	authorizations map[int64]*authorization
	valid          map[pair][]*authorization // those that were ever valid
	issued         map[string]time.Time      // by set of names: time of the last certificate
	buckets        buckets
	paused         map[pair]bool
	charged        map[pair]int
	deactivations  []Deactivation
}

// pair is an account and a name, for which failures are counted. A wildcard
// counts as a name of its own, with its "*.".
type pair struct {
	account int64
	name    string
}

type account struct {
	id  int64
	key *jose.JSONWebKey // nil: no client can sign for it
}

type authorization struct {
	id      int64
	account int64
	name    string // with the "*." of a wildcard
	status  Status // as stored: it does not change when the authorization expires
	expires time.Time
}

type order struct {
	id             int64
	account        int64
	names          []string // sorted
	authorizations []*authorization
	expires        time.Time
	issued         bool
}

func newModel(limits Limits) *model {
	return &model{
		limits: limits, serial: 1_000_000,
		accounts: map[int64]*account{}, keys: map[string]*account{},
		orders: map[int64]*order{}, sets: map[string][]*order{},
		authorizations: map[int64]*authorization{}, valid: map[pair][]*authorization{},
		issued: map[string]time.Time{}, buckets: buckets{}, paused: map[pair]bool{}, charged: map[pair]int{},
	}
}

// number returns the next number. Numbers are far apart, so that a client that
// guesses neighbouring ones finds nothing.
func (m *model) number() int64 {
	m.serial += 7919
	return m.serial
}

// status returns an order's status, which is computed when it is read: Boulder
// stores none.
func (o *order) status(now time.Time) Status {
	if o.expires.Before(now) {
		return Invalid
	}
	pending := false
	for _, a := range o.authorizations {
		if a.expires.Before(now) || a.status != Pending && a.status != Valid {
			return Invalid
		}
		pending = pending || a.status == Pending
	}
	switch {
	case pending:
		return Pending
	case o.issued:
		return Valid
	default:
		return Ready
	}
}

// newOrder processes a request for an order. Checks are in Boulder's order, so
// that a client gets the same error. Names are not checked.
func (m *model) newOrder(account int64, names []string, now time.Time) (*order, *Problem) {
	names = normalized(names)
	if p := m.pauseOf(account, names); p != nil {
		return nil, p
	}
	if p := m.spendOrder(account, names, now); p != nil {
		return nil, p
	}
	if o := m.reusableOrder(account, names, now); o != nil {
		return o, nil // the token stays spent
	}
	o := &order{id: m.number(), account: account, names: names}
	for _, name := range names {
		a := m.reusableAuthorization(account, name, now)
		if a == nil {
			a = m.authorize(account, name, now)
		}
		o.authorizations = append(o.authorizations, a)
	}
	m.store(o, now)
	return o, nil
}

// store makes an order available by number and by names. It expires with the
// first of its authorizations.
func (m *model) store(o *order, now time.Time) {
	o.expires = seconds(now.Add(pendingLife))
	for _, a := range o.authorizations {
		if a.expires.Before(o.expires) {
			o.expires = a.expires
		}
	}
	m.orders[o.id] = o
	set := setOf(o.names)
	m.sets[set] = append(m.sets[set], o)
}

// authorize creates a pending authorization.
func (m *model) authorize(account int64, name string, now time.Time) *authorization {
	a := &authorization{id: m.number(), account: account, name: name, status: Pending, expires: seconds(now.Add(pendingLife))}
	m.authorizations[a.id] = a
	return a
}

// seconds truncates a time as Boulder stores it.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// reusableOrder returns the order that a client gets instead of a new one.
// Boulder considers one order only: of all accounts' orders for exactly these
// names, the one that expires first. A failed order hides newer ones until it
// expires.
func (m *model) reusableOrder(account int64, names []string, now time.Time) *order {
	var first *order
	for _, o := range m.sets[setOf(names)] {
		if o.expires.After(now) && (first == nil || o.expires.Before(first.expires)) {
			first = o
		}
	}
	if first == nil || first.account != account {
		return nil
	}
	if s := first.status(now); s != Pending && s != Ready {
		return nil
	}
	return first
}

// reusableAuthorization returns a valid authorization with enough lifetime
// left; pending ones are never reused (since 2025).
func (m *model) reusableAuthorization(account int64, name string, now time.Time) *authorization {
	var best *authorization
	for _, a := range m.valid[pair{account, name}] {
		fits := a.status == Valid && a.expires.After(now.Add(reusableLife))
		if fits && (best == nil || a.expires.After(best.expires)) {
			best = a
		}
	}
	return best
}

// settle sets an authorization's status.
func (m *model) settle(a *authorization, status Status) {
	a.status = status
	if owner := (pair{a.account, a.name}); status == Valid && !slices.Contains(m.valid[owner], a) {
		m.valid[owner] = append(m.valid[owner], a)
	}
}

// validate ends a pending authorization. A failure is charged, a success resets
// the failures that lead to a pause.
func (m *model) validate(a *authorization, succeeds bool, now time.Time) {
	if a.status != Pending || a.expires.Before(now) {
		return
	}
	owner := pair{a.account, a.name}
	if !succeeds {
		a.status = Invalid
		m.charge(owner, now)
		return
	}
	m.settle(a, Valid)
	a.expires = seconds(now.Add(validLife))
	delete(m.buckets, bucketKey{ConsecutiveFailures, a.account, a.name})
}

// deactivate does what Boulder does: a pending or valid authorization is
// deactivated, and a pending one charged; any other is unchanged, without an
// error.
func (m *model) deactivate(a *authorization, now time.Time) {
	url := m.numbered("/acme/authz/", a.account, a.id)
	m.deactivations = append(m.deactivations, Deactivation{URL: url, Before: a.status})
	switch a.status {
	case Pending:
		m.charge(pair{a.account, a.name}, now)
		a.status = Deactivated
	case Valid:
		a.status = Deactivated
	}
}

// issue records a certificate for an order that is ready.
func (m *model) issue(o *order, now time.Time) {
	o.issued = true
	m.spendIssued(o.names, now)
	m.issued[setOf(o.names)] = now
}

// normalized returns names as Boulder stores them: in lower case, sorted, each
// once.
func normalized(names []string) []string {
	var list []string
	for _, name := range names {
		list = append(list, strings.ToLower(name))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// setOf returns the key of a set of names, which are already sorted.
func setOf(names []string) string { return strings.Join(names, ",") }

func (m *model) accountURL(id int64) string { return m.url + "/acme/acct/" + strconv.FormatInt(id, 10) }

func (m *model) orderURL(o *order) string { return m.numbered("/acme/order/", o.account, o.id) }

func (m *model) numbered(path string, account, id int64) string {
	return m.url + path + strconv.FormatInt(account, 10) + "/" + strconv.FormatInt(id, 10)
}

// lastNumber returns the number at the end of a URL; 0: there is none.
func lastNumber(url string) int64 {
	n, err := strconv.ParseInt(url[strings.LastIndexByte(url, '/')+1:], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
