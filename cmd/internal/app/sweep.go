package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"domovoy/bot/commands"
	"domovoy/bot/probe"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Results of a sweep, for cmd, which imports this package only.
type (
	CheckData    = commands.CheckData
	SweepSummary = commands.SweepSummary
)

// Summary is the summary of a sweep as a message.
func Summary(l *i18n.Locale, s SweepSummary) reports.Message { return commands.Summary(l, s) }

// ErrInside is returned if the configuration turns checks from outside off.
var ErrInside = errors.New("the configuration has resolvers: []")

// Sweep checks every site now and calls each with its result, and progress in
// between. It continues a sweep that was interrupted.
func (a *App) Sweep(ctx context.Context, who Local, progress func(done, total int), each func(commands.CheckData) error) (commands.SweepSummary, *i18n.Locale, error) {
	r := a.request(who)
	if a.outside == nil {
		return commands.SweepSummary{}, r.Locale, ErrInside
	}
	began := time.Now()
	if err := a.bot.Watch.Read(ctx, began); err != nil {
		return commands.SweepSummary{}, r.Locale, err
	}
	if trouble := a.unread(); trouble != "" {
		return commands.SweepSummary{}, r.Locale, errors.New(r.Locale.Say("trouble." + trouble))
	}
	if err := a.outside.online(ctx); errors.Is(err, ErrOffline) {
		return commands.SweepSummary{}, r.Locale, err // before the journal knows about a sweep
	}
	since, err := a.since(ctx, began)
	if err != nil {
		return commands.SweepSummary{}, r.Locale, err
	}
	if err := a.sweep(ctx, since, progress); err != nil {
		return commands.SweepSummary{}, r.Locale, err
	}
	if err := a.journal.FinishRun(ctx, byHand, since, time.Now(), ""); err != nil {
		return commands.SweepSummary{}, r.Locale, err
	}
	sum, err := commands.Swept(a.bot.Watch, r.Locale, time.Since(began), each)
	return sum, r.Locale, err
}

// unread says why no panel could be read, so that no site is known; empty: one
// could.
func (a *App) unread() (trouble string) {
	for _, s := range a.bot.Watch.States() {
		if !s.Read.IsZero() {
			return ""
		}
		trouble = s.Trouble
	}
	return trouble
}

// byHand is the name in the journal of sweeps that a person started.
const byHand = "sweep"

// since returns when the sweep began: now, or when the last one began if that was
// interrupted.
func (a *App) since(ctx context.Context, now time.Time) (time.Time, error) {
	runs, err := a.journal.Runs(ctx, byHand, 1)
	if err != nil {
		return now, err
	}
	if len(runs) > 0 && runs[0].Finished.IsZero() && now.Sub(runs[0].Due) < sweepLate {
		return runs[0].Due, nil
	}
	_, err = a.journal.StartRun(ctx, byHand, now, now)
	return now, err
}

// sweep checks every site that has not been checked since a moment.
func (a *App) sweep(ctx context.Context, since time.Time, progress func(done, total int)) error {
	return a.bot.Alerts.Sweep(ctx, probe.Sweep{Since: since, Progress: progress, Recheck: probe.RecheckDelay})
}

// online asks the controls. If they fail, this host has no working DNS, and
// checks would blame the sites. A registry that does not answer is an error, too,
// but not ErrOffline: other names can be looked up.
func (o *outside) online(ctx context.Context) error {
	err := o.names.Control(ctx)
	if b, ok := errors.AsType[*checks.Blindness](err); err == nil || ok && b.Cause == checks.BlindRegistry {
		return err
	}
	return fmt.Errorf("%w: %w", ErrOffline, err)
}

// ErrOffline is returned if the resolvers do not answer, which is a problem of this
// host's network.
var ErrOffline = probe.ErrOffline
