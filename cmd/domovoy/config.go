package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// config checks a configuration, or prints the schema of one.
func (p *program) config() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: p.own.Say("cli.config"),
		Args:  p.noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	offline := false
	check := &cobra.Command{
		Use:   "check [FILE]",
		Short: p.own.Say("cli.config.check"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("%s", p.own.Say("cli.onefile"))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			p.file = p.defaultFile()
			if len(args) > 0 {
				p.file = args[0]
			}
			return p.checkConfig(c.Context(), offline)
		},
	}
	check.Flags().BoolVar(&offline, "offline", false, p.own.Say("cli.flag.offline"))
	c.AddCommand(check, &cobra.Command{
		Use:   "schema [webhook|answers]",
		Short: p.own.Say("cli.config.schema"),
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && p.schemas()[args[0]] != nil {
				return nil
			}
			return p.noArgs(c, args)
		},
		RunE: func(_ *cobra.Command, args []string) error { return p.printSchema(strings.Join(args, "")) },
	})
	return c
}

// schemas are the JSON Schemas by the word behind "schema": none is the
// configuration.
func (p *program) schemas() map[string]func() ([]byte, error) {
	return map[string]func() ([]byte, error){
		"":        func() ([]byte, error) { return config.Schema(p.own) },
		"webhook": func() ([]byte, error) { return app.WebhookSchema(), nil },
		"answers": app.AnswerSchema,
	}
}

// printSchema prints the JSON Schema of the configuration, of what webhooks are told
// or of answers.
func (p *program) printSchema(of string) error {
	schema, err := p.schemas()[of]()
	if err != nil {
		return err
	}
	_, err = p.out.Write(schema)
	return err
}

// addresses returns name servers as texts; nil if there are none.
func addresses(servers []netip.AddrPort) []string {
	var texts []string
	for _, s := range servers {
		texts = append(texts, s.String())
	}
	return texts
}

// checkConfig prints every fault of the file; or what trying what it names has shown,
// and the next runs of each job. It fails if the program would not do its work.
// Faults that matter to run only are printed too, but do not fail the check: another
// user may read the secrets.
func (p *program) checkConfig(ctx context.Context, offline bool) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if err := app.CheckSenders(cfg); err != nil {
		return usageError{err}
	}
	warnings := cfg.CheckService().Render(p.own)
	var broken, works []string
	for _, t := range app.Trials(ctx, cfg, p.bundle, offline) {
		line := t.Text(p.own)
		if t.Key != "" && t.Grade != app.Fine {
			line = t.Key + ": " + line
		}
		switch t.Grade {
		case app.Fine:
			works = append(works, line)
		case app.Broken:
			broken = append(broken, line)
		default:
			warnings = append(warnings, line)
		}
	}
	if len(broken) > 0 {
		fmt.Fprintln(p.err, p.own.Say("cli.config.broken", i18n.Args{"File": p.file}))
	} else {
		fmt.Fprintln(p.out, p.own.Say("cli.config.good", i18n.Args{"File": p.file, "Warnings": len(warnings) > 0}))
	}
	for _, line := range broken {
		fmt.Fprintln(p.err, line)
	}
	for _, line := range slices.Concat(warnings, works) {
		fmt.Fprintln(p.out, line)
	}
	p.printPlan(cfg)
	if len(broken) > 0 {
		return usageError{errPrinted}
	}
	return nil
}

// planned is a job of the schedule.
type planned struct {
	name string
	when config.Cron
}

// printPlan prints which name servers are asked, what a list of blocklists would add,
// and the next runs of each job. An agent reads its panels, and the bot does the rest.
func (p *program) printPlan(cfg *config.Config) {
	if cfg.IsAgent() {
		fmt.Fprintln(p.out, p.own.Say("cli.config.agent", i18n.Args{"Hub": cfg.Fleet.Addresses(), "Vantage": cfg.Vantage.Name}))
		if len(cfg.Panels) > 0 {
			p.printRuns(cfg, planned{"panel", cfg.Schedule.Panel})
		}
		return
	}
	fmt.Fprintln(p.out, p.own.Say("cli.config.resolvers", i18n.Args{"Servers": addresses(cfg.Resolvers), "System": cfg.UsesSystemResolvers()}))
	if len(cfg.Resolvers) > 0 && len(cfg.Lookups.Blocklists) == 0 {
		logs := slices.ContainsFunc(cfg.Panels, func(p config.Panel) bool { return len(p.AccessLogs) > 0 })
		fmt.Fprintln(p.out, p.own.Say("config.trying", i18n.Args{"Hint": p.own.Say("cli.config.blocklists", i18n.Args{"Logs": logs})}))
	}
	p.printRuns(cfg, planned{"panel", cfg.Schedule.Panel}, planned{"domains", cfg.Schedule.Domains}, planned{"daily", cfg.Schedule.Daily}, planned{"weekly", cfg.Schedule.Weekly})
}

// printRuns prints the next runs of jobs.
func (p *program) printRuns(cfg *config.Config, plan ...planned) {
	local := p.bundle.Locale(p.own.Language(), cfg.Timezone)
	now := time.Now()
	for _, job := range plan {
		var next []string
		for _, t := range config.NextRuns(job.when, cfg.Timezone, now, 3) {
			next = append(next, local.DateTime(t, now))
		}
		fmt.Fprintln(p.out, p.own.Say("cli.config.next", i18n.Args{"Job": job.name, "Spec": job.when.String(), "Times": next}))
	}
}
