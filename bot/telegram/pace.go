package telegram

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Telegram publishes one message a second in a chat, 20 a minute in a group,
// 30 a second in all; short bursts pass. The rates here stay below, bursts
// included: no minute sees more than 18 messages to a group, no second more
// than 30 in all. https://core.telegram.org/bots/faq
const (
	chatEvery  = time.Second
	chatBurst  = 3
	groupEvery = time.Minute / 12
	groupBurst = 6
	allEvery   = time.Second / 25
	allBurst   = 5

	// maxPaces is how many chats are remembered before idle ones are forgotten.
	maxPaces = 1000
)

// pace makes calls wait for their turn.
type pace struct {
	all *rate.Limiter

	mu    sync.Mutex // guards chats
	chats map[int64][]*rate.Limiter
}

func newPace() *pace {
	return &pace{
		all:   rate.NewLimiter(rate.Every(allEvery), allBurst),
		chats: map[int64][]*rate.Limiter{},
	}
}

// wait returns when one more message may go to the chat. The overall turn
// comes last, so that a slow chat holds up no other one.
func (p *pace) wait(ctx context.Context, chat int64) error {
	for _, limiter := range append(p.of(chat), p.all) {
		if err := limiter.Wait(ctx); err != nil {
			return fmt.Errorf("waiting for a turn: %w", err)
		}
	}
	return nil
}

// of returns a chat's limiters in a slice that append copies.
func (p *pace) of(chat int64) []*rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	limiters := p.chats[chat]
	if limiters == nil {
		p.forget()
		limiters = []*rate.Limiter{rate.NewLimiter(rate.Every(chatEvery), chatBurst)}
		if chat < 0 { // groups have negative ids
			limiters = append(limiters, rate.NewLimiter(rate.Every(groupEvery), groupBurst))
		}
		p.chats[chat] = limiters
	}
	return limiters[:len(limiters):len(limiters)]
}

// forget drops the chats that have waited long enough to start afresh.
func (p *pace) forget() {
	if len(p.chats) < maxPaces {
		return
	}
	for chat, limiters := range p.chats {
		idle := true
		for _, l := range limiters {
			idle = idle && l.Tokens() >= float64(l.Burst())
		}
		if idle {
			delete(p.chats, chat)
		}
	}
}
