package boulder

import (
	"crypto"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Status is a state of an account, an order or an authorization (RFC 8555 section 7.1.6).
type Status string

// The states that Boulder knows. Expired is none of them: what is over is not found.
const (
	Pending     Status = "pending"
	Ready       Status = "ready"
	Processing  Status = "processing"
	Valid       Status = "valid"
	Invalid     Status = "invalid"
	Deactivated Status = "deactivated"
	Revoked     Status = "revoked"
)

// model is what the CA knows, without the web before it.
type model struct {
	opts Options // read only
	sfe  string  // where people lift pauses: the URL of the CA

	mu     sync.Mutex
	serial int64 // the last number given to anything
	tables
	buckets buckets
	spent   map[bucketKey]int // tokens taken in all, whatever came back; also where the bucket was empty
	issued  map[string]time.Time
	pauses  map[pair]pause
	ledger  ledger
}

// tables hold the things that have numbers.
type tables struct {
	accounts       map[int64]*account
	keys           map[string]*account // by the key's thumbprint
	orders         map[int64]*order
	sets           map[string][]*order // by set of names
	authorizations map[int64]*authorization
	wins           map[pair][]*authorization // those that were ever valid
	certificates   map[int64]*certificate
	scripts        map[string]Script // by name
}

// pair is an account's name, which is what failures are counted for. A
// wildcard is a name of its own here, with its "*.".
type pair struct {
	account int64
	name    string
}

type account struct {
	id      int64
	key     *jose.JSONWebKey // nil: nobody can sign for it
	status  Status
	blocked string // the operator's message; empty: not blocked
	created time.Time
}

type authorization struct {
	id      int64
	account int64
	name    string // with the "*." of a wildcard
	status  Status // as stored: it never says that the time is over
	expires time.Time
	profile string
	token   string
	failure *Problem
	solved  time.Time // when it was won or lost; zero: not yet
}

type order struct {
	id             int64
	account        int64
	names          []string // sorted
	authorizations []*authorization
	created        time.Time
	expires        time.Time
	profile        string
	replaces       string       // ARI identifier, as the client wrote it
	certificate    *certificate // nil: not issued
	failure        *Problem
}

type certificate struct {
	serial   int64
	account  int64
	names    []string
	from, to time.Time
	replaced bool   // by an order that said so
	chain    []byte // PEM; nil: it was issued without a request
}

func newModel(o Options) *model {
	return &model{
		opts:   o,
		serial: 1_000_000,
		tables: tables{
			accounts: map[int64]*account{}, keys: map[string]*account{},
			orders: map[int64]*order{}, sets: map[string][]*order{},
			authorizations: map[int64]*authorization{}, wins: map[pair][]*authorization{},
			certificates: map[int64]*certificate{}, scripts: map[string]Script{},
		},
		buckets: buckets{}, spent: map[bucketKey]int{},
		issued: map[string]time.Time{}, pauses: map[pair]pause{},
	}
}

// number gives out the next one. They are far apart, so that a client which
// guesses its neighbours' finds nothing.
func (m *model) number() int64 {
	m.serial += 7919
	return m.serial
}

// register finds the account of a key, or makes one. A nil key makes one that
// nobody can sign for.
func (m *model) register(key crypto.PublicKey, now time.Time) *account {
	a := &account{status: Valid, created: now.UTC().Truncate(time.Second)}
	if key != nil {
		a.key = &jose.JSONWebKey{Key: key}
		if known := m.keys[thumbprint(a.key)]; known != nil {
			return known
		}
		m.keys[thumbprint(a.key)] = a
	}
	a.id = m.number()
	m.accounts[a.id] = a
	return a
}

// thumbprint tells keys apart (RFC 7638); empty for what is no key.
func thumbprint(key *jose.JSONWebKey) string {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return string(sum)
}

// status is an order's state, computed on reading: Boulder stores none.
func (o *order) status(now time.Time) Status {
	if o.failure != nil || o.expires.Before(now) {
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
	case o.certificate != nil:
		return Valid
	default:
		return Ready
	}
}

// store keeps an order where it can be found by number and by names.
func (m *model) store(o *order) {
	m.orders[o.id] = o
	set := setOf(o.names)
	m.sets[set] = append(m.sets[set], o)
}

// authorize makes a pending authorization.
func (m *model) authorize(account int64, name, profile string, expires time.Time) *authorization {
	a := &authorization{id: m.number(), account: account, name: name, status: Pending, profile: profile,
		expires: expires.UTC().Truncate(time.Second), token: newToken()}
	m.authorizations[a.id] = a
	return a
}

// reusableOrder is the order that a client gets instead of a new one. Boulder
// looks at one order only: of all accounts' for exactly these names, the one
// that expires first. A failed order hides younger ones until it expires.
func (m *model) reusableOrder(account int64, names []string, profile string, now time.Time) *order {
	var first *order
	for _, o := range m.sets[setOf(names)] {
		if o.expires.After(now) && (first == nil || o.expires.Before(first.expires)) {
			first = o
		}
	}
	if first == nil || first.account != account || first.profile != profile {
		return nil
	}
	if s := first.status(now); s != Pending && s != Ready {
		return nil
	}
	return first
}

// reusableAuthorization is a valid one that lives on for long enough; pending
// ones are never used again (since 2025).
func (m *model) reusableAuthorization(account int64, name, profile string, now time.Time) *authorization {
	var best *authorization
	for _, a := range m.wins[pair{account, name}] {
		fits := a.status == Valid && a.profile == profile && a.expires.After(now.Add(m.opts.Profiles[profile].reusable()))
		if fits && (best == nil || a.expires.After(best.expires)) {
			best = a
		}
	}
	return best
}

// all lists what has numbers, in the order it was made.
func all[T any](table map[int64]T, mine func(T) bool) []T {
	var numbers []int64
	for n, thing := range table {
		if mine(thing) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	var list []T
	for _, n := range numbers {
		list = append(list, table[n])
	}
	return list
}
