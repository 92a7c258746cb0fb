package task_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/people"
	"domovoy/bot/task"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// counting is a kind of task that counts to the number in its payload, nearly
// one a second, and stores its progress in the steps.
func counting(j *journal.Journal) task.Kind {
	return task.Kind{Name: "count", Stop: bot.Admin, Run: func(ctx context.Context, t *task.Task) (bot.Answer, error) {
		var to int
		if err := json.Unmarshal(t.Payload, &to); err != nil {
			return bot.Answer{}, err
		}
		steps, err := j.Steps(context.WithoutCancel(ctx), t.ID)
		if err != nil {
			return bot.Answer{}, err
		}
		for n := len(steps); n < to; n++ {
			select {
			case <-ctx.Done():
				if t.Stopped() {
					return bot.Answer{Message: reports.Message{Title: fmt.Sprintf("stopped at %d", n)}, Data: n}, nil
				}
				return bot.Answer{}, ctx.Err()
			case <-time.After(950 * time.Millisecond):
			}
			if err := j.KeepSteps(ctx, t.ID, []journal.Step{{Item: fmt.Sprintf("%04d", n), State: journal.StepDone}}); err != nil {
				return bot.Answer{}, err
			}
			t.Progress(reports.Message{Title: fmt.Sprintf("%d of %d", n+1, to)})
		}
		return bot.Answer{Message: reports.Message{Title: fmt.Sprintf("counted to %d", to)}, Data: to}, nil
	}}
}

// counter is a runner with one kind of task, the commands over it, and a task
// that an operator started in a chat.
type counter struct {
	*testing.T
	journal  *journal.Journal
	runner   *task.Runner
	commands *commands.Commands
	asked    bot.Request
	id       int64
}

// newCounter starts a task that counts; run replaces the counting if it is not
// nil.
func newCounter(t *testing.T, to int, run func(context.Context, *task.Task) (bot.Answer, error)) *counter {
	t.Helper()
	j, log := enginetest.Journal(t), slog.New(slog.DiscardHandler)
	kind := counting(j)
	if run != nil {
		kind.Run = run
	}
	d := people.New(bot.Audience{Bundle: enginetest.Bundle(t), Language: "en", Zone: time.UTC, People: map[string]bot.Role{"post:5": bot.Operator}}, j)
	c := &counter{T: t, journal: j, runner: task.New(j, d, []task.Kind{kind}, bot.NewSignal(), log)}
	c.commands = commands.New(commands.Parts{Journal: j, People: d, Tasks: c.runner, Log: log})
	c.asked = bot.Request{Person: "post:5", Name: "Ann", Role: bot.Operator, Chat: bot.Address{Messenger: "post", Chat: "5"}, Locale: d.In("en"), Now: time.Now()}
	begun, err := bot.NewWork("count", to)
	if err != nil {
		t.Fatal(err)
	}
	first := reports.Message{Title: "counting", Actions: []reports.Action{{Label: "Stop", Command: "stop " + journal.TaskMark}}}
	answers := []journal.Delivery{{To: "post:5", Kind: journal.AnswerKind, Message: first}}
	if err := c.runner.Begin(t.Context(), 0, answers, c.asked, bot.Answer{Work: begun}); err != nil {
		t.Fatal(err)
	}
	open, err := j.OpenTasks(t.Context())
	if err != nil || len(open) != 1 {
		t.Fatalf("open tasks %+v, %v", open, err)
	}
	c.id = open[0].ID
	return c
}

// works runs the runner for some time.
func (c *counter) works(while time.Duration) { c.Helper(); enginetest.Run(c, while, c.runner.Run) }

// told removes the messages for the chat from the outbox.
func (c *counter) told() (titles []string) {
	c.Helper()
	for {
		due, err := c.journal.Due(c.Context(), time.Now(), journal.Queue{}, 9)
		if err != nil {
			c.Fatal(err)
		}
		if len(due) == 0 {
			return titles
		}
		for _, d := range due {
			titles = append(titles, d.Message.Title)
			if err := c.journal.MarkSent(c.Context(), d.ID, "ref", time.Now()); err != nil {
				c.Fatal(err)
			}
		}
	}
}

// end returns the state of the task.
func (c *counter) end() string {
	c.Helper()
	task, err := c.journal.Task(c.Context(), c.id)
	if err != nil {
		c.Fatal(err)
	}
	return string(task.State) + " " + string(task.Result)
}

// A task shows its progress by editing one message, at most every five seconds,
// and its end immediately.
func TestATaskShowsHowFarItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter(t, 10, nil)
		said := c.told()
		var reader sync.WaitGroup
		reader.Go(func() {
			for range 200 {
				time.Sleep(100 * time.Millisecond)
				said = append(said, c.told()...)
			}
		})
		c.works(21 * time.Second)
		reader.Wait()
		if want := []string{"counting", "5 of 10", "counted to 10"}; !slices.Equal(said, want) {
			t.Errorf("told %q, want %q", said, want)
		}
		if got := c.end(); got != "done 10" {
			t.Errorf("the task is %s", got)
		}
	})
}

// A task whose process was stopped or killed continues in the next process, and
// nothing is done twice.
func TestATaskGoesOnInTheNextProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter(t, 10, nil)
		c.works(4500 * time.Millisecond)
		if got := c.end(); got != "running " {
			t.Errorf("after the first process the task is %s", got)
		}
		began := time.Now()
		c.works(7 * time.Second)
		stored, err := c.journal.Task(t.Context(), c.id)
		if err != nil || stored.State != journal.TaskDone || stored.Times.Finished.Sub(began) > 6500*time.Millisecond {
			t.Errorf("the task is %+v, %v", stored, err)
		}
	})
}

// stop ends a task soon, with its results so far; a second stop changes
// nothing.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter(t, 1000, nil)
		said := c.told()
		command := fmt.Sprint("stop ", c.id)
		go func() {
			time.Sleep(5500 * time.Millisecond)
			other := c.asked
			other.Person, other.Name = "post:6", "Bob"
			var refused *bot.Refusal
			if _, err := c.commands.Ask(t.Context(), command, other); !errors.As(err, &refused) || refused.Code != bot.ResultNotAllowed {
				t.Errorf("another operator: %v", err)
			}
			if a, err := c.commands.Ask(t.Context(), command, c.asked); err != nil || !strings.Contains(a.Message.Title, "Stopping") {
				t.Errorf("its beginner: %q, %v", a.Message.Title, err)
			}
		}()
		c.works(8 * time.Second)
		if said = append(said, c.told()...); said[len(said)-1] != "stopped at 5" && said[len(said)-1] != "stopped at 6" {
			t.Errorf("told %q", said)
		}
		if got := c.end(); !strings.HasPrefix(got, "stopped ") {
			t.Errorf("the task is %s", got)
		}
		if a, err := c.commands.Ask(t.Context(), command, c.asked); err != nil || !strings.Contains(a.Message.Title, "already") {
			t.Errorf("again: %q, %v", a.Message.Title, err)
		}
		audit, err := c.journal.AuditOf(t.Context(), "", 9)
		if err != nil || len(audit) != 1 || audit[0].Command != "stop" {
			t.Errorf("the audit has %+v, %v", audit, err)
		}
	})
}

// A task that ends with a failure reports it in the chat where it was started,
// and in the audit log.
func TestATaskThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounter(t, 3, func(context.Context, *task.Task) (bot.Answer, error) {
			return bot.Answer{}, &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.slow"}
		})
		c.works(time.Second)
		if said := c.told(); len(said) != 1 || !strings.Contains(said[0], "took too long") {
			t.Errorf("told %q", said)
		}
		if got := c.end(); !strings.HasPrefix(got, `failed {"error":{"code":"unavailable"`) {
			t.Errorf("the task is %s", got)
		}
		audit, err := c.journal.AuditOf(t.Context(), "", 9)
		if err != nil || len(audit) != 1 || audit[0].Result != "unavailable" {
			t.Errorf("the audit has %+v, %v", audit, err)
		}
	})
}

// A task that has to wait for a certain time continues then.
func TestATaskThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []time.Duration
		began := time.Now()
		c := newCounter(t, 3, func(context.Context, *task.Task) (bot.Answer, error) {
			calls = append(calls, time.Since(began).Round(time.Second))
			if len(calls) == 1 {
				return bot.Answer{}, &task.Later{Until: time.Now().Add(40 * time.Minute), Message: reports.Message{Title: "waiting"}}
			}
			return bot.Answer{Message: reports.Message{Title: "done"}}, nil
		})
		c.works(time.Hour)
		if len(calls) != 2 || calls[1] < 40*time.Minute || calls[1] > 41*time.Minute {
			t.Errorf("called after %v", calls)
		}
		if got := c.end(); got != "done null" {
			t.Errorf("the task is %s", got)
		}
	})
}
