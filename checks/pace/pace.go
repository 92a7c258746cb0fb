// Package pace spreads the connections to each address over time.
package pace

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// kept is how many addresses are remembered before idle ones are let go.
const kept = 4096

// Pace lets so many connections a second start to one address, whoever makes
// them: one Pace is shared by all that connect. It is safe for concurrent use.
type Pace struct {
	limit rate.Limit
	mu    sync.Mutex
	each  map[netip.Addr]*rate.Limiter
}

// New allows so many connections a second to one address; zero or less is no
// limit.
func New(perSecond float64) *Pace {
	return &Pace{limit: rate.Limit(perSecond), each: map[netip.Addr]*rate.Limiter{}}
}

// Wait returns when the next connection to the address may start, or an error
// when the context does not last until then. A nil Pace has no limit.
func (p *Pace) Wait(ctx context.Context, a netip.Addr) error {
	if p == nil || p.limit <= 0 {
		return ctx.Err()
	}
	if err := p.of(a.Unmap()).Wait(ctx); err != nil {
		return fmt.Errorf("waiting for a turn at %s: %w", a, err)
	}
	return nil
}

func (p *Pace) of(a netip.Addr) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.each[a]; l != nil {
		return l
	}
	if len(p.each) >= kept {
		for old, l := range p.each {
			if l.Tokens() >= 1 {
				delete(p.each, old)
			}
		}
	}
	l := rate.NewLimiter(p.limit, 1)
	p.each[a] = l
	return l
}
