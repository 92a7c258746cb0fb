package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"domovoy/bot/console"
	"domovoy/cmd/internal/app"
	"domovoy/i18n"
)

// report writes a report's files, without a chat.
func (p *program) report() *cobra.Command {
	week, folder := "", ""
	c := p.speaks(p.needConfig(&cobra.Command{
		Use:     "report daily|weekly",
		Short:   p.own.Say("cli.report"),
		Example: "  domovoy report weekly --config domovoy.yaml --week 2026-W46 --out /tmp",
		RunE: func(c *cobra.Command, words []string) error {
			switch {
			case len(words) != 1 || !slices.Contains([]string{app.Daily, app.Weekly}, words[0]):
				return usageError{errors.New(p.own.Say("usage.report"))}
			case folder == "":
				return usageError{errors.New(p.own.Say("cli.noout"))}
			case week != "" && words[0] != app.Weekly:
				return usageError{errors.New(p.own.Say("cli.noweek"))}
			case week != "" && !app.IsWeek(week):
				return usageError{errors.New(p.own.Say("cli.week", i18n.Args{"Word": week}))}
			}
			if err := p.knownLanguage(); err != nil {
				return err
			}
			question := []string{"report", words[0]}
			if week != "" {
				question = append(question, week)
			}
			if words[0] == app.Weekly {
				question = append(question, "file")
			}
			return p.with(c.Context(), func(a *app.App) error {
				return p.reportNow(c.Context(), a, strings.Join(question, " "), folder)
			})
		},
	}))
	c.Flags().StringVar(&week, "week", week, p.own.Say("cli.flag.week"))
	c.Flags().StringVar(&folder, "out", folder, p.own.Say("cli.flag.out"))
	return c
}

// reportNow writes the message and what is attached to it, and prints the
// path of each.
func (p *program) reportNow(ctx context.Context, a *app.App, question, folder string) error {
	reply, err := a.Ask(ctx, p.local(), question, p.notice)
	if err != nil {
		return err
	}
	if reply.Refused != "" {
		fmt.Fprintln(p.err, reply.Message.Title)
		return errTold
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	name := strings.ReplaceAll(strings.TrimSuffix(question, " file"), " ", "-") + ".txt"
	for _, f := range reply.Files(name, console.Render(reply.Message, p.bundle, 100, false)) {
		path, err := console.Store(folder, f)
		if err != nil {
			return errors.New(p.own.Say("cli.unsaved", i18n.Args{"File": f.Name, "Error": err.Error()}))
		}
		fmt.Fprintln(p.out, path)
	}
	return nil
}

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
