// Package engine connects the parts of the bot: it makes each from those below
// it, and runs them together.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"domovoy/bot"
	"domovoy/bot/alerts"
	"domovoy/bot/canary"
	"domovoy/bot/cancel"
	"domovoy/bot/commands"
	"domovoy/bot/digest"
	"domovoy/bot/inbox"
	"domovoy/bot/jobs"
	"domovoy/bot/metrics"
	"domovoy/bot/outbox"
	"domovoy/bot/people"
	"domovoy/bot/probe"
	"domovoy/bot/registrations"
	"domovoy/bot/share"
	"domovoy/bot/state"
	"domovoy/bot/task"
	"domovoy/bot/watch"
	"domovoy/checks/registry"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Config is what an engine is made of. The zero values of Rules and Policy
// count nothing and alert about nothing.
type Config struct {
	Journal  *journal.Journal
	Sources  []watch.Source
	Rules    watch.Rules
	Policy   reports.Policy
	Audience bot.Audience
	Registry *registry.Registry // asked about every domain; nil: none is
	Share    share.Config       // pages for customers
	Fleet    commands.Roster    // who is in the fleet; nil: there is none
	News     *News              // which panels are observed before the schedule does; nil: none is
	Reports  string             // the folder where the files of reports are kept; empty: nowhere
	Log      *slog.Logger
	Metrics  *metrics.Metrics // nil: nothing is counted

	// SpareAfter is after how long an open critical problem goes another way; zero:
	// outbox.SpareAfter.
	SpareAfter time.Duration
}

// Engine is the bot with all its parts.
type Engine struct {
	commands.Parts
	Commands *commands.Commands
	Inbox    *inbox.Inbox

	// Speaks is asked before each message is sent whether the bot may speak now; nil: it
	// always may. It is set before Run.
	Speaks func() bool

	// Became is what became of the state before it was opened; Run says it.
	Became []compose.StateEvent

	send      bot.Signal // there is something to send
	spare     time.Duration
	news      *News // may be nil
	keeper    *state.Keeper
	metrics   *metrics.Metrics        // may be nil
	domains   *registrations.Looker   // nil: registries are not asked
	receivers map[string]bot.Receiver // by their name in addresses; Run fills it before anything uses it
}

// New makes an engine; it starts nothing.
func New(c Config) *Engine {
	j, log, send := c.Journal, c.Log, bot.NewSignal()
	e := &Engine{send: send, spare: c.SpareAfter, news: c.News, metrics: c.Metrics}
	e.Journal, e.Log, e.Send = j, log, send
	e.People = people.New(c.Audience, j)
	e.Watch = watch.New(j, c.Sources, c.Rules, c.Policy, log)
	e.Prober = probe.New(j, e.Watch)
	e.Alerts = alerts.New(j, e.Watch, e.Prober, e.People, send, log)
	e.Cancel = cancel.New(j, e.Watch, log)
	e.Share = share.New(c.Share, j, log)
	e.Fleet = c.Fleet
	e.Reports = digest.New(j, e.Watch, e.People, c.Reports, send, log)
	kinds := slices.Concat([]task.Kind{commands.SweepTask(e.Watch, e.Alerts)}, e.Cancel.Kinds())
	e.Canary = canary.New(j, e.Alerts, e.People, send, log)
	e.Reports.Canary = e.Canary.Fit
	e.Tasks = task.New(j, e.People, kinds, send, log)
	e.Commands = commands.New(e.Parts)
	e.Inbox = inbox.New(j, e.People, e.Commands, send, log)
	e.receivers = map[string]bot.Receiver{}
	e.keeper = state.New(j, e.People, e.receivers, send, log)
	e.Inbox.Excuse = e.keeper.Excuse
	if c.Metrics != nil {
		c.Metrics.Show(j, e.Watch)
		e.Inbox.Answered = func(command string, result bot.Result, took time.Duration) {
			c.Metrics.Answered(command, result.String(), took)
		}
	}
	if c.Registry != nil {
		e.domains = registrations.New(c.Registry, e.Watch, log)
	}
	return e
}

// CanaryJob is the name of the job that sends test alarms.
const CanaryJob = "canary"

// firstBound is how long the first answer, the first task and the first review of
// the problems wait for the first reading, so that "not read yet" is a rare
// answer, and what is over by now is not told.
const firstBound = 5 * time.Second

// Run listens, answers, works, sends and keeps the schedule until the context
// ends. The senders are receivers that nobody talks to, by their name in addresses.
func (e *Engine) Run(ctx context.Context, messengers map[string]bot.Messenger, senders map[string]bot.Receiver, schedule []jobs.Job) error {
	group, ctx := errgroup.WithContext(ctx)
	maps.Copy(e.receivers, senders)
	for name, m := range messengers {
		e.receivers[name] = m
	}
	for _, became := range e.Became {
		e.keeper.Announce(ctx, became, time.Now())
	}
	group.Go(func() error { return e.keeper.Run(ctx) })
	group.Go(func() error { return e.beginCanary(ctx, schedule) })
	for name, m := range messengers {
		group.Go(func() error { return e.Inbox.Listen(ctx, name, m) })
	}
	for _, run := range []func(context.Context) error{e.Inbox.Run, e.Tasks.Run, e.Alerts.Run} {
		group.Go(func() error {
			e.Watch.WaitFirst(ctx, firstBound)
			return run(ctx)
		})
	}
	if e.domains != nil {
		group.Go(func() error { return e.domains.Run(ctx) })
	}
	if e.news != nil {
		group.Go(func() error { return e.follow(ctx) })
	}
	group.Go(func() error { return e.Outbox(e.receivers).Run(ctx) })
	group.Go(func() error { return jobs.New(e.Journal, e.People.Zone, e.Log).Run(ctx, e.counted(schedule)) })
	return group.Wait()
}

// beginCanary notes since when there are test alarms, if the schedule has any.
func (e *Engine) beginCanary(ctx context.Context, schedule []jobs.Job) error {
	if !slices.ContainsFunc(schedule, func(j jobs.Job) bool { return j.Name == CanaryJob }) {
		return nil
	}
	if err := e.Canary.Begin(ctx); err != nil && ctx.Err() == nil {
		e.Log.ErrorContext(ctx, "cannot note since when there are test alarms", "error", err)
	}
	return nil
}

// counted is a schedule whose runs are counted.
func (e *Engine) counted(schedule []jobs.Job) []jobs.Job {
	counted := slices.Clone(schedule)
	names := make([]string, len(schedule))
	for i, j := range schedule {
		names[i] = j.Name
		counted[i].Run = func(ctx context.Context, due time.Time) error {
			begun := time.Now()
			err := j.Run(ctx, due)
			if ctx.Err() == nil {
				e.metrics.Ran(j.Name, time.Since(begun), err)
			}
			return err
		}
	}
	e.metrics.Expect(slices.Collect(maps.Keys(e.receivers)), names)
	return counted
}

// Health is what /healthz and /readyz answer by.
func (e *Engine) Health() metrics.Health {
	return metrics.Health{Alive: e.keeper.Fault, Ready: func() (unread error) {
		for _, s := range e.Watch.States() {
			if s.Trouble == reports.NeverRead {
				unread = errors.Join(unread, fmt.Errorf("panel %s: not read yet", s.Name))
			}
		}
		return unread
	}}
}

// Healthy reports whether the state could be kept when it was last looked at.
func (e *Engine) Healthy() bool { return e.keeper.Healthy() }

// RefuseConfig tells people that a new configuration is not used, and why.
func (e *Engine) RefuseConfig(ctx context.Context, faults func(*i18n.Locale) []string) {
	e.keeper.Tell(ctx, func(w compose.Writer) reports.Message { return compose.ConfigRefused(w, faults(w.Locale)) }, time.Now())
}

// Outbox over receivers, by their name in addresses.
func (e *Engine) Outbox(receivers map[string]bot.Receiver) *outbox.Outbox {
	return outbox.New(outbox.Config{Journal: e.Journal, Receivers: receivers, Wake: e.send, Log: e.Log, SpareAfter: e.spare, Called: e.metrics.Called, Speaks: e.Speaks,
		Audience: func() bot.Audience { return e.People.Audience }})
}
