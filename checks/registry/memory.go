package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"domovoy/checks"
)

// Look asks the registry of a domain, if what is known of it is due. It waits for
// its turn, which is spread over the time that the registry's limit allows and
// leaves a part of the limit to people and to sweeps.
func (r *Registry) Look(ctx context.Context, domain string) error {
	_, err := r.ask(ctx, domain, rolling)
	if errors.Is(err, ErrNoRegistry) && r.Known(domain).Due.Before(r.options.Now()) {
		return errors.Join(err, r.learn(ctx, checks.RegistryUse{}, domain, Registration{}, err))
	}
	return err
}

// Restore makes what an earlier process knew what is known now.
func (r *Registry) Restore(known []checks.Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range known {
		r.remember(k)
	}
}

// Freshen is Look for a person who waits for the answer: it takes the next
// question that the limit allows.
func (r *Registry) Freshen(ctx context.Context, domain string) error {
	if r.options.Now().Before(r.Known(domain).Due) {
		return nil
	}
	_, err := r.ask(ctx, domain, patient)
	return err
}

// Known is what is known of a domain.
func (r *Registry) Known(domain string) checks.Registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of(domain)
}

// All is what is known of all domains; nobody may change it.
func (r *Registry) All() map[string]*checks.Registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shared == nil {
		r.shared = maps.Clone(r.known)
	}
	return r.shared
}

// of is Known for callers that hold mu.
func (r *Registry) of(domain string) checks.Registration {
	if k := r.known[domain]; k != nil {
		return *k
	}
	return checks.Registration{Domain: domain}
}

// Zone is the part of the domains that are asked one after the other: those of a
// public suffix and of what is above it, such as com.ua and ua.
func (r *Registry) Zone(domain string) string { return domain[strings.LastIndexByte(domain, '.')+1:] }

// begin notes that a domain is being asked about. If the program ends before the
// answer, the next process does not ask at once again.
func (r *Registry) begin(ctx context.Context, e endpoint, domain string) error {
	r.mu.Lock()
	now := r.options.Now()
	k := r.of(domain)
	k.Registry, k.Asked, k.Due, k.Failure = e.key, now, now.Add(firstRetry), checks.RegistryInterrupted
	r.remember(k)
	r.mu.Unlock()
	return r.keep(ctx, k, checks.RegistryUse{Registry: e.key, Asked: now})
}

// learn notes an answer, or why there is none, and starts the backoff of a
// registry that refused. The error is of the Keeper.
func (r *Registry) learn(ctx context.Context, use checks.RegistryUse, domain string, answer Registration, err error) error {
	r.mu.Lock()
	k, now := r.of(domain), r.options.Now()
	k.Failure = failure(err)
	if use.Registry == ianaHost { // no registry was asked, since the list does not come
		k.Registry, k.Asked = use.Registry, now
	}
	switch {
	case err == nil:
		k.Looked, k.Answer, k.Failures = now, answer, 0
		if k.Parking = ""; r.options.Parking != nil {
			k.Parking = r.options.Parking(answer.NameServers)
		}
		k.Due = dueAfter(k)
		r.queue(use.Registry).patience = firstPause
	case k.Failure == checks.RegistryQuota:
		q := r.queue(use.Registry)
		if errors.Is(err, ErrBanned) {
			q.patience = lastPause
		}
		q.shut = now.Add(q.patience)
		q.patience = min(2*q.patience, lastPause)
		use.Shut, use.Patience = q.shut, q.patience
		k.Failures++
		k.Due = q.shut
	case k.Failure == checks.RegistryNone:
		k.Due = now.Add(undatedPeriod)
	default:
		k.Failures++
		k.Due = now.Add(retryAfter(k.Failures))
	}
	r.remember(k)
	r.mu.Unlock()
	return r.keep(ctx, k, use)
}

// remember replaces what is known of a domain. The caller holds mu.
func (r *Registry) remember(k checks.Registration) {
	r.known[k.Domain] = &k
	r.shared = nil
}

func (r *Registry) keep(ctx context.Context, k checks.Registration, use checks.RegistryUse) error {
	if r.options.Keeper == nil {
		return nil
	}
	if err := r.options.Keeper.KeepRegistration(ctx, k, use); err != nil {
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return nil
}

// failure is the word for an error; empty for none.
func failure(err error) checks.RegistryFailure {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrQuota):
		return checks.RegistryQuota
	case errors.Is(err, ErrNoRegistry):
		return checks.RegistryNone
	case errors.Is(err, ErrUnclear):
		return checks.RegistryUnclear
	}
	return checks.RegistryUnreachable
}
