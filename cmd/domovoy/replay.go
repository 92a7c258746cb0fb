package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"domovoy/bot/console"
	"domovoy/cmd/internal/app"
	"domovoy/i18n"
)

// mostDays is how far back a replay may go: readings are kept for that long,
// and then one an hour.
const mostDays = 33

// replay tells what today's thresholds would have alerted.
func (p *program) replay() *cobra.Command {
	format, days := "text", 30
	c := p.speaks(p.needConfig(&cobra.Command{
		Use:   "replay",
		Short: p.own.Say("cli.replay"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case format != "text" && format != "json":
				return usageError{errors.New(p.own.Say("cli.format", i18n.Args{"Word": format}))}
			case days < 1 || days > mostDays:
				return usageError{errors.New(p.own.Say("cli.days", i18n.Args{"Word": strconv.Itoa(days), "Most": mostDays}))}
			}
			if err := p.knownLanguage(); err != nil {
				return err
			}
			return p.with(c.Context(), func(a *app.App) error {
				return p.replayNow(c.Context(), a, days, format)
			})
		},
	}))
	c.Flags().StringVar(&format, "format", format, p.own.Say("cli.flag.format"))
	c.Flags().IntVar(&days, "days", days, p.own.Say("cli.flag.days"))
	return c
}

func (p *program) replayNow(ctx context.Context, a *app.App, days int, format string) error {
	reply, err := a.Replay(ctx, p.local(), days)
	if err != nil {
		return err
	}
	if format == "json" {
		return p.printJSON(reply)
	}
	_, err = fmt.Fprint(p.out, console.Render(reply.Message, p.bundle, 100, false))
	return err
}
