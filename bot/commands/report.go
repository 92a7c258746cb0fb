package commands

import (
	"context"
	"strings"

	"domovoy/bot"
	"domovoy/bot/digest"
)

// digests composes reports.
type digests struct{ reports *digest.Reporter }

// report composes the daily digest or the weekly report now, for the one who
// asks.
func (d digests) report(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) > 0 && r.Words[0] == bot.Weekly {
		return d.reports.Weekly(ctx, r.Words[1:], r)
	}
	if len(r.Words) != 1 || r.Words[0] != bot.Daily {
		return bot.Answer{}, bot.Usage("report", "usage.report", strings.Join(r.Words, " "))
	}
	return d.reports.Daily(ctx, r)
}
