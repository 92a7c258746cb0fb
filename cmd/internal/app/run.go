package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"domovoy/bot"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
)

// ErrRunning is what Run says when another copy runs on the same state.
var ErrRunning = errors.New("another copy is running on this state file")

// sweepLate is how late a sweep is still worth doing, or going on with.
const sweepLate = 6 * time.Hour

// digestLate is how late a digest is still worth sending.
const digestLate = 6 * time.Hour

// weeklyLate is how late a weekly report, or the snapshot of a day, is still
// worth making.
const weeklyLate = 3 * 24 * time.Hour

// voidPause is how long a messenger that refuses us for good is left alone
// before the next try: somebody may have mended the token's rights.
const voidPause = 5 * time.Minute

// Run is the bot: it watches, tells and answers until the context ends.
func (a *App) Run(ctx context.Context) error {
	release, err := a.journal.Lock(ctx, "run")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRunning, err)
	}
	defer func() { _ = release() }() // the process ends: the system releases it anyway
	if err := a.bot.Retire(ctx, time.Now()); err != nil {
		return err
	}
	messengers, err := a.messengers()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	ear := a.bot.Ear()
	for name, m := range messengers {
		group.Go(func() error { return a.listen(ctx, name, m, ear.Inbox(name)) })
	}
	group.Go(func() error { return ear.Run(ctx) })
	group.Go(func() error { return a.bot.Tasks().Run(ctx) })
	group.Go(func() error { return a.bot.Outbox(messengers).Run(ctx) })
	group.Go(func() error { return bot.NewSchedule(a.journal, a.cfg.Timezone, a.log).Run(ctx, a.jobs()) })
	a.log.InfoContext(ctx, "running", "panels", len(a.readers), "messengers", len(messengers), "chats", len(a.cfg.Chats))
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// messengers makes those that the configuration has a token for. A new
// messenger is a sub-package of bot and one line here.
func (a *App) messengers() (map[string]bot.Messenger, error) {
	messengers := map[string]bot.Messenger{}
	if t := a.cfg.Telegram; t.Token.IsSet() {
		m, err := telegram.New(telegram.Config{Token: t.Token.Reveal, APIURL: t.APIURL, Proxy: t.Proxy.Reveal(), Commands: a.menus(), Log: a.log}, a.bundle)
		if err != nil {
			return nil, err
		}
		messengers["telegram"] = m
	}
	if s := a.cfg.Slack; s.BotToken.IsSet() {
		m, err := slack.New(slack.Config{BotToken: s.BotToken.Reveal(), AppToken: s.AppToken.Reveal(), APIURL: s.APIURL, Proxy: s.Proxy.Reveal(), Log: a.log}, a.bundle)
		if err != nil {
			return nil, err
		}
		messengers["slack"] = m
	}
	return messengers, nil
}

// menus are the commands by language, for Telegram's own menu.
func (a *App) menus() map[string][]telegram.BotCommand {
	menus := map[string][]telegram.BotCommand{}
	for _, language := range a.bundle.Languages() {
		for _, line := range bot.Menu(a.bundle.Locale(language, nil)) {
			menus[language] = append(menus[language], telegram.BotCommand{Name: line[0], Description: line[1]})
		}
	}
	return menus
}

// listen keeps a messenger listening. One that refuses us for good stops
// neither the watch nor the others.
func (a *App) listen(ctx context.Context, name string, m bot.Messenger, inbox bot.Inbox) error {
	for {
		err := m.Listen(ctx, inbox)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		a.log.ErrorContext(ctx, "messenger stopped listening", "messenger", name, "again in", voidPause, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(voidPause):
		}
	}
}

// jobs of the schedule.
func (a *App) jobs() []bot.Job {
	day := everyDay{}
	jobs := []bot.Job{
		{Name: "panel", When: a.cfg.Schedule.Panel, Run: func(ctx context.Context, _ time.Time) error { return a.bot.Observe(ctx, time.Now()) }},
		{Name: "daily", When: a.cfg.Schedule.Daily, Late: digestLate, Run: a.bot.Digest},
		{Name: "calendar", When: a.cfg.Schedule.Daily, Late: digestLate, Run: func(ctx context.Context, _ time.Time) error { return a.bot.Calendar(ctx, time.Now()) }},
		{Name: "history", When: midnight{}, Late: weeklyLate, Run: a.bot.Snapshot},
		{Name: "weekly", When: a.cfg.Schedule.Weekly, Late: weeklyLate, Run: a.bot.Weekly},
		{Name: "prune", When: day, Run: func(ctx context.Context, _ time.Time) error { return a.bot.Prune(ctx, time.Now()) }},
	}
	if a.outside != nil {
		// A sweep that was cut short goes on where it was: since is when it was due.
		jobs = append(jobs, bot.Job{Name: "domains", When: a.cfg.Schedule.Domains, Late: sweepLate,
			Run: func(ctx context.Context, due time.Time) error { return a.sweep(ctx, due, nil) }})
	}
	return jobs
}

// midnight is due when a day begins, in the zone of the moment given.
type midnight struct{}

func (midnight) Next(after time.Time) time.Time {
	return time.Date(after.Year(), after.Month(), after.Day()+1, 0, 0, 0, 0, after.Location())
}

// everyDay is due once a day, from the start on.
type everyDay struct{}

func (everyDay) Next(after time.Time) time.Time { return after.Add(24 * time.Hour) }
