package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// TaskKind is a kind of work that takes long. One task of a kind is under way
// at a time.
type TaskKind struct {
	Name string
	Stop Role // who may stop it, beside the one who began it

	// Run does the work and gives what is told at its end. It is called again,
	// in another process maybe, for a task that was cut short: what it did so
	// far it must know from the journal. Where the context ends it comes back
	// soon; if the task was stopped (Task.Stopped), with the result so far.
	Run func(ctx context.Context, t *Task) (Answer, error)
}

// TaskKinds lists the kinds there are. A new kind is one file and one line
// here.
func TaskKinds() []TaskKind {
	return []TaskKind{
		{sweepKind, Operator, runSweep},
		{cancelPlanKind, Admin, planCancel},
		{cancelKind, Admin, runCancel},
		{probeKind, Admin, runProbe},
	}
}

// ErrStopped is the cause of the end of a task's context when somebody stopped
// the task.
var ErrStopped = errors.New("the task was stopped")

// Later is what Run says of a task that has to wait, without an answer, until
// a moment that somebody else gave: it is then called again.
type Later struct {
	Until   time.Time
	Message reports.Message // what is shown meanwhile
}

// Error is for logs.
func (l *Later) Error() string { return "the task goes on at " + l.Until.Format(time.RFC3339) }

// Begins is the task of a kind that a request begins, for the payload as JSON.
func (r Request) Begins(kind string, payload any) (*journal.Task, error) {
	text, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("beginning %s: %w", kind, err)
	}
	return &journal.Task{Kind: kind, Payload: text, By: r.actor(), State: journal.TaskWaiting, Times: journal.TaskTimes{Created: r.Now}}, nil
}

// actor is the one who asks, as the journal keeps them.
func (r Request) actor() journal.Actor {
	return journal.Actor{Person: r.Person, Name: r.Name, Role: r.Role.String(), Chat: r.Chat.String(), Language: r.Locale.Language()}
}

// entry is the audit's entry of something that was asked for.
func (r Request) entry(command, args string, result Result) journal.AuditEntry {
	return journal.AuditEntry{At: r.Now, Person: r.Person, Name: r.Name, Role: r.Role.String(),
		Chat: r.Chat.String(), Command: command, Args: args, Result: result.String()}
}

// Task is a task under way.
type Task struct {
	journal.Task
	Bot *Bot

	ctx    func() error // why the task's context ended; nil: it did not
	mu     sync.Mutex
	fresh  bool            // guarded by mu: shown is newer than what was told
	latest reports.Message // guarded by mu
}

// Writer composes for the one who began it, now.
func (t *Task) Writer() compose.Writer {
	a := t.Bot.audience
	language := t.By.Language
	if language == "" {
		language = a.Language
	}
	return compose.Writer{Locale: a.Bundle.Locale(language, a.Zone), Now: time.Now()}
}

// Request is one of the person who began it, as if they asked now.
func (t *Task) Request() (Request, error) {
	to, err := ParseAddress(t.By.Chat)
	w := t.Writer()
	return Request{Person: t.By.Person, Name: t.By.Name, Role: ParseRole(t.By.Role), Chat: to, Locale: w.Locale, Now: w.Now}, err
}

// Progress shows how far the task is: the latest message only, now and then.
func (t *Task) Progress(m reports.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latest, t.fresh = m, true
}

// Stopped reports whether somebody stopped the task.
func (t *Task) Stopped() bool { return errors.Is(t.ctx(), ErrStopped) }

// news takes what is to be shown; false: nothing new.
func (t *Task) news() (reports.Message, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh := t.fresh
	t.fresh = false
	return t.latest, fresh
}

// Paces of a task that is under way.
const (
	taskLook = time.Second // how often is looked whether it was stopped

	// taskTell is how often its message is edited at most. Telegram takes 20
	// messages a minute in a group, edits included, and alerts need room
	// (https://core.telegram.org/bots/faq).
	taskTell = 5 * time.Second
)

// telling shows what a task has to show, in its own chat.
type telling func(ctx context.Context, m reports.Message) error

// follow looks after a running task until done is closed: it ends its context
// when somebody stopped it, and shows how far it is.
func (t *Task) follow(ctx context.Context, stop context.CancelCauseFunc, tell telling, done <-chan struct{}) {
	tick := time.NewTicker(taskLook)
	defer tick.Stop()
	told := time.Now()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if stored, err := t.Bot.journal.Task(ctx, t.ID); err == nil && stored.State == journal.TaskStopping {
			stop(ErrStopped)
		}
		if time.Since(told) < taskTell {
			continue
		}
		m, fresh := t.news()
		if !fresh {
			continue
		}
		told = time.Now()
		if err := tell(ctx, m); err != nil && ctx.Err() == nil {
			t.Bot.log.WarnContext(ctx, "progress not shown", "task", t.ID, "error", err)
		}
	}
}
