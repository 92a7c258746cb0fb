package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"domovoy/cmd/internal/app"
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
			if faults := cfg.CheckAgent(); len(faults) > 0 {
				return p.printFaults(faults)
			}
			_ = lowerPriority() // a sandbox may forbid it; the agent works without
			err = app.RunAgent(c.Context(), cfg, quietly(c.Context(), p.logger(cfg)))
			if c.Context().Err() != nil && errors.Is(err, context.Canceled) {
				err = nil // told to stop while it began
			}
			return err
		},
	})
}
