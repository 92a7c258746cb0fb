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

// report writes the files of a report into a folder.
func (p *program) report() *cobra.Command {
	week, folder := "", ""
	c := p.needLanguage(p.needConfig(&cobra.Command{
		Use:     "report daily|weekly",
		Short:   p.own.Say("cli.report"),
		Example: "  domovoy report weekly --week 2026-W46 --out /tmp",
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
			if err := p.checkLanguage(); err != nil {
				return err
			}
			question := []string{"report", words[0]}
			if week != "" {
				question = append(question, week)
			}
			if words[0] == app.Weekly {
				question = append(question, "file")
			}
			return p.withApp(c.Context(), func(a *app.App) error {
				return p.reportNow(c.Context(), a, strings.Join(question, " "), folder)
			})
		},
	}))
	c.Flags().StringVar(&week, "week", week, p.own.Say("cli.flag.week"))
	c.Flags().StringVar(&folder, "out", folder, p.own.Say("cli.flag.out"))
	return c
}

// reportNow writes the message and its attachments, and prints the path of each
// file.
func (p *program) reportNow(ctx context.Context, a *app.App, question, folder string) error {
	reply, err := a.Ask(ctx, p.local(), question, p.notice)
	if err != nil {
		return err
	}
	if reply.Refused != "" {
		fmt.Fprintln(p.err, reply.Message.Title)
		return errPrinted
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	name := strings.ReplaceAll(strings.TrimSuffix(question, " file"), " ", "-") + ".txt"
	for _, f := range reply.Files(name, console.Render(reply.Message, p.bundle, 100, false)) {
		path, err := console.Replace(folder, f)
		if err != nil {
			return errors.New(p.own.Say("cli.unsaved", i18n.Args{"File": f.Name, "Error": err.Error()}))
		}
		fmt.Fprintln(p.out, path)
	}
	return nil
}

// maxDays is how far back a replay may go: older readings are thinned to one an
// hour.
const maxDays = 33

// replay prints what today's thresholds would have alerted.
func (p *program) replay() *cobra.Command {
	days := 30
	c := p.needFormat(p.needLanguage(p.needConfig(&cobra.Command{
		Use:   "replay",
		Short: p.own.Say("cli.replay"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := p.checkFormat(); err != nil {
				return err
			}
			if days < 1 || days > maxDays {
				return usageError{errors.New(p.own.Say("cli.days", i18n.Args{"Word": strconv.Itoa(days), "Most": maxDays}))}
			}
			if err := p.checkLanguage(); err != nil {
				return err
			}
			return p.withApp(c.Context(), func(a *app.App) error {
				return p.replayNow(c.Context(), a, days)
			})
		},
	})))
	c.Flags().IntVar(&days, "days", days, p.own.Say("cli.flag.days"))
	return c
}

// replayNow prints the answer in p.format.
func (p *program) replayNow(ctx context.Context, a *app.App, days int) error {
	reply, err := a.Replay(ctx, p.local(), days)
	if err != nil {
		return err
	}
	if p.format == "json" {
		return p.printJSON(reply)
	}
	_, err = fmt.Fprint(p.out, console.Render(reply.Message, p.bundle, p.width(), false))
	return err
}
