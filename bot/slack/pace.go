package slack

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"domovoy/bot"
)

// One message a second per channel, short bursts tolerated:
// https://docs.slack.dev/apis/web-api/rate-limits
const (
	perSecond = 1
	burst     = 3
	patience  = 3 * time.Second // longer waits are the outbox's
)

// pace keeps each channel within what Slack allows.
type pace struct {
	mu       sync.Mutex
	channels map[string]*rate.Limiter
}

func newPace() *pace { return &pace{channels: map[string]*rate.Limiter{}} }

// wait holds a call back until its channel may take it. When that is long it
// does not wait but asks to come back.
func (p *pace) wait(ctx context.Context, channel string) error {
	turn := p.channel(channel).Reserve()
	delay := turn.Delay()
	if delay > patience {
		turn.Cancel()
		return &bot.RetryAfter{After: delay}
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		turn.Cancel()
		return ctx.Err()
	}
}

func (p *pace) channel(id string) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter, ok := p.channels[id]
	if !ok {
		limiter = rate.NewLimiter(perSecond, burst)
		p.channels[id] = limiter
	}
	return limiter
}
