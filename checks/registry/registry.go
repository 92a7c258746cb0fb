// Package registry asks registries about the registration of domains.
package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"domovoy/checks"
)

// State is the state of a registration.
type State string

// The states.
const (
	Free        State = "free"        // anyone may register it
	Delegated   State = "delegated"   // registered, with name servers
	Undelegated State = "undelegated" // registered, but without name servers: unpaid, or never set up
)

// Registration is a registry's answer about a domain. Times may be zero.
type Registration struct {
	Domain    string
	State     State
	PaidTill  time.Time
	FreeDate  time.Time // when anyone may register it unless it is paid for
	Registrar string
	Source    string // the server that answered

	Unverified bool // the registry says that the owner is not identified; for .ru, .рф and .su required since September 2026
	Verified   bool // the registry says that the owner is identified
	Servers    bool // name servers are set, also if the registry does not publish them
	Held       bool // the registrar or the registry has stopped delegation (RFC 8056: clientHold, serverHold)
	Unpaid     bool // the registry says that it is to be deleted unless it is paid for
}

// Errors of Ask that are about the registry and not about the domain.
var (
	ErrQuota      = errors.New("the registry's limit of questions is used up")
	ErrNoRegistry = errors.New("no registry is known for this name")
	ErrContrary   = errors.New("the registry says that the domain is free, but the servers of the top-level domain delegate it")
	ErrUnclear    = errors.New("the registry's answer makes no sense")
	ErrTurn       = errors.New("others are asking the registry just now") // only from TryLookup
)

// Options configures a Registry; each field may be zero.
type Options struct {
	Whois   map[string]string // WHOIS servers, host:port, by TLD as an A-label; added to the built-in ones
	RDAP    string            // base URL of the RDAP server for all other TLDs; empty: from IANA's list
	Rate    float64           // questions a minute to each registry; 0: 30, which TCI allows per address
	Now     func() time.Time  // nil: time.Now
	Timeout time.Duration     // of a query; 0: 15 s
}

// servers returns the WHOIS servers of the zones whose registry has no RDAP
// server in IANA's list: https://tcinet.ru/en/documents/RU/whois_service.pdf.
func servers() map[string]string {
	const tci = "whois.tcinet.ru:43"
	return map[string]string{"ru": tci, "su": tci, "xn--p1ai": tci}
}

// Registry asks registries at a limited rate and keeps their answers. It is
// safe for concurrent use.
type Registry struct {
	options Options
	whois   map[string]string

	mu     sync.Mutex
	known  map[string]known
	queues map[string]*queue
}

// known is an answer and when it was received.
type known struct {
	answer Registration
	at     time.Time
}

// queue has the rate limit of one registry.
type queue struct {
	limiter *rate.Limiter
	shut    time.Time     // no question before this time
	patient time.Duration // the next backoff
}

// How long an answer is kept, how many are kept, and how long a registry that
// refused is not asked again: the registries' rules say an hour.
const (
	freshFor   = 24 * time.Hour
	mostKnown  = 20_000
	firstPause = 5 * time.Minute
	lastPause  = time.Hour
)

// New returns a registry client. It sends nothing yet.
func New(o Options) *Registry {
	if o.Rate == 0 {
		o.Rate = 30
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Registry{options: o, whois: servers(), known: map[string]known{}, queues: map[string]*queue{}}
	for tld, server := range o.Whois {
		r.whois[tld] = server
	}
	return r
}

// Ask returns how the domain that a name belongs to is registered. It waits for
// the rate limit of its registry, which may take minutes: limit that by the
// context.
func (r *Registry) Ask(ctx context.Context, name string) (Registration, error) {
	return r.ask(ctx, name, (*rate.Limiter).Wait)
}

// ask is Ask with a function that waits for the rate limit.
func (r *Registry) ask(ctx context.Context, name string, wait waiting) (Registration, error) {
	domain, tld, err := r.registered(name)
	if err != nil {
		return Registration{}, err
	}
	if answer, ok := r.remembered(domain); ok {
		return answer, nil
	}
	ask, source := r.asker(tld)
	if err := r.turn(ctx, source, wait); err != nil {
		return Registration{}, err
	}
	if answer, ok := r.remembered(domain); ok {
		return answer, nil // another goroutine asked meanwhile
	}
	bounded, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	answer, err := ask(bounded, domain)
	r.learn(source, domain, answer, err)
	if err != nil {
		return Registration{}, fmt.Errorf("asking %s about %s: %w", source, domain, err)
	}
	return answer, nil
}

// asker returns a function that asks the registry of a TLD, and a name for that
// registry.
func (r *Registry) asker(tld string) (func(context.Context, string) (Registration, error), string) {
	if server, ok := r.whois[tld]; ok {
		return func(ctx context.Context, domain string) (Registration, error) { return askWhois(ctx, server, domain) }, server
	}
	source := "rdap " + tld
	return func(ctx context.Context, domain string) (Registration, error) {
		return askRDAP(ctx, r.options.RDAP, domain)
	}, source
}

// registered returns the domain that was registered for a name, and its TLD.
// There is no registry to ask about names below a private suffix (msk.ru,
// github.io) or an unknown one, unless a WHOIS server is configured for it.
func (r *Registry) registered(name string) (domain, tld string, err error) {
	suffix, icann := checks.PublicSuffix(name)
	if !icann && r.whois[suffix] == "" {
		return "", "", fmt.Errorf("%w: %s is below %s, which has no registry", ErrNoRegistry, name, suffix)
	}
	domain = checks.RegisteredDomain(name)
	if domain == suffix {
		return "", "", fmt.Errorf("%w: %s is a public suffix", ErrNoRegistry, name)
	}
	return domain, suffix, nil
}

func (r *Registry) remembered(domain string) (Registration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.known[domain]
	return k.answer, ok && r.options.Now().Sub(k.at) < freshFor
}

// waiting waits until a rate limit allows one more query.
type waiting func(*rate.Limiter, context.Context) error

// now returns ErrTurn instead of waiting.
func now(l *rate.Limiter, _ context.Context) error {
	if !l.Allow() {
		return ErrTurn
	}
	return nil
}

// turn waits until the registry may be asked, or returns ErrQuota.
func (r *Registry) turn(ctx context.Context, source string, wait waiting) error {
	r.mu.Lock()
	q := r.queues[source]
	if q == nil {
		q = &queue{limiter: rate.NewLimiter(rate.Limit(r.options.Rate/60), 5), patient: firstPause}
		r.queues[source] = q
	}
	r.mu.Unlock()
	if err := r.open(q); err != nil {
		return err
	}
	if err := wait(q.limiter, ctx); err != nil {
		return fmt.Errorf("waiting for a turn at the registry: %w", err)
	}
	return r.open(q) // it may have refused meanwhile
}

// open returns ErrQuota while a registry must not be asked.
func (r *Registry) open(q *queue) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.options.Now().Before(q.shut) {
		return fmt.Errorf("%w until %s", ErrQuota, q.shut.UTC().Format(time.RFC3339))
	}
	return nil
}

// learn caches an answer, or starts the backoff of a registry that refused.
func (r *Registry) learn(source, domain string, answer Registration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q, now := r.queues[source], r.options.Now()
	switch {
	case errors.Is(err, ErrQuota):
		q.shut = now.Add(q.patient)
		q.patient = min(2*q.patient, lastPause)
	case err == nil:
		q.patient = firstPause
		if len(r.known) >= mostKnown {
			clear(r.known)
		}
		r.known[domain] = known{answer, now}
	}
}

// Name is the name of the check in outcomes and failures.
const Name = "registry"

// Check finds out from a registry why DNS does not know a name, and fills in the
// term of one that is delegated. If a person
// waits for the answer, it waits for the registry's rate limit, possibly for
// minutes; else it fails with ErrTurn. r may be nil: no registry is asked.
func (r *Registry) Check() checks.Check {
	c := checks.Check{
		Name:  Name,
		Scope: checks.ScopeName,
		Live:  true,
		Codes: []checks.Code{checks.DNSUnregistered, checks.DNSUndelegated},
		Needs: checks.Needs{Registry: true},
	}
	if r == nil {
		return c
	}
	c.Run = func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
		wait := now
		if t.Asked {
			wait = (*rate.Limiter).Wait
		}
		answer, err := r.ask(ctx, t.DNS.Name, wait)
		seen, err := found(answer, err, t.DNS.Parking, r.options.Now())
		if err == nil && len(seen) == 0 {
			t.DNS.Term = checks.Term{PaidTill: answer.PaidTill, Unverified: answer.Unverified}
		}
		return Believed(seen, err, t.DNS.Delegated)
	}
	return c
}

// Believed returns what a registry said about a name, unless it says "free" of
// a domain that is delegated: that is ErrContrary.
func Believed(found []checks.Finding, err error, delegated bool) ([]checks.Finding, error) {
	if delegated && slices.ContainsFunc(found, func(f checks.Finding) bool { return f.Code == checks.DNSUnregistered }) {
		return nil, errors.Join(err, ErrContrary)
	}
	return found, err
}

// Lookup reports what the registry knows about a name that DNS does not know: it
// is free, or registered without name servers. It finds nothing for a delegated
// domain, whose problem is in its own zone, nor for a name without a known
// registry.
func (r *Registry) Lookup(ctx context.Context, name string) ([]checks.Finding, error) {
	answer, err := r.Ask(ctx, name)
	return found(answer, err, "", r.options.Now())
}

// TryLookup is Lookup without waiting for the rate limit, so that one name of
// thousands does not delay the others. If it would have to wait, it fails with
// ErrTurn.
func (r *Registry) TryLookup(ctx context.Context, name string) ([]checks.Finding, error) {
	answer, err := r.ask(ctx, name, now)
	return found(answer, err, "", r.options.Now())
}

func finding(code checks.Code, args checks.Args) checks.Finding {
	return checks.Finding{Code: code, Severity: code.Severity(), Args: args}
}
