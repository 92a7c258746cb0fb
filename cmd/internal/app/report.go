package app

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/bot/digest"
	"domovoy/reports"
)

// The reports that cmd can ask for.
const (
	Daily  = bot.Daily
	Weekly = bot.Weekly
)

// IsWeek reports whether a word names a week, such as 2026-W46.
func IsWeek(word string) bool {
	_, err := digest.ParseWeek(word, time.UTC) // whether it is valid does not depend on the zone
	return err == nil
}

// Files returns the text of the reply as a file, and then its attachments.
func (r Reply) Files(name, text string) []reports.File {
	return append([]reports.File{{Name: name, Type: "text/plain", Data: []byte(text)}}, r.Message.Files...)
}

// Replay answers what today's thresholds would have alerted in the last days, from
// the readings in the journal. It reads no panel.
func (a *App) Replay(ctx context.Context, who Local, days int) (Reply, error) {
	answer, err := a.bot.Alerts.Replay(ctx, days, a.request(who))
	return Reply{Message: answer.Message, Data: answer.Data}, err
}
