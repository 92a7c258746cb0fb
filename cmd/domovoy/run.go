package main

import (
	"errors"

	"github.com/spf13/cobra"

	"domovoy/cmd/internal/app"
)

// run is the bot.
func (p *program) run() *cobra.Command {
	return p.needConfig(&cobra.Command{
		Use:   "run",
		Short: p.own.Say("cli.run"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := p.load()
			if err != nil {
				return err
			}
			if faults := cfg.CheckRun(); len(faults) > 0 {
				return p.printFaults(faults)
			}
			_ = lowerPriority() // a sandbox may forbid it; run works without
			a, err := app.OpenToRun(c.Context(), cfg, p.bundle, p.logger())
			err = closing(a, err, func(a *app.App) error { return a.Run(c.Context()) })
			if errors.Is(err, app.ErrRunning) {
				return errors.New(p.own.Say("cli.running"))
			}
			return err
		},
	})
}
