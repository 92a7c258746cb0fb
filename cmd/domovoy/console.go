package main

import (
	"cmp"
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
