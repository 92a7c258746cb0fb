package cert

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// paceKept is how many addresses are remembered before idle ones are let go.
const paceKept = 4096

// pace spreads the connections to each address over time.
type pace struct {
	limit rate.Limit
	mu    sync.Mutex
	each  map[netip.Addr]*rate.Limiter
}

// newPace allows so many connections a second to one address; zero or less
// is no limit.
func newPace(perSecond float64) *pace {
	return &pace{limit: rate.Limit(perSecond), each: map[netip.Addr]*rate.Limiter{}}
}

// wait returns when the next connection may start, or an error when the
// context does not last until then.
func (p *pace) wait(ctx context.Context, a netip.Addr) error {
	if p.limit <= 0 {
		return ctx.Err()
	}
	if err := p.of(a).Wait(ctx); err != nil {
		return fmt.Errorf("waiting for a turn: %w", err)
	}
	return nil
}

func (p *pace) of(a netip.Addr) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.each[a]; l != nil {
		return l
	}
	if len(p.each) >= paceKept {
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
