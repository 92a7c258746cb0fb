package telegram

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"domovoy/checks/pace"
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
)

// paces make calls wait for their turn.
type paces struct {
	chats  *pace.Keyed[int64]
	groups *pace.Keyed[int64]
	all    *rate.Limiter
}

func newPace() *paces {
	return &paces{
		chats:  pace.New[int64](rate.Every(chatEvery), chatBurst),
		groups: pace.New[int64](rate.Every(groupEvery), groupBurst),
		all:    rate.NewLimiter(rate.Every(allEvery), allBurst),
	}
}

// wait returns when one more message may go to the chat. The overall turn
// comes last, so that a slow chat holds up no other one.
func (p *paces) wait(ctx context.Context, chat int64) error {
	if err := p.chats.Wait(ctx, chat); err != nil {
		return err
	}
	if chat < 0 { // groups have negative ids
		if err := p.groups.Wait(ctx, chat); err != nil {
			return err
		}
	}
	if err := p.all.Wait(ctx); err != nil {
		return fmt.Errorf("waiting for a turn: %w", err)
	}
	return nil
}
