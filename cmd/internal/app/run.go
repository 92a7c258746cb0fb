package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/bot/canary"
	"domovoy/bot/engine"
	"domovoy/bot/jobs"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// ErrRunning is returned by Run if another process runs with the same state file.
var ErrRunning = errors.New("another copy is running on this state file")

// sweepLate is how late a sweep may begin or continue.
const sweepLate = 6 * time.Hour

// digestLate is how late a digest may be sent.
const digestLate = 6 * time.Hour

// canaryLate is how late a test alarm may be sent: also after a night without the bot
// it is to be known that all works again.
const canaryLate = 24 * time.Hour

// weeklyLate is how late a weekly report, or the snapshot of a day, may be made.
const weeklyLate = 3 * 24 * time.Hour

// Run is the bot: it watches, alerts and answers until the context ends, which is
// no error.
func (a *App) Run(ctx context.Context) error {
	if err := a.run(ctx); ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// SpeakWhile has Run send messages only while speaks says so, and take what people say
// only while accepts does.
func (a *App) SpeakWhile(speaks, accepts func() bool) {
	a.bot.Speaks, a.bot.Inbox.Accepts = speaks, accepts
}

// Became has Run tell people what became of the state.
func (a *App) Became(e compose.StateEvent) { a.bot.Became = append(a.bot.Became, e) }

func (a *App) run(ctx context.Context) error {
	release, err := a.journal.Lock(ctx, "run")
	if errors.Is(err, journal.ErrLocked) {
		return fmt.Errorf("%w: %w", ErrRunning, err)
	}
	if err != nil {
		return unopened(a.cfg, err)
	}
	defer func() { _ = release() }() // the end of the process would release it, too
	if err := a.bot.Alerts.Retire(ctx, time.Now()); err != nil {
		return err
	}
	messengers, err := a.messengers()
	if err != nil {
		return err
	}
	senders, err := a.senders()
	if err != nil {
		return err
	}
	a.log.InfoContext(ctx, "running", "panels", len(a.bot.Watch.Panels()), "messengers", len(messengers), "chats", len(a.cfg.Chats))
	a.warnOfPair(ctx)
	return a.served(ctx, func(ctx context.Context) error { return a.bot.Run(ctx, messengers, senders, a.jobs()) })
}

// served serves the metrics while run lasts. The port is free again when it
// returns: another configuration may want it.
func (a *App) served(ctx context.Context, run func(context.Context) error) error {
	if a.metrics == nil {
		return run(ctx)
	}
	serving, stop := context.WithCancel(ctx)
	var server sync.WaitGroup
	server.Go(func() { _ = a.metrics.Serve(serving, a.cfg.Metrics.Listen, a.bot.Health()) }) // ends with the context
	defer server.Wait()
	defer stop()
	return run(ctx)
}

// messengers returns the messengers that have a token in the configuration. A new
// messenger is a package below bot and a few lines here.
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

// menus returns the commands by language, for Telegram's menu.
func (a *App) menus() map[string][]telegram.BotCommand {
	menus := map[string][]telegram.BotCommand{}
	if a.bot == nil { // without a state nobody is answered
		return menus
	}
	for _, language := range a.bundle.Languages() {
		for _, line := range a.bot.Commands.Menu(a.bundle.Locale(language, nil)) {
			menus[language] = append(menus[language], telegram.BotCommand{Name: line[0], Description: line[1]})
		}
	}
	return menus
}

// jobs returns the jobs of the schedule.
func (a *App) jobs() []jobs.Job {
	day := everyDay{}
	list := []jobs.Job{
		{Name: "panel", When: a.cfg.Schedule.Panel, Run: a.observe},
		{Name: "daily", When: a.cfg.Schedule.Daily, Late: digestLate, Run: a.bot.Reports.SendDaily},
		{Name: engine.CanaryJob, When: canary.Daily{Digest: a.cfg.Schedule.Daily}, Late: canaryLate, Run: a.bot.Canary.Run},
		{Name: "calendar", When: a.cfg.Schedule.Daily, Late: digestLate, Run: func(ctx context.Context, _ time.Time) error { return a.bot.Reports.Calendar(ctx, time.Now()) }},
		{Name: "history", When: midnight{}, Late: weeklyLate, Run: a.bot.Reports.Snapshot},
		{Name: "weekly", When: a.cfg.Schedule.Weekly, Late: weeklyLate, Run: a.bot.Reports.SendWeekly},
		{Name: "share", When: everyHour{}, Run: func(ctx context.Context, _ time.Time) error { return a.bot.Share.Expire(ctx, time.Now()) }},
		{Name: "prune", When: day, Run: func(ctx context.Context, _ time.Time) error { return a.bot.Reports.Prune(ctx, time.Now()) }},
	}
	if a.outside != nil {
		// An interrupted sweep continues: since is when it was due.
		list = append(list, jobs.Job{Name: "domains", When: a.cfg.Schedule.Domains, Late: sweepLate,
			Run: func(ctx context.Context, due time.Time) error { return a.sweep(ctx, due, nil) }})
	}
	return list
}

// midnight is due at the beginning of each day, in the zone of the given time.
type midnight struct{}

func (midnight) Next(after time.Time) time.Time {
	return time.Date(after.Year(), after.Month(), after.Day()+1, 0, 0, 0, 0, after.Location())
}

// everyHour is due an hour after the start, and then every hour.
type everyHour struct{}

func (everyHour) Next(after time.Time) time.Time { return after.Add(time.Hour) }

// everyDay is due 24 hours after the start, and then every 24 hours.
type everyDay struct{}

func (everyDay) Next(after time.Time) time.Time { return after.Add(24 * time.Hour) }
