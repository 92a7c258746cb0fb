package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/user"
	"slices"

	"github.com/spf13/cobra"

	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// program is what every command needs.
type program struct {
	stdio
	env    func(string) (string, bool)
	bundle *i18n.Bundle
	own    *i18n.Locale // for what the terminal is told

	file     string // --config
	language string // --lang
	verbose  bool
}

// root gathers the commands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "domovoy",
		Short:         p.own.Say("cli.root"),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          p.noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().BoolVarP(&p.verbose, "verbose", "v", false, p.own.Say("cli.flag.verbose"))
	root.AddCommand(p.run(), p.console(), p.ask(), p.sweep(), p.report(), p.replay(), p.config(), p.version())
	p.speaksHelp(root)
	p.refuseUnknownHelp(root)
	return root
}

// noArgs refuses words that no command understands.
func (p *program) noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%s", p.own.Say("cli.unknown", i18n.Args{"Word": args[0], "Command": c.CommandPath()}))}
}

// refuseUnknownHelp makes help about a command that there is not a wrong use;
// cobra would print the general help and call it a success.
func (p *program) refuseUnknownHelp(root *cobra.Command) {
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Args = func(_ *cobra.Command, args []string) error {
				about, rest, err := root.Find(args)
				if err != nil {
					return usageError{err}
				}
				return p.noArgs(about, rest)
			}
		}
	}
}

// needConfig gives a command its --config.
func (p *program) needConfig(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&p.file, "config", "", p.own.Say("cli.flag.config"))
	return c
}

// load reads the configuration and tells every fault.
func (p *program) load() (*config.Config, error) {
	if p.file == "" {
		return nil, usageError{fmt.Errorf("%s", p.own.Say("cli.noconfig"))}
	}
	cfg, faults := config.Load(p.file, config.Env(p.env))
	if len(faults) > 0 {
		return nil, p.tell(faults)
	}
	return cfg, nil
}

// tell prints faults, a line each.
func (p *program) tell(faults config.Faults) error {
	for _, line := range faults.Render(p.own) {
		fmt.Fprintln(p.err, line)
	}
	return usageError{errTold}
}

// with opens what the configuration describes for do, and closes it then.
func (p *program) with(ctx context.Context, do func(*app.App) error) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	return p.open(ctx, cfg, do)
}

// open is with, for who needs the configuration too.
func (p *program) open(ctx context.Context, cfg *config.Config, do func(*app.App) error) (err error) {
	a, err := app.Open(ctx, cfg, p.bundle, p.logger())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return do(a)
}

// logger writes to stderr; what it is given holds no secrets.
func (p *program) logger() *slog.Logger {
	level := slog.LevelInfo
	if p.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: level}))
}

// local is whoever runs the program.
func (p *program) local() app.Local {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return app.Local{User: name, Language: p.language}
}

// speaks gives a command its --lang.
func (p *program) speaks(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&p.language, "lang", "", p.own.Say("cli.flag.lang"))
	return c
}

// knownLanguage refuses a language that the program does not speak.
func (p *program) knownLanguage() error {
	if p.language == "" || slices.Contains(p.bundle.Languages(), p.language) {
		return nil
	}
	return usageError{fmt.Errorf("%s", p.own.Say("cli.language", i18n.Args{"Word": p.language, "Languages": p.bundle.Languages()}))}
}
