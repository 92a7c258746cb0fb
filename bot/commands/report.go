package commands

import (
	"context"
	"strings"

	"domovoy/bot"
)

// report composes the daily digest or the weekly report now, for the one who
// asks.
func (c *Commands) report(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) > 0 && r.Words[0] == bot.Weekly {
		return c.Reports.Weekly(ctx, r.Words[1:], r)
	}
	if len(r.Words) != 1 || r.Words[0] != bot.Daily {
		return bot.Answer{}, bot.Usage("report", "usage.report", strings.Join(r.Words, " "))
	}
	return c.Reports.Daily(ctx, r)
}
