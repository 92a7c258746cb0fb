package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// counting is a kind of task that counts to what its payload says, nearly one a
// second, and keeps how far it is in the steps.
func counting(b *Bot) TaskKind {
	return TaskKind{Name: "count", Stop: Admin, Run: func(ctx context.Context, t *Task) (Answer, error) {
		var to int
		if err := json.Unmarshal(t.Payload, &to); err != nil {
			return Answer{}, err
		}
		steps, err := b.journal.Steps(context.WithoutCancel(ctx), t.ID)
		if err != nil {
			return Answer{}, err
		}
		for n := len(steps); n < to; n++ {
			select {
			case <-ctx.Done():
				if t.Stopped() {
					return Answer{Message: reports.Message{Title: fmt.Sprintf("stopped at %d", n)}, Data: n}, nil
				}
				return Answer{}, ctx.Err()
			case <-time.After(950 * time.Millisecond):
			}
			if err := b.journal.KeepSteps(ctx, t.ID, []journal.Step{{Item: fmt.Sprintf("%04d", n), State: journal.StepDone}}); err != nil {
				return Answer{}, err
			}
			t.Progress(reports.Message{Title: fmt.Sprintf("%d of %d", n+1, to)})
		}
		return Answer{Message: reports.Message{Title: fmt.Sprintf("counted to %d", to)}, Data: to}, nil
	}}
}

// counter is a bot that knows one kind of task, with a task begun by an
// operator in a chat.
func counter(t *testing.T, to int) (*Bot, Request, journal.Task) {
	t.Helper()
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	log := slog.New(slog.DiscardHandler)
	who := Audience{Bundle: bundle, Language: "en", Zone: time.UTC, People: map[string]Role{"post:5": Operator}}
	b := New(j, NewWatch(j, nil, Rules{}, log), who, reports.Policy{}, log)
	b.kinds = []TaskKind{counting(b)}
	r := Request{Person: "post:5", Name: "Ann", Role: Operator, Chat: Address{Messenger: "post", Chat: "5"}, Locale: bundle.Locale("en", time.UTC), Now: time.Now()}
	task, err := r.Begins("count", to)
	if err != nil {
		t.Fatal(err)
	}
	first := reports.Message{Title: "counting", Actions: []reports.Action{{Label: "Stop", Command: "stop " + journal.TaskMark}}}
	begun, err := j.Begin(t.Context(), 0, []journal.Delivery{{To: "post:5", Kind: journal.AnswerKind, Message: first}}, nil, *task)
	if err != nil {
		t.Fatal(err)
	}
	return b, r, begun
}

// works has the tasks of a bot run for a while.
func works(t *testing.T, b *Bot, while time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Tasks().Run(ctx) }()
	time.Sleep(while)
	cancel()
	<-ended
}

// told takes out of the outbox what the chat was told meanwhile.
func told(t *testing.T, b *Bot) (titles []string) {
	t.Helper()
	for {
		due, err := b.journal.Due(t.Context(), time.Now(), journal.Lane{}, 9)
		if err != nil {
			t.Fatal(err)
		}
		if len(due) == 0 {
			return titles
		}
		for _, d := range due {
			titles = append(titles, d.Message.Title)
			if err := b.journal.MarkSent(t.Context(), d.ID, "ref", time.Now()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// end is how a task stands.
func end(t *testing.T, b *Bot, id int64) string {
	t.Helper()
	task, err := b.journal.Task(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return string(task.State) + " " + string(task.Result)
}

// A task shows how far it is by editing one message, at most every five
// seconds, and its end whenever that comes.
func TestATaskShowsHowFarItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, task := counter(t, 10)
		said := told(t, b)
		var reader sync.WaitGroup
		reader.Go(func() {
			for range 200 {
				time.Sleep(100 * time.Millisecond)
				said = append(said, told(t, b)...)
			}
		})
		works(t, b, 21*time.Second)
		reader.Wait()
		if want := []string{"counting", "5 of 10", "counted to 10"}; !slices.Equal(said, want) {
			t.Errorf("told %q, want %q", said, want)
		}
		if got := end(t, b, task.ID); got != "done 10" {
			t.Errorf("the task is %s", got)
		}
	})
}

// What a process leaves when it is stopped or killed, the next one goes on
// with, and does nothing twice.
func TestATaskGoesOnInTheNextProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, task := counter(t, 10)
		works(t, b, 4500*time.Millisecond)
		if got := end(t, b, task.ID); got != "running " {
			t.Errorf("after the first process the task is %s", got)
		}
		began := time.Now()
		works(t, b, 7*time.Second)
		stored, err := b.journal.Task(t.Context(), task.ID)
		if err != nil || stored.State != journal.TaskDone || stored.Times.Finished.Sub(began) > 6500*time.Millisecond {
			t.Errorf("the task is %+v, %v", stored, err)
		}
	})
}

// stop ends a task soon, with what it did so far; again it changes nothing.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, r, task := counter(t, 1000)
		said := told(t, b)
		command := ""
		due, err := b.journal.Task(t.Context(), task.ID)
		if err != nil {
			t.Fatal(err)
		}
		command = fmt.Sprint("stop ", due.ID)
		go func() {
			time.Sleep(5500 * time.Millisecond)
			other := r
			other.Person, other.Name = "post:6", "Bob"
			var refused *Refusal
			if _, err := b.Ask(t.Context(), command, other); !errors.As(err, &refused) || refused.Code != ResultNotAllowed {
				t.Errorf("another operator: %v", err)
			}
			if a, err := b.Ask(t.Context(), command, r); err != nil || !strings.Contains(a.Message.Title, "Stopping") {
				t.Errorf("its beginner: %q, %v", a.Message.Title, err)
			}
		}()
		works(t, b, 8*time.Second)
		if said = append(said, told(t, b)...); said[len(said)-1] != "stopped at 5" && said[len(said)-1] != "stopped at 6" {
			t.Errorf("told %q", said)
		}
		if got := end(t, b, task.ID); !strings.HasPrefix(got, "stopped ") {
			t.Errorf("the task is %s", got)
		}
		if a, err := b.Ask(t.Context(), command, r); err != nil || !strings.Contains(a.Message.Title, "already") {
			t.Errorf("again: %q, %v", a.Message.Title, err)
		}
		audit, err := b.journal.AuditOf(t.Context(), "", 9)
		if err != nil || len(audit) != 1 || audit[0].Command != "stop" {
			t.Errorf("the audit has %+v, %v", audit, err)
		}
	})
}

// A task that a failure ends says so where it was begun, and in the audit.
func TestATaskThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, task := counter(t, 3)
		b.kinds[0].Run = func(context.Context, *Task) (Answer, error) {
			return Answer{}, &Refusal{Code: ResultUnavailable, Key: "refusal.slow"}
		}
		works(t, b, time.Second)
		if said := told(t, b); len(said) != 1 || !strings.Contains(said[0], "in time") {
			t.Errorf("told %q", said)
		}
		if got := end(t, b, task.ID); !strings.HasPrefix(got, `failed {"error":{"code":"unavailable"`) {
			t.Errorf("the task is %s", got)
		}
		audit, err := b.journal.AuditOf(t.Context(), "", 9)
		if err != nil || len(audit) != 1 || audit[0].Result != "unavailable" {
			t.Errorf("the audit has %+v, %v", audit, err)
		}
	})
}

// A task that has to wait for somebody else's moment goes on then.
func TestATaskThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, task := counter(t, 3)
		var calls []time.Duration
		began := time.Now()
		b.kinds[0].Run = func(context.Context, *Task) (Answer, error) {
			calls = append(calls, time.Since(began).Round(time.Second))
			if len(calls) == 1 {
				return Answer{}, &Later{Until: time.Now().Add(40 * time.Minute), Message: reports.Message{Title: "waiting"}}
			}
			return Answer{Message: reports.Message{Title: "done"}}, nil
		}
		works(t, b, time.Hour)
		if len(calls) != 2 || calls[1] < 40*time.Minute || calls[1] > 41*time.Minute {
			t.Errorf("called after %v", calls)
		}
		if got := end(t, b, task.ID); got != "done null" {
			t.Errorf("the task is %s", got)
		}
	})
}
