// Package pace spreads events over time: connections to an address, messages
// to a channel or a chat.
package pace

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/time/rate"
)

// kept is how many keys are remembered before idle ones are removed.
const kept = 1000

// Keyed limits the rate of events of each key separately. Everything that acts
// on the same keys shares one Keyed. A nil Keyed has no limit. It is safe for
// concurrent use.
type Keyed[K comparable] struct {
	limit rate.Limit
	burst int

	mu       sync.Mutex // guards the fields below
	places   int        // that share the limit, at least 1
	limiters map[K]*rate.Limiter
	forgetAt int // number of keys at which idle ones are removed
}

// New allows perSecond events a second for each key, after a burst of at most
// burst events. Zero or less means no limit.
func New[K comparable](perSecond rate.Limit, burst int) *Keyed[K] {
	return &Keyed[K]{limit: perSecond, burst: burst, places: 1, limiters: map[K]*rate.Limiter{}, forgetAt: kept}
}

// Share divides the limit among so many places that act on the same keys: each keeps
// to its part, so that together they keep to the limit. Fewer than one count as one.
func (k *Keyed[K]) Share(places int) {
	if k == nil || k.limit <= 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if places = max(1, places); places == k.places {
		return
	}
	k.places = places
	for _, l := range k.limiters {
		l.SetLimit(k.part())
	}
}

// part is the limit of this place.
func (k *Keyed[K]) part() rate.Limit { return k.limit / rate.Limit(k.places) }

// Wait returns when the key's next event may happen. It returns an error at
// once if the context's deadline comes before that, and when the context ends.
func (k *Keyed[K]) Wait(ctx context.Context, key K) error {
	if k == nil || k.limit <= 0 {
		return ctx.Err()
	}
	if err := k.limiter(key).Wait(ctx); err != nil {
		return fmt.Errorf("waiting for a turn at %v: %w", key, err)
	}
	return nil
}

// Reserve reserves the key's next event, which may happen after the
// reservation's delay. A caller that does not want to wait that long cancels
// it.
func (k *Keyed[K]) Reserve(key K) *rate.Reservation {
	if k == nil || k.limit <= 0 {
		return rate.NewLimiter(rate.Inf, 0).Reserve()
	}
	return k.limiter(key).Reserve()
}

// limiter returns the key's limiter, and removes idle keys if there are too
// many. That threshold grows with the number of busy keys, so that not every
// new key requires checking all others.
func (k *Keyed[K]) limiter(key K) *rate.Limiter {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.limiters[key]; l != nil {
		return l
	}
	if len(k.limiters) >= k.forgetAt {
		for old, l := range k.limiters {
			if l.Tokens() >= float64(k.burst) { // as full as a new one
				delete(k.limiters, old)
			}
		}
		k.forgetAt = max(kept, 2*len(k.limiters))
	}
	l := rate.NewLimiter(k.part(), k.burst)
	k.limiters[key] = l
	return l
}
