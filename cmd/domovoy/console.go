package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"domovoy/bot/console"
	"domovoy/cmd/internal/app"
)

// console talks with the one at the terminal, as a local admin.
func (p *program) console() *cobra.Command {
	return p.speaks(p.needConfig(&cobra.Command{
		Use:   "console",
		Short: p.own.Say("cli.console"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if err := p.knownLanguage(); err != nil {
				return err
			}
			cfg, err := p.load()
			if err != nil {
				return err
			}
			a, err := p.open(c.Context(), cfg)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Close()) }()
			t := app.Terminal{In: p.in, Out: p.out, Options: console.Options{Folder: "."}}
			if isTerminal(p.in) && isTerminal(p.out) {
				_, plain := p.env("NO_COLOR")
				t.Options.Terminal, t.Options.Colour = true, !plain
			}
			return a.Console(c.Context(), p.local(), t)
		},
	}))
}

func isTerminal(x any) bool {
	f, ok := x.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
