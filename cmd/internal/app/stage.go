package app

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/reports/journal"
)

// Observe reads the panels as if it were the given time, and records what changed.
// Run does it on schedule; the demo plays a day in a second.
func (a *App) Observe(ctx context.Context, at time.Time) error { return a.bot.Alerts.Observe(ctx, at) }

// Digest queues the daily digest now.
func (a *App) Digest(ctx context.Context) error { return a.bot.Reports.SendDaily(ctx, time.Time{}) }

// Deliver sends the queued messages through the given receivers, and returns when
// none is due.
func (a *App) Deliver(ctx context.Context, receivers map[string]bot.Receiver) error {
	return a.bot.Outbox(receivers).Flush(ctx)
}

// Standings returns a snapshot of every site of each panel now.
func (a *App) Standings(ctx context.Context) ([]journal.Snapshot, error) {
	return a.bot.Reports.Snapshots(ctx, time.Now())
}

// Remember stores a snapshot. With it the demo makes a history of some weeks.
func (a *App) Remember(ctx context.Context, s journal.Snapshot) error {
	return a.journal.KeepSnapshot(ctx, s)
}
