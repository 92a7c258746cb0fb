package bot

import (
	"context"
	"errors"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// Do answers one line of text, and carries out to its end what that begins.
// It is for who waits: at the console, or a program. Errors are those of Ask.
func (b *Bot) Do(ctx context.Context, text string, r Request) (Answer, error) {
	r.Waits = true
	answer, err := b.Ask(ctx, text, r)
	if err != nil {
		return answer, errors.Join(err, b.auditRefusal(ctx, text, err, r))
	}
	if answer.Task == nil {
		return answer, b.auditDone(ctx, answer.Entry)
	}
	return b.inline(ctx, *answer.Task, answer.Entry, r)
}

// auditRefusal keeps in the audit what was tried in vain; questions are not
// worth it here.
func (b *Bot) auditRefusal(ctx context.Context, text string, err error, r Request) error {
	name, words := b.words.parse(text)
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || !acts(name) {
		return nil
	}
	e := r.entry(name, tried(words), refusal.Code)
	return b.auditDone(ctx, &e)
}

func (b *Bot) auditDone(ctx context.Context, e *journal.AuditEntry) error {
	if e == nil {
		return nil
	}
	return b.journal.Audit(ctx, *e)
}

// inline carries a task out now. Of one that was cut short in a process that
// is gone, what is left is done.
func (b *Bot) inline(ctx context.Context, task journal.Task, entry *journal.AuditEntry, r Request) (Answer, error) {
	release, err := b.turn(ctx, task.Kind, r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = release() }() // the end of the process would do it
	if task.ID == 0 {
		task.State = journal.TaskRunning
		if task, err = b.journal.Begin(ctx, 0, nil, entry, task); err != nil {
			return Answer{}, refusedPlan(err, task.Plan)
		}
	}
	tell := func(_ context.Context, m reports.Message) error {
		if r.Notice != nil {
			r.Notice(m.Title)
		}
		return nil
	}
	for {
		answer, state, failed := b.work(ctx, task, tell)
		var later *Later
		switch {
		case ctx.Err() != nil && state == journal.TaskFailed:
			return Answer{}, ctx.Err()
		case errors.As(failed, &later):
			if err := b.wait(ctx, task, later, tell); err != nil {
				return Answer{}, err
			}
			if task, err = b.journal.Task(ctx, task.ID); err != nil {
				return Answer{}, err
			}
			continue
		}
		if err := note(ctx, func(ctx context.Context) error { return b.finish(ctx, task, answer, state, failed) }); err != nil {
			return Answer{}, err
		}
		return answer, failed
	}
}

// turn waits until no other process is at a task of that kind, and tells that
// it does.
func (b *Bot) turn(ctx context.Context, kind string, r Request) (release func() error, err error) {
	for told := false; ; told = true {
		release, err = b.journal.Lock(ctx, lockOf(kind))
		if !errors.Is(err, journal.ErrLocked) {
			return release, err
		}
		if !told && r.Notice != nil {
			r.Notice(r.Locale.Say("task.turn"))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(taskLook):
		}
	}
}

// wait puts a task off, and waits until it may go on, or was stopped.
func (b *Bot) wait(ctx context.Context, task journal.Task, later *Later, tell telling) error {
	if err := b.journal.PutOff(ctx, task.ID, later.Until); err != nil {
		return err
	}
	if err := tell(ctx, later.Message); err != nil {
		return err
	}
	for time.Now().Before(later.Until) {
		stored, err := b.journal.Task(ctx, task.ID)
		if err != nil || stored.State == journal.TaskStopping {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(taskTell, time.Until(later.Until))):
		}
	}
	return nil
}

// refusedPlan is the refusal of a plan that somebody else was faster to use.
func refusedPlan(err error, plan string) error {
	if errors.Is(err, journal.ErrUsed) {
		return usedUp(plan)
	}
	return err
}
