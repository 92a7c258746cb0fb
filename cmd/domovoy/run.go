package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
)

// run is the bot, or the agent on a host that is enrolled as one.
func (p *program) run() *cobra.Command {
	return p.needConfig(&cobra.Command{
		Use:   "run",
		Short: p.own.Say("cli.run"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := p.load()
			if err != nil {
				p.tellUnplaced(c.Context())
				return err
			}
			if cfg.IsAgent() { // so that one unit serves both
				return p.runAgent(c.Context(), cfg)
			}
			if faults := cfg.CheckRun(); len(faults) > 0 {
				return p.printFaults(faults)
			}
			_ = lowerPriority() // a sandbox may forbid it; run works without
			if ownMemory(p.env) {
				go rest(c.Context())
			}
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

// tellUnplaced tells people if the program cannot run only because its state can have
// no place.
func (p *program) tellUnplaced(ctx context.Context) {
	cfg := config.Unplaced(p.file, config.Env(p.env))
	if cfg != nil && len(cfg.CheckRun()) == 0 && !cfg.Fleet.Pair { // of two the other may speak
		app.LastWord(ctx, cfg, p.bundle, p.logger(cfg), app.NoPlace(cfg))
	}
}
