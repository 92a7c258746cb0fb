package boulder

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/net/publicsuffix"
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

// Profile is how long things live that are ordered by it
// (letsencrypt.org/docs/profiles, 2026-07-14).
type Profile struct {
	Names       int           // most names an order may have
	Order       time.Duration // until an order expires, if its authorizations do not sooner
	Pending     time.Duration // until an authorization that nobody answers expires
	Valid       time.Duration // for which one that was won may be used again
	Certificate time.Duration
}

// Profiles are those of Let's Encrypt; an order that names none gets "".
func Profiles() map[string]Profile {
	classic := Profile{Names: 100, Order: 7 * day, Pending: 7 * day, Valid: 30 * day, Certificate: 90 * day}
	return map[string]Profile{
		"": classic, "classic": classic,
		"tlsserver":  {Names: 25, Order: 8 * time.Hour, Pending: time.Hour, Valid: 7 * time.Hour, Certificate: 45 * day},
		"shortlived": {Names: 25, Order: 8 * time.Hour, Pending: time.Hour, Valid: 7 * time.Hour, Certificate: 160 * time.Hour},
	}
}

// reusable is how long a valid authorization must still live to be used again:
// an order is to have some time. It is an eighth of the order's own, between
// an hour and a day.
func (p Profile) reusable() time.Duration {
	return min(max(p.Order/8, time.Hour), day)
}

// authorityKey is the issuer's key identifier in the names of certificates.
const authorityKey = "boulder lab"

// ariID names a certificate to ARI (RFC 9773 section 4.1).
func ariID(serial int64) string {
	b64 := base64.RawURLEncoding
	return b64.EncodeToString([]byte(authorityKey)) + "." + b64.EncodeToString(big.NewInt(serial).Bytes())
}

// fromARI finds a certificate by such a name; 0: it is no name.
func fromARI(id string) int64 {
	_, number, _ := strings.Cut(id, ".")
	raw, err := base64.RawURLEncoding.DecodeString(number)
	if err != nil || len(raw) > 8 {
		return 0
	}
	return new(big.Int).SetBytes(raw).Int64()
}

// window is when a certificate is best renewed: around two thirds of its life,
// half of a short one, give or take a hundredth.
func (c *certificate) window() (start, end time.Time) {
	life := c.to.Add(time.Second).Sub(c.from)
	rest := life / 3
	if life < 10*day {
		rest = life / 2
	}
	ideal := c.to.Add(-rest)
	return ideal.Add(-life / 100).Truncate(time.Second), ideal.Add(life / 100).Truncate(time.Second)
}

// replacement finds the certificate that an order is to replace, and whether
// that makes it exempt from all limits: it must be the same account's, share a
// name, and the time must be right. Nil: none was named.
func (m *model) replacement(account int64, names []string, id string, now time.Time) (*certificate, bool, *Problem) {
	if id == "" {
		return nil, false, nil
	}
	c := m.certificates[fromARI(id)]
	switch {
	case c == nil:
		return nil, false, notFound("while checking that this order is a replacement: request included `replaces` field, but no current certificate with serial %q exists", id)
	case c.replaced:
		p := NewProblem(http.StatusConflict, "alreadyReplaced", "")
		p.Detail = "cannot indicate an order replaces certificate with serial \"" + serialText(c.serial) + "\", which already has a replacement order"
		return nil, false, p
	case c.account != account:
		return nil, false, unauthorized("while checking that this order is a replacement: requester account did not request the certificate being replaced by this order")
	case !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(c.names, n) }):
		return nil, false, malformed("while checking that this order is a replacement: identifiers in this order do not match any identifiers in the certificate being replaced")
	}
	start, end := c.window()
	return c, !now.Before(start) && now.Before(end), nil
}

// normalized are names as Boulder stores them: small letters, sorted, each once.
func normalized(names []string) []string {
	var list []string
	for _, name := range names {
		list = append(list, strings.ToLower(name))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// wellFormed reports the names that cannot be.
func wellFormed(names []string) *Problem {
	var wrong []Subproblem
	for _, name := range names {
		if trouble := malformation(name); trouble != "" {
			wrong = append(wrong, about(name, "malformed", trouble))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return cannotIssue(wrong)
}

// malformation is what is wrong with a name; empty: nothing. Boulder knows
// some more kinds. The reserved top-level domains test and example are
// allowed here (RFC 6761), which Boulder refuses.
func malformation(name string) string {
	bare := strings.TrimPrefix(name, "*.")
	labels := strings.Split(bare, ".")
	suffix, public := publicsuffix.PublicSuffix(bare)
	top := labels[len(labels)-1]
	reserved := top == "test" || top == "example"
	switch {
	case strings.Contains(bare, "*"):
		return "Domain name contains an invalid wildcard. A wildcard is only permitted before the first dot in a domain name"
	case strings.ContainsFunc(bare, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
	}):
		return "Domain name contains an invalid character"
	case len(bare) > 253:
		return "Domain name is longer than 253 bytes"
	case strings.HasSuffix(bare, "."):
		return "Domain name ends in a dot"
	case len(labels) > 10:
		return "Domain name has more than 10 labels (parts)"
	case len(labels) < 2:
		return "Domain name needs at least one dot"
	case slices.Contains(labels, ""):
		return "Domain name can not have two dots in a row"
	case slices.ContainsFunc(labels, func(l string) bool { return len(l) > 63 }):
		return "Domain has a label (component between dots) longer than 63 bytes"
	case !public && !strings.Contains(suffix, ".") && !reserved:
		return "Domain name does not end with a valid public suffix (TLD)"
	case bare == suffix && public:
		return "Domain name is an ICANN TLD"
	}
	return ""
}

// about is what is wrong with one name.
func about(name, kind, detail string) Subproblem {
	return Subproblem{Type: ErrorNamespace + kind, Status: http.StatusBadRequest, Detail: detail, Identifier: identifier{"dns", name}}
}

// cannotIssue names the first of the names that are refused, and counts the others.
func cannotIssue(names []Subproblem) *Problem {
	detail := fmt.Sprintf("Cannot issue for %q: %s", names[0].Identifier.Value, names[0].Detail)
	p := NewProblem(http.StatusBadRequest, "rejectedIdentifier", detail)
	if len(names) > 1 {
		p.Detail += fmt.Sprintf(" (and %d more problems. Refer to sub-problems for more information.)", len(names)-1)
		p.Subproblems = names
	}
	return p
}
