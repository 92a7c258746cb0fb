package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/bot/internal/work"
	"domovoy/bot/people"
	"domovoy/checks/guard"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Runner carries tasks out. Make it with New.
type Runner struct {
	journal *journal.Journal
	people  *people.Directory
	kinds   []Kind
	send    bot.Signal // there is something to send
	wake    bot.Signal // there is a task to begin or to stop
	log     *slog.Logger
}

// New makes a runner of some kinds of tasks.
func New(j *journal.Journal, d *people.Directory, kinds []Kind, send bot.Signal, log *slog.Logger) *Runner {
	return &Runner{journal: j, people: d, kinds: kinds, send: send, wake: bot.NewSignal(), log: log}
}

// Paces of a task that is under way.
const (
	// FollowPace is how often a running task is looked after: whether it was
	// stopped, and how far it is.
	FollowPace = time.Second

	// showPace is how often its message is edited at most. Telegram takes 20
	// messages a minute in a group, edits included, and alerts need room
	// (https://core.telegram.org/bots/faq).
	showPace = 5 * time.Second

	// most tasks are under way together.
	most = 4
)

// Run carries out what there is until the context ends. What a killed process
// left unfinished comes first.
func (r *Runner) Run(ctx context.Context) error {
	pool := work.NewPool(most, r.wake, r.log)
	return pool.Run(ctx, func(ctx context.Context) (time.Duration, error) { return r.fill(ctx, pool) })
}

// fill begins what may begin, and returns how long to wait for more.
func (r *Runner) fill(ctx context.Context, pool *work.Pool) (time.Duration, error) {
	tasks, err := r.journal.OpenTasks(ctx)
	if err != nil {
		return 0, err
	}
	wait := work.Idle
	for _, task := range tasks {
		if pool.Busy(task.Kind) || pool.Room() == 0 {
			continue // the end of another wakes us
		}
		if late := time.Until(task.Times.Next); late > 0 {
			wait = min(wait, late)
			continue
		}
		release, err := r.journal.Lock(ctx, lockOf(task.Kind))
		if errors.Is(err, journal.ErrLocked) {
			continue // another process has one of that kind
		}
		if err != nil {
			return wait, err
		}
		pool.Start(task.Kind, "", func() {
			r.carryOut(ctx, task)
			_ = release() // the end of the process would do it
		})
	}
	return wait, nil
}

// lockOf is the name of the lock that lets one task of a kind be under way,
// over all processes.
func lockOf(kind string) string { return "task." + kind }

// carryOut carries a task out and stores its end.
func (r *Runner) carryOut(ctx context.Context, task journal.Task) {
	log := r.log.With("task", task.ID, "kind", task.Kind)
	show := func(ctx context.Context, m reports.Message) error { return r.show(ctx, task, m) }
	answer, state, err := r.do(ctx, task, show)
	var later *Later
	switch {
	case ctx.Err() != nil && state == journal.TaskFailed:
		return // the next start goes on
	case errors.As(err, &later):
		err = work.UntilStored(ctx, log, func(ctx context.Context) error {
			return errors.Join(r.journal.PostponeTask(ctx, task.ID, later.Until), show(ctx, later.Message))
		})
	default:
		err = work.UntilStored(ctx, log, func(ctx context.Context) error { return r.finish(ctx, task, answer, state, err) })
	}
	if err != nil && ctx.Err() == nil {
		log.ErrorContext(ctx, "cannot store the end of a task", "error", err)
	}
	r.send.Wake()
}

// show edits the message of a task, if it has one.
func (r *Runner) show(ctx context.Context, task journal.Task, m reports.Message) error {
	if task.Delivery == 0 {
		return nil
	}
	m.Silent = true
	_, err := r.journal.Enqueue(ctx, []journal.Delivery{{To: task.By.Chat, Kind: journal.AnswerKind, Edits: task.Delivery, Message: m}})
	r.send.Wake()
	return err
}

// showing shows how far a task is, in its own chat.
type showing func(ctx context.Context, m reports.Message) error

// do runs a task's kind. The state is that of its end; an error other than
// *Later is why it failed.
func (r *Runner) do(ctx context.Context, task journal.Task, show showing) (answer bot.Answer, state journal.TaskState, err error) {
	kind, ok := r.kind(task.Kind)
	if !ok {
		return bot.Answer{}, journal.TaskFailed, fmt.Errorf("no task is of the kind %q", task.Kind)
	}
	if err := r.journal.StartTask(ctx, task.ID, time.Now()); err != nil {
		return bot.Answer{}, journal.TaskFailed, err
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	t := &Task{Task: task, people: r.people, cause: func() error { return context.Cause(running) }}
	if task.State == journal.TaskStopping {
		stop(ErrStopped)
	}
	var following sync.WaitGroup
	done := make(chan struct{})
	following.Go(func() { r.follow(ctx, t, stop, show, done) })
	err = guard.Run(func() (err error) { answer, err = kind.Run(running, t); return err })
	close(done)
	following.Wait()
	switch {
	case t.Stopped() && (err == nil || ctx.Err() == nil):
		if err != nil {
			answer, err = bot.Answer{Message: compose.Stopped(t.Writer()), Data: StoppedData{Stopped: true}}, nil
		}
		return answer, journal.TaskStopped, err
	case err != nil:
		return answer, journal.TaskFailed, err
	}
	return answer, journal.TaskDone, nil
}

// StoppedData is the JSON of a task that was stopped before it had a result.
type StoppedData struct {
	Stopped bool `json:"stopped"`
}

func (r *Runner) kind(name string) (Kind, bool) {
	i := slices.IndexFunc(r.kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return r.kinds[i], true
}

// follow watches a running task until done is closed: it ends its context when
// somebody stopped it, and shows how far it is.
func (r *Runner) follow(ctx context.Context, t *Task, stop context.CancelCauseFunc, show showing, done <-chan struct{}) {
	tick := time.NewTicker(FollowPace)
	defer tick.Stop()
	shown := time.Now()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if stored, err := r.journal.Task(ctx, t.ID); err == nil && stored.State == journal.TaskStopping {
			stop(ErrStopped)
		}
		if time.Since(shown) < showPace {
			continue
		}
		m, fresh := t.takeProgress()
		if !fresh {
			continue
		}
		shown = time.Now()
		if err := show(ctx, m); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "cannot show progress", "task", t.ID, "error", err)
		}
	}
}

// finish stores a task's end, with the edit of its message.
func (r *Runner) finish(ctx context.Context, task journal.Task, answer bot.Answer, state journal.TaskState, failed error) error {
	task.State, task.Times.Finished = state, time.Now()
	t := &Task{Task: task, people: r.people}
	asked, err := t.Request()
	if err != nil {
		return err
	}
	if failed != nil {
		var code bot.Result
		answer.Message, code = bot.Explain(ctx, r.log, failed, asked)
		answer.Data = map[string]any{"error": map[string]string{"code": code.String(), "text": answer.Message.Title}}
		answer.Act = bot.NewAct(task.Kind, task.Plan, code)
	}
	if task.Result, err = json.Marshal(answer.Data); err != nil {
		return err
	}
	var told []journal.Delivery
	if task.Delivery != 0 {
		told = []journal.Delivery{{To: task.By.Chat, Kind: journal.AnswerKind, Edits: task.Delivery, Message: answer.Message}}
	}
	return r.journal.FinishTask(ctx, task, told, people.Entry(asked, answer.Act))
}
