package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs"
	"domovoy/cmd/internal/pair"
	"domovoy/i18n"
	"domovoy/reports/compose"
)

// serve runs the bot, and runs it again with the new configuration when that is
// read again: on SIGHUP, or when a file of a secret changed. A configuration that
// is wrong is not used.
func (p *program) serve(ctx context.Context, cfg *config.Config, reload <-chan os.Signal) error {
	log := quietly(ctx, p.logger(cfg))
	damaged, begun := false, 0 // how often a new state was begun
	var hub hubs.Keeper
	defer hub.Stop()
	var speaks pair.Pair
	defer speaks.Leave(ctx)
	var took *compose.StateEvent // to be told when the bot runs
	for {
		hub.Follow(ctx, cfg, log)
		if err := speaks.Follow(ctx, cfg, log); err != nil {
			return err
		}
		if !speaks.Speaks(ctx) {
			event, fresh, err := p.awaitTurn(ctx, &speaks, reload, log)
			if took = cmp.Or(event, took); fresh != nil {
				cfg = fresh
				continue
			}
			if err != nil {
				return nil // told to stop while it waited
			}
		}
		keeping, enough := context.WithCancel(ctx)
		go hubs.KeepStreams(keeping, cfg, log) // what is opened next waits for them
		next := make(chan *config.Config, 1)
		a, err := app.OpenToRun(ctx, cfg, p.bundle, log, p.notice, damaged)
		err = closing(a, err, func(a *app.App) error {
			if took != nil {
				a.Became(*took)
				took = nil
			}
			running, stop := context.WithCancel(ctx)
			defer stop()
			go func() {
				if fresh := p.awaitConfig(running, a, cfg, reload, log); fresh != nil {
					next <- fresh
					stop()
				}
			}()
			return speaks.Guard(running, a, a.Run)
		})
		enough()
		select {
		case cfg = <-next:
			if err != nil {
				log.ErrorContext(ctx, "the bot ended with an error before it began again", "error", err)
			}
			log.InfoContext(ctx, "the configuration was read again", "file", cfg.File())
			damaged = false
		default:
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // told to stop while it began
			}
			if err == nil && ctx.Err() == nil && !speaks.Speaks(ctx) {
				log.WarnContext(ctx, "this bot does not speak any more, and waits for its turn")
				continue
			}
			if damaged = app.IsDamaged(err) && ctx.Err() == nil && begun < newStates; !damaged {
				if speaks.Speaks(ctx) { // else another does
					app.LastWord(ctx, cfg, p.bundle, log, err)
				}
				return p.explained(cfg, err)
			}
			begun++
			log.ErrorContext(ctx, "the state file is damaged, beginning again with a new one", "error", err)
		}
	}
}

// awaitTurn waits until the bot may speak, of two of which one does. It returns what to
// tell of that, which may be nil, and a configuration that replaces the present one
// meanwhile. The error is the context's.
func (p *program) awaitTurn(ctx context.Context, speaks *pair.Pair, reload <-chan os.Signal, log *slog.Logger) (*compose.StateEvent, *config.Config, error) {
	waiting, stop := context.WithCancel(ctx)
	var fresh *config.Config
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for fresh == nil {
			select {
			case <-waiting.Done():
				return
			case <-reload:
			}
			if read, faults := p.readAgain(ctx, (*config.Config).CheckRun, log); len(faults) == 0 {
				fresh = read
			}
		}
		stop()
	}()
	event, err := speaks.Wait(waiting)
	stop()
	<-ended
	return event, fresh, err
}

// readAgain reads the configuration again. Its faults, and those that a check adds, are
// logged, and then the configuration is not to be used.
func (p *program) readAgain(ctx context.Context, check func(*config.Config) config.Faults, log *slog.Logger) (*config.Config, config.Faults) {
	fresh, faults := config.Load(p.file, config.Env(p.env))
	if len(faults) == 0 {
		faults = check(fresh)
	}
	for _, line := range faults.Render(p.own) {
		log.ErrorContext(ctx, "the new configuration is wrong, the old one stays", "fault", line)
	}
	return fresh, faults
}

// newStates is how often a new state is begun: a disk that damages each at once
// needs a person.
const newStates = 2

// awaitConfig waits for a configuration that replaces the present one; nil: the
// context ended. What is wrong with another one is logged and told, once.
func (p *program) awaitConfig(ctx context.Context, a *app.App, cfg *config.Config, reload <-chan os.Signal, log *slog.Logger) *config.Config {
	stamps := app.StampsOf(cfg)
	tick := time.NewTicker(app.LookEvery)
	defer tick.Stop()
	wanted := false // there may be another one
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reload:
			if wanted = true; !a.Healthy() {
				log.WarnContext(ctx, "the configuration is read again when the state can be kept")
			}
		case <-tick.C:
			now := app.StampsOf(cfg)
			wanted = wanted || !stamps.Same(now) || a.FleetChanged(ctx)
			stamps = now
		}
		if !wanted || !a.Healthy() { // without a state nothing could begin again
			continue
		}
		wanted = false
		fresh, faults := p.readAgain(ctx, (*config.Config).CheckRun, log)
		if len(faults) == 0 {
			err := app.Try(ctx, fresh, p.bundle, log)
			if err == nil {
				return fresh
			}
			log.ErrorContext(ctx, "the new configuration cannot be used, the old one stays", "file", p.file, "error", err)
			a.RefuseConfig(ctx, func(*i18n.Locale) []string { return []string{err.Error()} })
			continue
		}
		a.RefuseConfig(ctx, faults.Render)
	}
}
