package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Tasks carries out what people began and what takes long. Make it with
// Bot.Tasks.
type Tasks struct {
	bot  *Bot
	busy map[string]bool // kinds under way; used by Run alone
	done chan string     // the kind of a task that ended for now
}

// Tasks of the bot.
func (b *Bot) Tasks() *Tasks {
	return &Tasks{bot: b, busy: map[string]bool{}, done: make(chan string, fewTasks)}
}

// fewTasks are as many as are under way together.
const fewTasks = 4

// Run carries out what there is until the context ends. What a killed process
// left is gone on with first.
func (ts *Tasks) Run(ctx context.Context) error {
	b := ts.bot
	b.watch.begun(ctx, firstBound)
	for ctx.Err() == nil {
		wait := idle
		_ = insist(ctx, b.log, func(context.Context) (err error) { wait, err = ts.fill(ctx); return err })
		select {
		case <-ctx.Done():
		case kind := <-ts.done:
			delete(ts.busy, kind)
		case <-b.begun:
		case <-time.After(wait):
		}
	}
	for range ts.busy {
		<-ts.done
	}
	return ctx.Err()
}

// fill begins what may be begun, and tells how long to wait for more.
func (ts *Tasks) fill(ctx context.Context) (time.Duration, error) {
	tasks, err := ts.bot.journal.OpenTasks(ctx)
	if err != nil {
		return 0, err
	}
	wait := idle
	for _, task := range tasks {
		if ts.busy[task.Kind] || len(ts.busy) >= fewTasks {
			continue // the end of another wakes us
		}
		if late := time.Until(task.Times.Next); late > 0 {
			wait = min(wait, late)
			continue
		}
		release, err := ts.bot.journal.Lock(ctx, lockOf(task.Kind))
		if errors.Is(err, journal.ErrLocked) {
			continue // another process is at one of that kind
		}
		if err != nil {
			return wait, err
		}
		ts.busy[task.Kind] = true
		go func() {
			defer func() { ts.done <- task.Kind }()
			ts.bot.carry(ctx, task)
			_ = release() // the end of the process would do it
		}()
	}
	return wait, nil
}

// lockOf is the name of the lock that lets one task of a kind be under way,
// over all processes.
func lockOf(kind string) string { return "task." + kind }

// carry carries a task out and stores its end.
func (b *Bot) carry(ctx context.Context, task journal.Task) {
	log := b.log.With("task", task.ID, "kind", task.Kind)
	tell := func(ctx context.Context, m reports.Message) error { return b.show(ctx, task, m) }
	answer, state, err := b.work(ctx, task, tell)
	var later *Later
	switch {
	case ctx.Err() != nil && state == journal.TaskFailed:
		return // the next start goes on
	case errors.As(err, &later):
		err = insist(ctx, log, func(ctx context.Context) error {
			return errors.Join(b.journal.PutOff(ctx, task.ID, later.Until), tell(ctx, later.Message))
		})
	default:
		err = insist(ctx, log, func(ctx context.Context) error { return b.finish(ctx, task, answer, state, err) })
	}
	if err != nil && ctx.Err() == nil {
		log.ErrorContext(ctx, "a task's end is not stored", "error", err)
	}
	b.rang.ring()
}

// show edits the message of a task; nobody looks at one without.
func (b *Bot) show(ctx context.Context, task journal.Task, m reports.Message) error {
	if task.Delivery == 0 {
		return nil
	}
	m.Silent = true
	err := b.journal.ShowTask(ctx, journal.Delivery{To: task.By.Chat, Kind: journal.AnswerKind, Edits: task.Delivery, Message: m})
	b.rang.ring()
	return err
}

// work runs a task's kind. The state is that of its end; an error other than
// *Later is why it failed.
func (b *Bot) work(ctx context.Context, task journal.Task, tell telling) (answer Answer, state journal.TaskState, err error) {
	i := slices.IndexFunc(b.kinds, func(k TaskKind) bool { return k.Name == task.Kind })
	if i < 0 {
		return Answer{}, journal.TaskFailed, fmt.Errorf("no task is of the kind %q", task.Kind)
	}
	if err := b.journal.StartTask(ctx, task.ID, time.Now()); err != nil {
		return Answer{}, journal.TaskFailed, err
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	t := &Task{Task: task, Bot: b, ctx: func() error { return context.Cause(running) }}
	if task.State == journal.TaskStopping {
		stop(ErrStopped)
	}
	var following sync.WaitGroup
	done := make(chan struct{})
	following.Go(func() { t.follow(ctx, stop, tell, done) })
	err = guarded(func() (err error) { answer, err = b.kinds[i].Run(running, t); return err })
	close(done)
	following.Wait()
	switch {
	case t.Stopped() && (err == nil || ctx.Err() == nil):
		if err != nil {
			answer, err = Answer{Message: compose.Stopped(t.Writer()), Data: StoppedData{Stopped: true}}, nil
		}
		return answer, journal.TaskStopped, err
	case err != nil:
		return answer, journal.TaskFailed, err
	}
	return answer, journal.TaskDone, nil
}

// StoppedData is the JSON of a task that was stopped before there was anything
// to tell.
type StoppedData struct {
	Stopped bool `json:"stopped"`
}

// finish stores a task's end, and tells it where it was shown.
func (b *Bot) finish(ctx context.Context, task journal.Task, answer Answer, state journal.TaskState, failed error) error {
	task.State, task.Times.Finished = state, time.Now()
	entry := answer.Entry
	t := &Task{Task: task, Bot: b}
	r, err := t.Request()
	if err != nil {
		return err
	}
	if failed != nil {
		var code Result
		answer.Message, code = b.Explain(ctx, failed, r)
		answer.Data = map[string]any{"error": map[string]string{"code": code.String(), "text": answer.Message.Title}}
		e := r.entry(task.Kind, task.Plan, code)
		entry = &e
	}
	if task.Result, err = json.Marshal(answer.Data); err != nil {
		return err
	}
	var told []journal.Delivery
	if task.Delivery != 0 {
		told = []journal.Delivery{{To: task.By.Chat, Kind: journal.AnswerKind, Edits: task.Delivery, Message: answer.Message}}
	}
	return b.journal.FinishTask(ctx, task, told, entry)
}
