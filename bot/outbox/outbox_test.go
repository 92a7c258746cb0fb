package outbox_test

import (
	"context"
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
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/outbox"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// wall is a messenger that keeps each chat's messages in a list. Some sends
// have a planned result for their text: an error, or the result of do.
type wall struct {
	mu   sync.Mutex
	said []string // "chat: text", edits as "chat: old → text"
	plan map[string][]func(context.Context) error
}

func (w *wall) Listen(ctx context.Context, _ bot.Inbox) error { <-ctx.Done(); return nil }

func (w *wall) Send(ctx context.Context, to bot.Address, _ string, m reports.Message) (string, error) {
	if err := w.meet(ctx, m.Title); err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	line := to.Chat + ": " + m.Title
	for _, s := range m.Sections {
		if !strings.HasPrefix(s.Text, "Told late") { // which has tests of its own
			line += " | " + s.Text
		}
	}
	w.said = append(w.said, line)
	return m.Title, nil
}

func (w *wall) Edit(ctx context.Context, to bot.Address, ref string, m reports.Message) error {
	if err := w.meet(ctx, m.Title); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, to.Chat+": "+ref+" → "+m.Title)
	return nil
}

// meet returns the next planned result for the text.
func (w *wall) meet(ctx context.Context, text string) error {
	w.mu.Lock()
	planned := w.plan[text]
	if len(planned) > 0 {
		w.plan[text] = planned[1:]
	}
	w.mu.Unlock()
	if len(planned) == 0 {
		return nil
	}
	return planned[0](ctx)
}

func fails(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// inChat returns the messages of one chat, in order.
func (w *wall) inChat(chat string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var said []string
	for _, line := range w.said {
		if text, ok := strings.CutPrefix(line, chat+": "); ok {
			said = append(said, text)
		}
	}
	return said
}

func (w *wall) want(t *testing.T, chat string, said ...string) {
	t.Helper()
	if got := w.inChat(chat); !slices.Equal(got, said) {
		t.Errorf("chat %s has %q, want %q", chat, got, said)
	}
}

// outboxOf has messages for chats of the wall, such as "a: one".
func outboxOf(t *testing.T, j *journal.Journal, w *wall, messages ...string) *outbox.Outbox {
	t.Helper()
	var deliveries []journal.Delivery
	for _, m := range messages {
		chat, text, _ := strings.Cut(m, ": ")
		deliveries = append(deliveries, journal.Delivery{To: "wall:" + chat, Kind: "alert", Message: reports.Message{Language: "en", Title: text}})
	}
	if _, err := j.Enqueue(t.Context(), deliveries); err != nil {
		t.Fatal(err)
	}
	return outboxFor(t, j, slog.DiscardHandler, map[string]bot.Receiver{"wall": w})
}

// outboxFor is an outbox over receivers; change may be nil.
func outboxFor(t *testing.T, j *journal.Journal, log slog.Handler, receivers map[string]bot.Receiver, change ...func(*bot.Audience)) *outbox.Outbox {
	t.Helper()
	a := bot.Audience{Bundle: enginetest.Bundle(t), Language: "en", Zone: time.UTC}
	for _, c := range change {
		c(&a)
	}
	return outbox.New(outbox.Config{Journal: j, Receivers: receivers, Audience: func() bot.Audience { return a }, Wake: bot.NewSignal(), Log: slog.New(log)})
}

// unclear is a failure that may be the messenger's, before anything was sent.
func unclear() error { return &bot.Unclear{Err: errors.New("no route to host")} }

// A message that fails alone is overtaken by the others of its chat, and holds no
// other chat up for long.
func TestAMessageThatFailsAloneIsOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		down := fails(unclear())
		w := &wall{plan: map[string][]func(context.Context) error{"one": {down, down, down, down}}}
		o := outboxOf(t, j, w, "a: one", "a: two", "b: first", "a: three", "b: second")
		enginetest.Run(t, 5*time.Second, o.Run)
		w.want(t, "a", "two", "three")
		w.want(t, "b", "first", "second")
		enginetest.Run(t, time.Minute, o.Run)
		w.want(t, "a", "two", "three", "one")
	})
}

func TestWhatAMessengerSaysIsObeyed(t *testing.T) {
	for name, c := range map[string]struct {
		plan  func(context.Context) error
		soon  []string // in chat a within ten seconds
		later []string // in an hour
		moved []string // in chat b
	}{
		"wait":              {fails(&bot.RetryAfter{After: 10 * time.Minute}), nil, []string{"one", "two"}, nil},
		"wait, all":         {fails(&bot.RetryAfter{After: 10 * time.Minute, Scope: bot.ScopeAll}), nil, []string{"one", "two"}, nil},
		"not this message":  {fails(&bot.Permanent{Reason: "too long"}), []string{"two"}, []string{"two"}, nil},
		"never":             {fails(&bot.Permanent{Reason: "kicked", Chat: true}), nil, []string{"one", "two"}, nil},
		"not now":           {fails(&bot.Refused{Reason: "odd"}), []string{"two", "one"}, []string{"two", "one"}, nil},
		"moved":             {fails(&bot.Moved{To: bot.Address{Messenger: "wall", Chat: "b"}}), nil, nil, []string{"one", "two"}},
		"a panic":           {func(context.Context) error { panic("cannot render") }, []string{"two"}, []string{"two"}, nil},
		"an error, wrapped": {fails(fmt.Errorf("sending: %w", &bot.Permanent{Reason: "gone"})), []string{"two"}, []string{"two"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := enginetest.Journal(t)
				w := &wall{plan: map[string][]func(context.Context) error{"one": {c.plan}}}
				o := outboxOf(t, j, w, "a: one", "a: two")
				enginetest.Run(t, 10*time.Second, o.Run)
				w.want(t, "a", c.soon...)
				enginetest.Run(t, time.Hour, o.Run)
				w.want(t, "a", c.later...)
				w.want(t, "b", c.moved...)
			})
		})
	}
}

// A send during which a shutdown begins is finished and not repeated; one that
// hangs is abandoned after a grace period, and marked as a possible repeat when
// it is retried.
func TestAShutdownInTheMiddleOfASending(t *testing.T) {
	again := enginetest.Bundle(t).Locale("en", nil).Say("delivery.again")
	for name, c := range map[string]struct {
		takes time.Duration
		want  string
	}{
		"slow": {4 * time.Second, "one"},
		"hung": {time.Hour, "one | " + again},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := enginetest.Journal(t)
				w := &wall{plan: map[string][]func(context.Context) error{"one": {func(ctx context.Context) error {
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(c.takes):
						return nil
					}
				}}}}
				o := outboxOf(t, j, w, "a: one")
				began := time.Now()
				enginetest.Run(t, 2*time.Second, o.Run)
				if took := time.Since(began); took > 13*time.Second {
					t.Errorf("the outbox took %s to end", took)
				}
				enginetest.Run(t, 10*time.Minute, o.Run)
				w.want(t, "a", c.want)
			})
		})
	}
}

// A bot that may not speak any more sends nothing, though it was not stopped yet; what
// waited is sent when it may speak again.
func TestWhoMayNotSpeakIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, p := enginetest.NewDisk(t), &post{}
		speaks := true
		out := func() *outbox.Outbox {
			return outbox.New(outbox.Config{Journal: j.Journal, Receivers: map[string]bot.Receiver{"post": p}, Wake: bot.NewSignal(), Log: slog.New(slog.DiscardHandler),
				Audience: func() bot.Audience { return bot.Audience{Bundle: enginetest.Bundle(t)} }, Speaks: func() bool { return speaks }})
		}
		enqueue(t, j.Journal, alert("post:a", "one"))
		enginetest.Run(t, time.Minute, out().Run)
		speaks = false
		enqueue(t, j.Journal, alert("post:a", "two"))
		enginetest.Run(t, time.Hour, out().Run)
		p.want(t, "one")
		if n := waiting(t, j.Journal); n != 1 {
			t.Errorf("%d wait", n)
		}
		speaks = true
		enginetest.Run(t, time.Minute, out().Run)
		if len(p.sent) != 2 || !strings.HasPrefix(p.sent[1], "two") {
			t.Errorf("sent %q", p.sent)
		}
	})
}
