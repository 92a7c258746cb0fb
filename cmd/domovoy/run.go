package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

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
			reload := make(chan os.Signal, 1)
			signal.Notify(reload, syscall.SIGHUP)
			defer signal.Stop(reload)
			err = p.serve(c.Context(), cfg, reload)
			if errors.Is(err, app.ErrRunning) {
				return errors.New(p.own.Say("cli.running"))
			}
			return err
		},
	})
}
