package app

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/reports/journal"
)

// Observe reads the panels as of a moment, and records what changed. Run does
// it on schedule; the demo plays a day of it in a second.
func (a *App) Observe(ctx context.Context, at time.Time) error { return a.bot.Alerts.Observe(ctx, at) }

// Digest has the daily digest told now.
func (a *App) Digest(ctx context.Context) error { return a.bot.Reports.SendDaily(ctx, time.Time{}) }

// Deliver sends what waits through the given receivers, and returns when
// nothing is left that is due.
func (a *App) Deliver(ctx context.Context, receivers map[string]bot.Receiver) error {
	return a.bot.Outbox(receivers).Flush(ctx)
}

// Standings are how every site of each panel stands now, as a snapshot would
// have it.
func (a *App) Standings(ctx context.Context) ([]journal.Snapshot, error) {
	return a.bot.Reports.Snapshots(ctx, time.Now())
}

// Remember keeps a snapshot: the demo's panel has a past of some weeks, too.
func (a *App) Remember(ctx context.Context, s journal.Snapshot) error {
	return a.journal.KeepSnapshot(ctx, s)
}
