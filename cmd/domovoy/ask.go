package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

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
