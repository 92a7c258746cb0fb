package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/setup"
)

// setup asks what a first configuration needs, tries it, writes it and starts the
// service.
func (p *program) setup() *cobra.Command {
	var o setup.Options
	var answers string
	c := &cobra.Command{
		Use:   "setup",
		Short: p.own.Say("cli.setup"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := p.checkLanguage(); err != nil {
				return err
			}
			if answers != "" {
				given, err := setup.ReadAnswers(answers)
				if err != nil {
					return usageError{err}
				}
				o.Given = given
			}
			return p.setUp(c, o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Config, "config", "/etc/domovoy/config.yaml", p.own.Say("cli.flag.config"))
	f.StringVar(&answers, "answers", "", p.own.Say("cli.flag.answers"))
	f.StringVar(&o.Agent, "agent", "", p.own.Say("cli.flag.agent"))
	f.BoolVar(&o.Agreed, "yes", false, p.own.Say("cli.flag.yes"))
	f.BoolVar(&o.DryRun, "dry-run", false, p.own.Say("cli.flag.dryrun"))
	f.StringVar(&o.Prefix, "prefix", "", p.own.Say("cli.flag.prefix"))
	f.StringVar(&o.User, "user", "domovoy", p.own.Say("cli.flag.user"))
	f.DurationVar(&o.Wait, "wait", 10*time.Minute, p.own.Say("cli.flag.wait"))
	f.StringVar(&o.TelegramAPI, "telegram-api", "", p.own.Say("cli.flag.telegramapi"))
	f.StringVar(&o.SlackAPI, "slack-api", "", p.own.Say("cli.flag.slackapi"))
	look := &cobra.Command{
		Use:    "look",
		Hidden: true, // setup runs it as the service's user
		Args:   p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return setup.Look(c.Context(), p.in, p.out, p.bundle.Locale(p.language, nil))
		},
	}
	c.AddCommand(p.needLanguage(look))
	return p.needLanguage(c)
}

// setUp runs setup in the language of the terminal, of --lang or of the answers; if
// none of these says one, it asks.
func (p *program) setUp(c *cobra.Command, o setup.Options) error {
	if o.Prefix != "" {
		prefix, err := filepath.Abs(o.Prefix)
		if err != nil {
			return err
		}
		o.Prefix = prefix
		o.Config = filepath.Join(prefix, o.Config)
	}
	l := p.own
	if p.language != "" {
		l = p.bundle.Locale(p.language, nil)
	} else if o.Given != nil && o.Given.Language != "" {
		l = p.bundle.Locale(o.Given.Language, nil)
	}
	o.Bundle, o.Env, o.Talk = p.bundle, config.Env(p.env), setup.NewTalk(p.in, p.out, l, p.width())
	if program, err := os.Executable(); err == nil {
		o.Program = program
	}
	if p.language == "" && o.Given == nil && !p.saysLanguage() {
		if err := o.Talk.AskLanguage(c.Context(), p.bundle); err != nil {
			o.Talk.Leave()
			return errPrinted
		}
	}
	switch err := setup.Run(c.Context(), o); {
	case errors.Is(err, setup.ErrUnchanged), errors.Is(err, setup.ErrFailed):
		return errPrinted
	default:
		return err
	}
}

// saysLanguage reports whether the environment names a language.
func (p *program) saysLanguage() bool {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value, ok := p.env(name); ok && value != "" {
			return value != "C" && value != "POSIX" && value != "C.UTF-8"
		}
	}
	return false
}
