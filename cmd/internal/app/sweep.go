package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"domovoy/bot/commands"
	"domovoy/bot/probe"
	"domovoy/checks/dns"
	"domovoy/i18n"
	"domovoy/reports"
)

// What a sweep gives, for those above who know only this package.
type (
	CheckData    = commands.CheckData
	SweepSummary = commands.SweepSummary
)

// Summary says a sweep's sum to a person.
func Summary(l *i18n.Locale, s SweepSummary) reports.Message { return commands.Summary(l, s) }

// ErrInside is what a sweep says of a configuration that wants nobody asked.
var ErrInside = errors.New("the configuration has resolvers: []")

// Sweep looks at every site now, and gives what is known of each. progress is
// called as it goes. A sweep that was cut short goes on where it was.
func (a *App) Sweep(ctx context.Context, who Local, progress func(done, total int), each func(commands.CheckData) error) (commands.SweepSummary, *i18n.Locale, error) {
	r := a.request(who)
	if a.outside == nil {
		return commands.SweepSummary{}, r.Locale, ErrInside
	}
	began := time.Now()
	defer frugal(10 * manySites)() // as if there were very many: nobody knows before they are read
	if err := a.bot.Watch.Read(ctx, began); err != nil {
		return commands.SweepSummary{}, r.Locale, err
	}
	defer frugal(a.bot.Watch.Sites())()
	if err := a.outside.online(ctx); err != nil {
		return commands.SweepSummary{}, r.Locale, err // before any trace of a sweep
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
	w := r.Writer()
	w.Now = time.Now()
	sum, err := commands.Swept(a.bot.Watch, w, time.Since(began), each)
	return sum, r.Locale, err
}

// byHand is the name in the journal of sweeps that somebody asked for.
const byHand = "sweep"

// since is when the sweep began that goes on now: the last one if it came to
// no end.
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

// manySites are those of a large panel.
const manySites = 10_000

// frugal collects garbage more often until the function it gives is called. A
// sweep makes much of it beside what is known of all sites: twice of that would
// be hundreds of megabytes where there are a hundred thousand. The more sites,
// the more often, so that the garbage stays about as large as it is.
func frugal(sites int) (restore func()) {
	const most, least, shared = 30, 4, 400_000 // most is what the program begins with
	was := debug.SetGCPercent(max(least, min(most, shared/max(1, sites))))
	return func() { debug.SetGCPercent(was) }
}

// sweep looks at every site that was not looked at since a moment.
func (a *App) sweep(ctx context.Context, since time.Time, progress func(done, total int)) error {
	defer frugal(a.bot.Watch.Sites())()
	tidy := func(done, total int) {
		if done%(manySites/2) == 0 {
			debug.FreeOSMemory() // what was needed for a moment and is not any more
		}
		if progress != nil {
			progress(done, total)
		}
	}
	return a.bot.Alerts.Sweep(ctx, probe.Sweep{Since: since, Progress: tidy, Recheck: probe.RecheckDelay})
}

// online asks the resolvers for what is always there. Without an answer it is
// we who are cut off, and nothing can be said of anybody's domain.
func (o *outside) online(ctx context.Context) error {
	said, err := o.resolver.Ask(ctx, dns.Query{Name: "ru", Type: 2}) // NS, RFC 1035 section 3.2.2
	if err == nil && said.Rcode != 0 {
		err = fmt.Errorf("answer %d to a control question", said.Rcode)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	return nil
}

// ErrOffline is what a sweep says when the resolvers do not answer us: look
// at our own network first.
var ErrOffline = probe.ErrOffline
