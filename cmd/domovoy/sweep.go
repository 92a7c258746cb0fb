package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"domovoy/bot/console"
	"domovoy/cmd/internal/app"
	"domovoy/i18n"
)

// sweep looks at every site now.
func (p *program) sweep() *cobra.Command {
	format := "text"
	c := p.speaks(p.needConfig(&cobra.Command{
		Use:   "sweep",
		Short: p.own.Say("cli.sweep"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usageError{errors.New(p.own.Say("cli.format", i18n.Args{"Word": format}))}
			}
			if err := p.knownLanguage(); err != nil {
				return err
			}
			return p.with(c.Context(), func(a *app.App) error {
				return p.sweepNow(c.Context(), a, format)
			})
		},
	}))
	c.Flags().StringVar(&format, "format", format, p.own.Say("cli.flag.format"))
	return c
}

// sweepNow sweeps with progress on stderr; JSON is a line a site and a last
// one with the sum.
func (p *program) sweepNow(ctx context.Context, a *app.App, format string) error {
	out := json.NewEncoder(p.out)
	out.SetEscapeHTML(false)
	each := func(app.CheckData) error { return nil }
	if format == "json" {
		each = func(d app.CheckData) error { return out.Encode(d) }
	}
	sum, l, err := a.Sweep(ctx, p.local(), p.progress(), each)
	switch {
	case errors.Is(err, app.ErrInside):
		return usageError{errors.New(p.own.Say("cli.inside"))}
	case errors.Is(err, app.ErrOffline):
		return errors.New(p.own.Say("cli.offline", i18n.Args{"Error": err.Error()}))
	case err != nil:
		return err
	case format == "json":
		return out.Encode(map[string]app.SweepSummary{"summary": sum})
	}
	_, err = fmt.Fprint(p.out, console.Render(app.Summary(l, sum), p.bundle, 100, false))
	return err
}

// progress tells on stderr how far a sweep is, once a second at most.
func (p *program) progress() func(done, total int) {
	var last time.Time
	return func(done, total int) {
		if now := time.Now(); done == total || now.Sub(last) >= time.Second {
			last = now
			fmt.Fprintln(p.err, p.own.Say("cli.progress", i18n.Args{"Done": done, "Total": total}))
		}
	}
}
