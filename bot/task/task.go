// Package task carries out long work that people begin: in the background, one
// task of a kind at a time, over restarts of the program.
package task

import (
	"context"
	"errors"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Kind is a kind of work that takes long. One task of a kind is under way at a
// time.
type Kind struct {
	Name string
	Stop bot.Role // who may stop it, beside the one who began it

	// Run does the work and returns the answer shown at its end. It is called
	// again, maybe in another process, for a task that was cut short: what it
	// did so far it must know from the journal. When the context ends it
	// returns soon; if the task was stopped (Task.Stopped), with the result so
	// far.
	Run func(ctx context.Context, t *Task) (bot.Answer, error)
}

// ErrStopped is the cause of the end of a task's context when somebody stopped
// the task.
var ErrStopped = errors.New("the task was stopped")

// Later is what Run returns for a task that has to wait until a moment that
// another system set, such as the CA: Run is then called again.
type Later struct {
	Until   time.Time
	Message reports.Message // what is shown meanwhile
}

// Error is for logs.
func (l *Later) Error() string { return "the task goes on at " + l.Until.Format(time.RFC3339) }

// Task is a task under way.
type Task struct {
	journal.Task

	people *people.Directory
	cause  func() error // why the task's context ended; nil: it did not
	mu     sync.Mutex
	fresh  bool            // guarded by mu: latest was not shown yet
	latest reports.Message // guarded by mu
}

// Writer composes for the one who began it, now.
func (t *Task) Writer() compose.Writer {
	return compose.Writer{Locale: t.people.In(t.By.Language), Now: time.Now()}
}

// Request is one of the person who began it, as if they asked now.
func (t *Task) Request() (bot.Request, error) {
	to, err := bot.ParseAddress(t.By.Chat)
	w := t.Writer()
	return bot.Request{Person: t.By.Person, Name: t.By.Name, Role: bot.ParseRole(t.By.Role), Chat: to, Locale: w.Locale, Now: w.Now}, err
}

// Progress shows how far the task is: of several messages the latest, now and
// then.
func (t *Task) Progress(m reports.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latest, t.fresh = m, true
}

// Stopped reports whether somebody stopped the task.
func (t *Task) Stopped() bool { return errors.Is(t.cause(), ErrStopped) }

// takeProgress returns the message to show; false: there is none since the last
// call.
func (t *Task) takeProgress() (reports.Message, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh := t.fresh
	t.fresh = false
	return t.latest, fresh
}
