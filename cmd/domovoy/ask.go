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
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/pair"
	"domovoy/i18n"
)

// ask answers one chat command.
func (p *program) ask() *cobra.Command {
	return p.needFormat(p.needLanguage(p.needConfig(&cobra.Command{
		Use:     "ask " + p.own.Say("cli.help.words"),
		Short:   p.own.Say("cli.ask"),
		Example: "  domovoy ask status\n  domovoy ask --format json list failed",
		RunE: func(c *cobra.Command, words []string) error {
			if strings.TrimSpace(strings.Join(words, "")) == "" {
				return usageError{errors.New(p.own.Say("cli.nowords"))}
			}
			if err := cmp.Or(p.checkFormat(), p.checkLanguage()); err != nil {
				return err
			}
			collectRarely(p.env)
			cfg, err := p.load()
			if err != nil {
				return err
			}
			p.tellWaiting(c.Context(), cfg)
			return p.errorJSON(p.open(c.Context(), cfg, func(a *app.App) error {
				return p.printAnswer(c.Context(), a, strings.Join(words, " "))
			}))
		},
	})))
}

// tellWaiting says if another bot speaks: what is asked here may be known better there.
func (p *program) tellWaiting(ctx context.Context, cfg *config.Config) {
	h, err := pair.Other(ctx, cfg)
	l := p.bundle.Locale(p.own.Language(), cfg.Timezone)
	switch {
	case err != nil:
		p.notice(l.Say("cli.pair.unknown", i18n.Args{"Error": err.Error()}))
	case h.Host != "":
		p.notice(l.Say("cli.pair.waits", i18n.Args{"Host": h.Host, "Since": l.DateTime(h.Since.Time, time.Now())}))
	}
}

// printAnswer asks and prints the answer in p.format.
func (p *program) printAnswer(ctx context.Context, a *app.App, text string) error {
	reply, err := a.Ask(ctx, p.local(), text, p.notice)
	if err != nil {
		return err
	}
	if p.format == "json" {
		err = p.printJSON(reply)
	} else {
		_, err = fmt.Fprint(p.out, console.Render(reply.Message, p.bundle, p.width(), false))
		err = errors.Join(err, p.saveFiles(reply))
	}
	if err == nil && (reply.Refused != "" || reply.Blind) {
		return errPrinted
	}
	return err
}

// errorJSON prints an error as the JSON of the contract, if that is the format.
// Wrong usage and what was printed already are left as they are.
func (p *program) errorJSON(err error) error {
	_, usage := errors.AsType[usageError](err)
	if err == nil || p.format != "json" || usage || errors.Is(err, errPrinted) {
		return err
	}
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	failed := e.Encode(map[string]any{"error": map[string]string{"code": app.CodeOf(err), "text": err.Error()}})
	return errors.Join(errPrinted, failed)
}

// notice prints a notice about something that takes long. A terminal in raw mode,
// in which the console edits lines, needs the carriage return.
func (p *program) notice(text string) {
	if isTerminal(p.err) {
		text += "\r"
	}
	fmt.Fprintln(p.err, text)
}

// printJSON prints the JSON of the contract.
func (p *program) printJSON(reply app.Reply) error {
	data, err := reply.JSON()
	if err != nil {
		return err
	}
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	return e.Encode(data)
}

// saveFiles writes attachments to the current folder and prints their paths. It
// overwrites nothing.
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

// console is a chat in this terminal. Its user is a local admin.
func (p *program) console() *cobra.Command {
	return p.needLanguage(p.needConfig(&cobra.Command{
		Use:   "console",
		Short: p.own.Say("cli.console"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := p.checkLanguage(); err != nil {
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

// consoleOptions depend on whether input and output are a terminal.
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

// sweep checks every site now.
func (p *program) sweep() *cobra.Command {
	return p.needFormat(p.needLanguage(p.needConfig(&cobra.Command{
		Use:   "sweep",
		Short: p.own.Say("cli.sweep"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cmp.Or(p.checkFormat(), p.checkLanguage()); err != nil {
				return err
			}
			return p.withApp(c.Context(), func(a *app.App) error { return p.sweepNow(c.Context(), a) })
		},
	})))
}

// sweepNow sweeps with progress on stderr. In JSON it prints a line for each site
// and a last line with the summary.
func (p *program) sweepNow(ctx context.Context, a *app.App) error {
	out := json.NewEncoder(p.out)
	out.SetEscapeHTML(false)
	each := func(app.CheckData) error { return nil }
	if p.format == "json" {
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
	case p.format == "json":
		return out.Encode(map[string]app.SweepSummary{"summary": sum})
	}
	_, err = fmt.Fprint(p.out, console.Render(app.Summary(l, sum), p.bundle, p.width(), false))
	return err
}

// progress prints the progress of a sweep to stderr, at most once a second.
func (p *program) progress() func(done, total int) {
	var last time.Time
	return func(done, total int) {
		if now := time.Now(); done == total || now.Sub(last) >= time.Second {
			last = now
			fmt.Fprintln(p.err, p.own.Say("cli.progress", i18n.Args{"Done": done, "Total": total}))
		}
	}
}
