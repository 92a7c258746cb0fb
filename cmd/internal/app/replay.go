package app

import "context"

// Replay tells what today's thresholds would have alerted over some days, by
// the readings that the journal has. No panel is read.
func (a *App) Replay(ctx context.Context, who Local, days int) (Reply, error) {
	answer, err := a.bot.Alerts.Replay(ctx, days, a.request(who))
	return Reply{Message: answer.Message, Data: answer.Data}, err
}
