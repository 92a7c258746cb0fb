package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"domovoy/bot/console"
	"domovoy/cmd/internal/app"
	"domovoy/i18n"
)

// ask is one command and one answer.
func (p *program) ask() *cobra.Command {
	format := "text"
	c := p.speaks(p.needConfig(&cobra.Command{
		Use:     "ask " + p.own.Say("cli.help.words"),
		Short:   p.own.Say("cli.ask"),
		Example: "  domovoy ask --config domovoy.yaml status\n  domovoy ask --config domovoy.yaml --format json list failed",
		RunE: func(c *cobra.Command, words []string) error {
			if strings.TrimSpace(strings.Join(words, "")) == "" {
				return usageError{errors.New(p.own.Say("cli.nowords"))}
			}
			if format != "text" && format != "json" {
				return usageError{errors.New(p.own.Say("cli.format", i18n.Args{"Word": format}))}
			}
			if err := p.knownLanguage(); err != nil {
				return err
			}
			return p.with(c.Context(), func(a *app.App) error {
				return p.answer(c.Context(), a, strings.Join(words, " "), format)
			})
		},
	}))
	c.Flags().StringVar(&format, "format", format, p.own.Say("cli.flag.format"))
	return c
}

// answer asks and prints: text for a person, JSON for a program.
func (p *program) answer(ctx context.Context, a *app.App, text, format string) error {
	reply, err := a.Ask(ctx, p.local(), text, p.notice)
	if err != nil {
		return err
	}
	if format == "json" {
		err = p.printJSON(reply)
	} else {
		_, err = fmt.Fprint(p.out, console.Render(reply.Message, p.bundle, 100, false))
		err = errors.Join(err, p.saveFiles(reply))
	}
	if err == nil && reply.Refused != "" {
		return errTold
	}
	return err
}

// notice tells at once what takes long; a terminal that lines are edited on
// does not return the carriage by itself.
func (p *program) notice(text string) {
	if isTerminal(p.err) {
		text += "\r"
	}
	fmt.Fprintln(p.err, text)
}

// printJSON writes the contract's JSON. An answer with buttons carries them.
func (p *program) printJSON(reply app.Reply) error {
	data, err := reply.JSON()
	if err != nil {
		return err
	}
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	return e.Encode(data)
}

// saveFiles writes attachments to the current folder, over nothing that is
// there, and says where.
func (p *program) saveFiles(reply app.Reply) error {
	for _, f := range reply.Message.Files {
		path, err := console.Store(".", f)
		if err != nil {
			return errors.New(p.own.Say("cli.unsaved", i18n.Args{"File": f.Name, "Error": err.Error()}))
		}
		fmt.Fprintln(p.err, p.own.Say("cli.saved", i18n.Args{"File": path}))
	}
	return nil
}

// console talks with the one at the terminal, as a local admin.
func (p *program) console() *cobra.Command {
	return p.speaks(p.needConfig(&cobra.Command{
		Use:   "console",
		Short: p.own.Say("cli.console"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := p.knownLanguage(); err != nil {
				return err
			}
			cfg, err := p.load()
			if err != nil {
				return err
			}
			return p.open(c.Context(), cfg, func(a *app.App) error {
				return a.Console(c.Context(), p.local(), console.New(p.in, p.out, p.bundle, p.consoleOptions(cfg.Language)), p.notice)
			})
		},
	}))
}

// consoleOptions fit what the program's input and output are.
func (p *program) consoleOptions(configured string) console.Options {
	o := console.Options{Language: cmp.Or(p.language, configured), Folder: "."}
	if isTerminal(p.in) && isTerminal(p.out) {
		_, plain := p.env("NO_COLOR")
		o.Terminal, o.Colour = true, !plain
	}
	return o
}

func isTerminal(x any) bool {
	f, ok := x.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

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
