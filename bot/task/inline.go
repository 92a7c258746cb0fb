package task

import (
	"context"
	"errors"
	"time"

	"domovoy/bot"
	"domovoy/bot/internal/work"
	"domovoy/bot/people"
	"domovoy/checks/pace"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Begin stores the task of some work together with the answers to the update
// that began it, the first of which shows how far the task is. It is carried
// out by Run. A plan that was used before is refused.
func (r *Runner) Begin(ctx context.Context, update int64, answers []journal.Delivery, asked bot.Request, answer bot.Answer) error {
	_, err := r.journal.Begin(ctx, update, answers, people.Entry(asked, answer.Act), newTask(asked, *answer.Work, journal.TaskWaiting))
	r.wake.Wake()
	return refusedPlan(err, answer.Work.Plan)
}

func newTask(r bot.Request, w bot.Work, state journal.TaskState) journal.Task {
	return journal.Task{Kind: w.Kind, Payload: w.Payload, By: people.Actor(r), Plan: w.Plan, State: state, Times: journal.TaskTimes{Created: r.Now}}
}

// refusedPlan is the refusal of a plan that another person used first.
func refusedPlan(err error, plan string) error {
	if errors.Is(err, journal.ErrUsed) {
		return UsedUp(plan)
	}
	return err
}

// UsedUp refuses a plan that was used before.
func UsedUp(plan string) error {
	return &bot.Refusal{Code: bot.ResultUsed, Key: "refusal.plan.used", Args: i18n.Args{"Plan": plan}}
}

// Inline carries out some work while the one who asked waits, and returns its
// end. Work that goes on with a task does what a process that is gone left.
func (r *Runner) Inline(ctx context.Context, asked bot.Request, begun bot.Answer) (bot.Answer, error) {
	release, err := r.turn(ctx, begun.Work.Kind, asked)
	if err != nil {
		return bot.Answer{}, err
	}
	defer func() { _ = release() }() // the end of the process would do it
	task, err := r.beginInline(ctx, asked, begun)
	if err != nil {
		return bot.Answer{}, err
	}
	show := func(_ context.Context, m reports.Message) error {
		if asked.Notice != nil {
			asked.Notice(m.Title)
		}
		return nil
	}
	for {
		answer, state, failed := r.do(ctx, task, show)
		var later *Later
		switch {
		case ctx.Err() != nil && state == journal.TaskFailed:
			return bot.Answer{}, ctx.Err()
		case errors.As(failed, &later):
			if err := r.wait(ctx, task, later, show); err != nil {
				return bot.Answer{}, err
			}
			if task, err = r.journal.Task(ctx, task.ID); err != nil {
				return bot.Answer{}, err
			}
			continue
		}
		if err := work.Store(ctx, func(ctx context.Context) error { return r.finish(ctx, task, answer, state, failed) }); err != nil {
			return bot.Answer{}, err
		}
		return answer, failed
	}
}

// beginInline stores the task of some work, or loads the one that it goes on
// with.
func (r *Runner) beginInline(ctx context.Context, asked bot.Request, begun bot.Answer) (journal.Task, error) {
	if begun.Work.Task != 0 {
		return r.journal.Task(ctx, begun.Work.Task)
	}
	task, err := r.journal.Begin(ctx, 0, nil, people.Entry(asked, begun.Act), newTask(asked, *begun.Work, journal.TaskRunning))
	return task, refusedPlan(err, begun.Work.Plan)
}

// turn waits until no other process has a task of that kind, and says that it
// waits.
func (r *Runner) turn(ctx context.Context, kind string, asked bot.Request) (release func() error, err error) {
	for told := false; ; told = true {
		release, err = r.journal.Lock(ctx, lockOf(kind))
		if !errors.Is(err, journal.ErrLocked) {
			return release, err
		}
		if !told && asked.Notice != nil {
			asked.Notice(asked.Locale.Say("task.turn"))
		}
		if err := pace.Sleep(ctx, FollowPace); err != nil {
			return nil, err
		}
	}
}

// wait puts a task off, and waits until it may go on, or was stopped.
func (r *Runner) wait(ctx context.Context, task journal.Task, later *Later, show showing) error {
	if err := r.journal.PostponeTask(ctx, task.ID, later.Until); err != nil {
		return err
	}
	if err := show(ctx, later.Message); err != nil {
		return err
	}
	for time.Now().Before(later.Until) {
		stored, err := r.journal.Task(ctx, task.ID)
		if err != nil || stored.State == journal.TaskStopping {
			return err
		}
		if err := pace.Sleep(ctx, min(showPace, time.Until(later.Until))); err != nil {
			return err
		}
	}
	return nil
}

// Open finds the task of a kind that is not over; nil: there is none.
func (r *Runner) Open(ctx context.Context, kind string) (*journal.Task, error) {
	open, err := r.journal.OpenTasks(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range open {
		if t.Kind == kind {
			return &t, nil
		}
	}
	return nil, nil
}

// Abandoned reports whether a program at the console began a task and ended
// before it: the same person, asking again there, goes on with it.
func (r *Runner) Abandoned(ctx context.Context, t journal.Task, asked bot.Request) bool {
	if !asked.Waits || t.By.Person != asked.Person || t.By.Chat != asked.Chat.String() {
		return false
	}
	release, err := r.journal.Lock(ctx, lockOf(t.Kind))
	return err == nil && release() == nil // else another process carries it out
}

// Stop stops a task: one's own, or anybody's with the role that its kind
// needs.
func (r *Runner) Stop(ctx context.Context, task journal.Task, asked bot.Request, act *bot.Act) (journal.Task, error) {
	needs := bot.Admin
	if kind, ok := r.kind(task.Kind); ok {
		needs = kind.Stop
	}
	if asked.Role < needs && asked.Person != task.By.Person {
		return task, &bot.Refusal{Code: bot.ResultNotAllowed, Key: "refusal.stop", Args: i18n.Args{"Name": task.By.Name, "Needs": asked.Locale.Say("role." + needs.String())}}
	}
	task, err := r.journal.StopTask(ctx, task.ID, *people.Entry(asked, act))
	if err == nil {
		r.wake.Wake()
	}
	return task, err
}
