// Package registry asks registries about the registration of domains.
package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"domovoy/checks"
	"domovoy/checks/pace"
)

// State is the state of a registration.
type State = checks.RegistryState

// The states.
const (
	Free        = checks.RegistryFree
	Delegated   = checks.RegistryDelegated
	Undelegated = checks.RegistryUndelegated
)

// Registration is a registry's answer about a domain. Times may be zero.
type Registration = checks.RegistryAnswer

// Errors of Ask that are about the registry and not about the domain.
var (
	ErrQuota      = errors.New("the registry's limit of questions is used up")
	ErrBanned     = fmt.Errorf("%w: it answers nothing any more", ErrQuota)
	ErrNoRegistry = errors.New("no registry is known for this name")
	ErrContrary   = errors.New("the registry says that the domain is free, but the servers of the top-level domain delegate it")
	ErrUnclear    = errors.New("the registry's answer makes no sense")
	ErrNotKept    = errors.New("what was asked of the registry cannot be kept")
	ErrTurn       = errors.New("others are asking the registry just now") // only from TryLookup
)

// Options configures a Registry; each field may be zero.
type Options struct {
	Whois   map[string]string                                                    // WHOIS servers, host:port, by public suffix as A-labels; they come before the built-in ones
	RDAP    string                                                               // base URL of the RDAP server for all other suffixes but those of TCI; empty: the built-in ones
	Rate    float64                                                              // questions a minute to each registry; 0: as many as it allows
	Now     func() time.Time                                                     // nil: time.Now
	Timeout time.Duration                                                        // of a query; 0: 15 s
	Past    checks.RegistryPast                                                  // what an earlier process asked and learned
	Keeper  Keeper                                                               // keeps it for the next process; nil: nothing does
	Parking func(servers []string) (by string)                                   // the registrar whose name servers for unpaid domains these are; nil: not known
	Dial    func(ctx context.Context, network, address string) (net.Conn, error) // connects to WHOIS servers; nil: net.Dialer
}

// Keeper keeps what was asked and learned beyond the end of the process.
type Keeper interface {
	KeepRegistration(ctx context.Context, r checks.Registration, use checks.RegistryUse) error
}

// Registry asks registries within their limits and keeps their answers. It is
// safe for concurrent use.
type Registry struct {
	options Options
	book    book
	iana    servers

	mu     sync.Mutex
	known  map[string]*checks.Registration // replaced, never changed
	shared map[string]*checks.Registration // a copy of known for readers, who do not change it; nil: known is newer
	queues map[string]*queue
}

// How long an answer about a name that fails is used, and how long a registry that
// refused is not asked again: the registries' rules say an hour.
const (
	freshFor   = 24 * time.Hour
	firstPause = 5 * time.Minute
	lastPause  = time.Hour
)

// New returns a registry client. It sends nothing yet.
func New(o Options) *Registry {
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	table, err := builtin()
	if err != nil { // a test reads the table that is built in
		table = book{}
	}
	r := &Registry{options: o, book: table, known: make(map[string]*checks.Registration, len(o.Past.Known)), queues: map[string]*queue{}}
	r.Restore(o.Past.Known)
	for _, use := range o.Past.Uses {
		q := r.queue(use.Registry)
		if !use.Asked.IsZero() {
			q.asked = append(q.asked, use.Asked)
		}
		if use.Shut.After(q.shut) {
			q.shut, q.patience = use.Shut, use.Patience
		}
	}
	return r
}

// Ask returns how the domain that a name belongs to is registered. It waits for
// the rate limit of its registry, which may take minutes: limit that by the
// context.
func (r *Registry) Ask(ctx context.Context, name string) (Registration, error) {
	return r.ask(ctx, name, patient)
}

// urgency is how a question waits for the limit of its registry.
type urgency int8

// The urgencies.
const (
	patient urgency = iota // it waits for its turn
	hasty                  // it fails with ErrTurn in place of waiting
	rolling                // it waits, and leaves a part of the limit to others; what is known is used until it is due
)

// ask is Ask with an urgency.
func (r *Registry) ask(ctx context.Context, name string, u urgency) (Registration, error) {
	domain, suffix, err := r.registered(name)
	if err != nil {
		return Registration{}, err
	}
	if answer, ok := r.remembered(domain, u); ok {
		return answer, nil
	}
	e := r.endpoint(suffix)
	if e.key == "" {
		bounded, cancel := context.WithTimeout(ctx, r.options.Timeout)
		e.rdap, err = r.iana.find(bounded, suffix, r.options.Now())
		cancel()
		if err != nil {
			return Registration{}, errors.Join(err, r.learn(ctx, checks.RegistryUse{Registry: ianaHost}, domain, Registration{}, err))
		}
		e.key = hostPort(e.rdap)
	}
	if err := r.turn(ctx, e, u); err != nil {
		return Registration{}, err
	}
	if answer, ok := r.remembered(domain, u); ok {
		return answer, nil // another goroutine asked meanwhile
	}
	if err := r.begin(ctx, e, domain); err != nil && u == rolling {
		return Registration{}, err // who asks thousands has to know what was asked
	}
	bounded, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	answer, err := e.ask(bounded, r.options.Dial, domain)
	if err != nil {
		err = fmt.Errorf("asking %s about %s: %w", e.key, domain, err)
	}
	if ctx.Err() != nil {
		return answer, cmp.Or(err, ctx.Err()) // it counts as interrupted
	}
	if kept := r.learn(ctx, checks.RegistryUse{Registry: e.key}, domain, answer, err); u == rolling {
		err = errors.Join(err, kept)
	}
	return answer, err
}

// ask asks the server about a domain.
func (e endpoint) ask(ctx context.Context, dial dialer, domain string) (Registration, error) {
	if e.whois != "" {
		return askWhois(ctx, dial, e, domain)
	}
	return askRDAP(ctx, e, domain)
}

// remembered returns the answer that is used in place of a question.
func (r *Registry) remembered(domain string, u urgency) (Registration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, now := r.of(domain), r.options.Now()
	if u == rolling {
		return k.Answer, now.Before(k.Due)
	}
	return k.Answer, k.Failure == "" && !k.Looked.IsZero() && now.Sub(k.Looked) < freshFor
}

// queue returns the questions to a server. The caller holds mu, or is New.
func (r *Registry) queue(server string) *queue {
	q := r.queues[server]
	if q == nil {
		q = &queue{patience: firstPause}
		r.queues[server] = q
	}
	return q
}

// turn waits until the registry may be asked, and notes the question; or it
// returns ErrQuota.
func (r *Registry) turn(ctx context.Context, e endpoint, u urgency) error {
	for {
		r.mu.Lock()
		q, now := r.queue(e.key), r.options.Now()
		if now.Before(q.shut) {
			until := q.shut
			r.mu.Unlock()
			return fmt.Errorf("%w until %s", ErrQuota, until.UTC().Format(time.RFC3339))
		}
		wait := q.wait(e.limit, u == rolling, now)
		if wait == 0 {
			q.take(e.limit, now)
		}
		r.mu.Unlock()
		switch {
		case wait == 0:
			return nil
		case u == hasty:
			return ErrTurn
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return fmt.Errorf("waiting for a turn at the registry: %w", context.DeadlineExceeded)
		}
		if err := pace.Sleep(ctx, wait); err != nil {
			return fmt.Errorf("waiting for a turn at the registry: %w", err)
		}
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
		u := hasty
		if t.Asked {
			u = patient
		}
		answer, err := r.ask(ctx, t.DNS.Name, u)
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
	answer, err := r.ask(ctx, name, hasty)
	return found(answer, err, "", r.options.Now())
}

func finding(code checks.Code, args checks.Args) checks.Finding {
	return checks.Finding{Code: code, Severity: code.Severity(), Args: args}
}
