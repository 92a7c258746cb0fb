package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
)

// agent is the part of a fleet on a panel's host or at a vantage point.
func (p *program) agent() *cobra.Command {
	return p.needConfig(&cobra.Command{
		Use:   "agent",
		Short: p.own.Say("cli.agent"),
		Args:  p.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := p.load()
			if err != nil {
				return err
			}
			return p.runAgent(c.Context(), cfg)
		},
	})
}

// runAgent is the agent of a configuration, until the context ends. It begins again with
// the new configuration on SIGHUP; one that is wrong is not used.
func (p *program) runAgent(ctx context.Context, cfg *config.Config) error {
	if faults := cfg.CheckAgent(); len(faults) > 0 {
		return p.printFaults(faults)
	}
	_ = lowerPriority() // a sandbox may forbid it; the agent works without
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	log := quietly(ctx, p.logger(cfg))
	for {
		running, stop := context.WithCancel(ctx)
		next := make(chan *config.Config, 1)
		go func() {
			defer close(next)
			if fresh := p.awaitAgent(running, reload, log); fresh != nil {
				next <- fresh
				stop()
			}
		}()
		err := app.RunAgent(running, cfg, log)
		stop()
		fresh := <-next
		switch {
		case fresh != nil && ctx.Err() == nil:
			cfg = fresh
			log.InfoContext(ctx, "the configuration was read again", "file", cfg.File())
		case ctx.Err() != nil && errors.Is(err, context.Canceled):
			return nil // told to stop while it began
		default:
			return err
		}
	}
}

// awaitAgent waits for the signal to read the configuration again, and returns one that
// can be used; nil: the context ended.
func (p *program) awaitAgent(ctx context.Context, reload <-chan os.Signal, log *slog.Logger) *config.Config {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reload:
		}
		if fresh, faults := p.readAgain(ctx, (*config.Config).CheckAgent, log); len(faults) == 0 {
			return fresh
		}
	}
}
