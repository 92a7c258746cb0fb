package slack

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/checks/pace"
)

// One message a second per channel, short bursts tolerated:
// https://docs.slack.dev/apis/web-api/rate-limits
const (
	perSecond = 1
	burst     = 3
	patience  = 3 * time.Second // longer waits are the outbox's
)

// newPace keeps each channel, by its id, within what Slack allows.
func newPace() *pace.Keyed[string] { return pace.New[string](perSecond, burst) }

// waitTurn holds a call back until its channel may take it. When that is long
// it does not wait but asks to come back.
func (s *Slack) waitTurn(ctx context.Context, channel string) error {
	turn := s.pace.Reserve(channel)
	delay := turn.Delay()
	if delay > patience {
		turn.Cancel()
		return &bot.RetryAfter{After: delay}
	}
	if err := pause(ctx, delay); err != nil {
		turn.Cancel()
		return err
	}
	return nil
}
