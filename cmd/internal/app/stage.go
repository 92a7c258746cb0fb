package app

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/reports"
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

// Watched records that the watch of each panel began at a moment in the past. It
// is for a journal that has not seen any reading.
func (a *App) Watched(ctx context.Context, since time.Time) error {
	entry := journal.Entry{At: since}
	for _, p := range a.bot.Watch.Panels() {
		entry.Baseline = append(entry.Baseline, p.Name)
	}
	return a.journal.Record(ctx, entry)
}

// Began dates the open incidents of sites back, as if each had been found when it
// began, or at the begin of the watch if that was later. A zero time of began
// means that nobody knows: what the first look found was then there from the
// begin of the watch.
func (a *App) Began(ctx context.Context, began func(checks.Finding) time.Time) error {
	open, err := a.journal.OpenIncidents(ctx)
	if err != nil {
		return err
	}
	entry := journal.Entry{At: time.Now()}
	for _, i := range open {
		since, _, err := a.journal.BaselineAt(ctx, i.Finding.Server)
		if err != nil {
			return err
		}
		at := began(i.Finding)
		if i.Finding.Site == "" || at.IsZero() && !i.Baseline {
			continue
		}
		if at.Before(since) {
			at = since
		}
		if at.Before(i.Times.Opened) {
			i.Times.Opened, i.Baseline = at, at.Equal(since)
			entry.Changes = append(entry.Changes, reports.Change{Incident: i})
		}
	}
	return a.journal.Record(ctx, entry)
}

// Past records incidents that are over, as if they had been found and resolved
// when they say.
func (a *App) Past(ctx context.Context, over []reports.Incident) error {
	entry := journal.Entry{At: time.Now()}
	for _, i := range over {
		entry.Changes = append(entry.Changes, reports.Change{Incident: i})
	}
	return a.journal.Record(ctx, entry)
}

// Counts are those of all panels now.
func (a *App) Counts() []checks.Metric {
	var all []checks.Metric
	for _, s := range a.bot.Watch.States() {
		for _, r := range s.Readings {
			all = append(all, r.Metric)
		}
	}
	return all
}

// Counted records counts of readings in the past.
func (a *App) Counted(ctx context.Context, runs []reports.Run) error {
	return a.journal.KeepRuns(ctx, runs)
}

// Looked records results of looking at sites of a panel from outside.
func (a *App) Looked(ctx context.Context, panel string, results map[string]checks.Probe) error {
	if err := a.journal.KeepProbes(ctx, panel, results); err != nil {
		return err
	}
	a.bot.Watch.Panel(panel).Keep(results)
	return nil
}

// Registered makes what is known of the registrations of domains.
func (a *App) Registered(known []checks.Registration) {
	if a.outside != nil {
		a.outside.registry.Restore(known)
	}
}

// Look checks every site from outside that was not looked at since a moment, and
// records what changed, as the job of Run does.
func (a *App) Look(ctx context.Context, since time.Time) error { return a.sweep(ctx, since, nil) }

// Standings returns a snapshot of every site of each panel now.
func (a *App) Standings(ctx context.Context) ([]journal.Snapshot, error) {
	return a.bot.Reports.Snapshots(ctx, time.Now())
}

// Remember stores a snapshot. With it the demo makes a history of some weeks.
func (a *App) Remember(ctx context.Context, s journal.Snapshot) error {
	return a.journal.KeepSnapshot(ctx, s)
}
