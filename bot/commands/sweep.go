package commands

import (
	"context"
	"errors"
	"strconv"
	"time"

	"domovoy/bot"
	"domovoy/bot/alerts"
	"domovoy/bot/probe"
	"domovoy/bot/task"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// SweepData is the JSON of a sweep that somebody asked for.
type SweepData struct {
	Summary *SweepSummary `json:"summary" jsonschema:"null: it was stopped"`
	Looked  int           `json:"looked" jsonschema:"sites probed since it began, or last went on"`
	Total   int           `json:"total" jsonschema:"sites there were to probe then"`
}

// SweepSummary is the last line of a sweep's JSON. ByCode counts every site
// once, ok included.
type SweepSummary struct {
	Domains int                 `json:"domains"`
	ByCode  map[checks.Code]int `json:"by_code"`
	Seconds float64             `json:"seconds"`
}

// sweep begins a probe of every site of every panel. One at a time: another
// would ask the same.
func (b background) sweep(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if err := noWords("sweep", r); err != nil {
		return bot.Answer{}, err
	}
	servers := b.watch.States()
	if err := probed(servers); err != nil {
		return bot.Answer{}, err
	}
	total := 0
	for _, s := range servers {
		if s.Probes != nil {
			total += len(probe.Due(s, r.Now))
		}
	}
	m := compose.SweepBegun(r.Writer(), total)
	open, err := b.tasks.Open(ctx, sweepKind)
	if err != nil {
		return bot.Answer{}, err
	}
	if open != nil {
		if b.tasks.Abandoned(ctx, *open, r) {
			return bot.Answer{Message: m, Work: &bot.Work{Kind: open.Kind, Task: open.ID}}, nil
		}
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultBusy, Key: "refusal.sweep", Args: i18n.Args{"Name": open.By.Name, "Task": strconv.FormatInt(open.ID, 10)}}
	}
	begun, err := bot.NewWork(sweepKind, struct{}{})
	return bot.Answer{Message: m, Work: begun, Act: bot.NewAct("sweep", "", bot.ResultOK)}, err
}

// probed refuses a sweep of panels none of which is probed from outside, or
// was ever read.
func probed(servers []reports.Server) error {
	key := "trouble.inside"
	for _, s := range servers {
		if s.Probes == nil {
			continue
		}
		if !s.Read.IsZero() {
			return nil
		}
		key = "trouble.never"
	}
	return &bot.Refusal{Code: bot.ResultUnavailable, Key: key}
}

// sweepKind is the kind of the task, as the journal keeps it.
const sweepKind = "sweep"

// firstReading is how long a sweep waits for the panels to be read once.
const firstReading = 2 * time.Minute

// SweepTask is the kind of task that carries out a sweep: it probes every site
// that was not probed since the sweep was asked for, after a restart the rest.
func SweepTask(w *watch.Watch, recorder *alerts.Recorder) task.Kind {
	run := func(ctx context.Context, t *task.Task) (bot.Answer, error) {
		w.WaitFirst(ctx, firstReading)
		if err := probed(w.States()); err != nil {
			return bot.Answer{}, err
		}
		data := SweepData{}
		err := recorder.Sweep(ctx, probe.Sweep{Since: t.Times.Created, Recheck: probe.RecheckDelay, Progress: sweeping(t, &data)})
		switch {
		case err != nil && t.Stopped():
			return bot.Answer{Message: compose.SweepStopped(t.Writer(), data.Looked, data.Total), Data: data}, nil
		case errors.Is(err, probe.ErrOffline):
			return bot.Answer{}, &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.offline"}
		case err != nil:
			return bot.Answer{}, err
		}
		took := time.Since(t.Times.Created)
		sum, err := Swept(w, t.Writer().Locale, took, func(CheckData) error { return nil })
		data.Summary = &sum
		return bot.Answer{Message: compose.Swept(t.Writer(), compose.SweepResult{Domains: sum.Domains, ByCode: sum.ByCode, Took: took}), Data: data}, err
	}
	return task.Kind{Name: sweepKind, Stop: bot.Operator, Run: run}
}

// sweeping notes how far a sweep is, and composes what is shown of it no more
// often than that is looked at.
func sweeping(t *task.Task, data *SweepData) func(done, total int) {
	id, composed := strconv.FormatInt(t.ID, 10), time.Time{}
	return func(done, total int) {
		data.Looked, data.Total = done, total
		if now := time.Now(); now.Sub(composed) >= task.FollowPace {
			composed = now
			t.Progress(compose.Sweeping(t.Writer(), id, done, total))
		}
	}
}

// Swept passes what is known of every site after a sweep, in the order of the
// panels, and sums it up. It goes into files: links that act in the account's
// name are always left out.
func Swept(watched *watch.Watch, l *i18n.Locale, took time.Duration, each func(CheckData) error) (SweepSummary, error) {
	w := compose.Writer{Locale: l, Now: time.Now()}
	sum := SweepSummary{ByCode: map[checks.Code]int{}, Seconds: took.Seconds()}
	for _, s := range watched.States() {
		bySite := s.BySite()
		for _, x := range s.Subjects {
			data := checkData(reports.Site{Server: bySite(x.Site.Name), Subject: x}, w)
			sum.Domains++
			sum.ByCode[data.Verdict.Code]++
			if err := each(data); err != nil {
				return sum, err
			}
		}
	}
	return sum, nil
}

// Summary says a sweep's sum to a person.
func Summary(l *i18n.Locale, s SweepSummary) reports.Message {
	w := compose.Writer{Locale: l, Now: time.Now()}
	return compose.Summary(w, compose.SweepResult{Domains: s.Domains, ByCode: s.ByCode, Took: time.Duration(s.Seconds * float64(time.Second))})
}
