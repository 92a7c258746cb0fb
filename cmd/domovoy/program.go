package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	own    *i18n.Locale // of the terminal, for everything but answers

	file     string // --config
	language string // --lang; empty: the configuration's
	format   string // --format: text or json
	verbose  bool
	logForm  string // --log: auto, json or text
}

// root returns the command line with all commands.
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
	root.Version = build()
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, p.own.Say("cli.version"))
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().BoolVarP(&p.verbose, "verbose", "v", false, p.own.Say("cli.flag.verbose"))
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return p.checkLog() }
	root.PersistentFlags().StringVar(&p.logForm, "log", logAuto, p.own.Say("cli.flag.log"))
	root.AddCommand(p.run(), p.console(), p.ask(), p.sweep(), p.report(), p.replay(), p.setup(), p.fleet(), p.agent(), p.backup(), p.restore(), p.config(), p.version(), p.man())
	p.translateHelp(root)
	return root
}

// noArgs refuses arguments, which are mistyped commands.
func (p *program) noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%s", p.own.Say("cli.unknown", i18n.Args{"Word": args[0], "Command": c.CommandPath()}))}
}

// needConfig adds --config to a command.
func (p *program) needConfig(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&p.file, "config", p.defaultFile(), p.own.Say("cli.flag.config"))
	return c
}

// defaultFile is the configuration that commands take if none is named.
func (p *program) defaultFile() string {
	named, _ := p.env("DOMOVOY_CONFIG")
	return cmp.Or(named, config.DefaultFile)
}

// load reads the configuration and prints its faults.
func (p *program) load() (*config.Config, error) {
	cfg, faults := config.Load(p.file, config.Env(p.env))
	if len(faults) > 0 {
		return nil, p.printFaults(faults)
	}
	limitMemory(p.env) // from here on the work may be large
	return cfg, nil
}

// printFaults prints a line for each fault.
func (p *program) printFaults(faults config.Faults) error {
	for _, line := range faults.Render(p.own) {
		fmt.Fprintln(p.err, line)
	}
	return usageError{errPrinted}
}

// withApp opens the app of the configuration, calls do and closes the app.
func (p *program) withApp(ctx context.Context, do func(*app.App) error) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	return p.open(ctx, cfg, do)
}

// open is withApp for a configuration that is already loaded.
func (p *program) open(ctx context.Context, cfg *config.Config, do func(*app.App) error) error {
	for range fleetTries {
		a, err := app.Open(ctx, cfg, p.bundle, p.logger(cfg), p.notice)
		if err = closing(a, err, do); !errors.Is(err, app.ErrFleetChanged) {
			return p.explained(cfg, err)
		}
	}
	a, err := app.Open(ctx, cfg, p.bundle, p.logger(cfg), p.notice)
	return p.explained(cfg, closing(a, err, func(a *app.App) error {
		a.AnswerAnyway()
		return do(a)
	}))
}

// fleetTries is how often an app is opened again because its fleet changed.
const fleetTries = 2

// closing calls do with an app, if it could be opened, and closes it.
func closing(a *app.App, err error, do func(*app.App) error) error {
	if err != nil {
		return err
	}
	return errors.Join(do(a), a.Close())
}

// explained is an error worded for the user, with what to do.
type explained struct {
	error
	text string
}

func (e explained) Error() string { return e.text }

func (e explained) Unwrap() error { return e.error }

// explained words an error of the state in the user's language.
func (p *program) explained(cfg *config.Config, err error) error {
	if err == nil {
		return nil
	}
	if text := app.Unwritable(cfg, p.logLocale(cfg), err); text != "" {
		return explained{err, text}
	}
	return err
}

// local is the user who runs the program.
func (p *program) local() app.Local {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return app.Local{User: name, Language: p.language}
}

// needLanguage adds --lang to a command.
func (p *program) needLanguage(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&p.language, "lang", "", p.own.Say("cli.flag.lang"))
	return c
}

// needFormat adds --format to a command.
func (p *program) needFormat(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&p.format, "format", "text", p.own.Say("cli.flag.format"))
	return c
}

// checkFormat refuses an unknown --format.
func (p *program) checkFormat() error {
	if p.format == "text" || p.format == "json" {
		return nil
	}
	return usageError{errors.New(p.own.Say("cli.format", i18n.Args{"Word": p.format}))}
}

// checkLanguage refuses an unknown --lang.
func (p *program) checkLanguage() error {
	if p.language == "" || slices.Contains(p.bundle.Languages(), p.language) {
		return nil
	}
	return usageError{fmt.Errorf("%s", p.own.Say("cli.language", i18n.Args{"Word": p.language, "Languages": p.bundle.Languages()}))}
}
