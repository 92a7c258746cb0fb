package commands_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
)

// Nobody may do anything unless the configuration allows it; the higher of the
// person's own role and the chat's counts.
func TestRoles(t *testing.T) {
	chat := func(s string) bot.Address {
		a, err := bot.ParseAddress(s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	audience := bot.Audience{
		Chats: []bot.Chat{
			{To: chat("telegram:-100/7"), Role: bot.Viewer},
			{To: chat("slack:C1"), Role: bot.Operator},
			{To: chat("slack:C2")}, // alerts only
		},
		People: map[string]bot.Role{"telegram:1": bot.Admin, "telegram:2": bot.Viewer},
	}
	for _, c := range []struct {
		person, chat string
		want         bot.Role
	}{
		{"telegram:1", "telegram:1", bot.Admin},         // known, in private
		{"telegram:1", "telegram:-100/7", bot.Admin},    // higher than the chat's
		{"telegram:1", "telegram:-999", bot.Admin},      // a person's role is valid in every chat
		{"telegram:3", "telegram:-100/7", bot.Viewer},   // of the chat
		{"telegram:3", "telegram:3", bot.Stranger},      // no role
		{"telegram:3", "telegram:-100", bot.Stranger},   // the group around the topic is another chat
		{"telegram:3", "telegram:-100/8", bot.Stranger}, // so is its other topic
		{"slack:T:U", "slack:C1", bot.Operator},
		{"slack:T:U", "slack:C1/170.1", bot.Operator}, // a thread is in its channel
		{"slack:T:U", "slack:C2", bot.Stranger},
		{"telegram:2", "slack:C1", bot.Operator},
		{"", "slack:C1", bot.Stranger}, // a channel's post, an anonymous admin
		{"", "telegram:-100/7", bot.Stranger},
		{"telegram:11", "telegram:11", bot.Stranger}, // a prefix of an id does not match
		{"slack:1", "telegram:9", bot.Stranger},
	} {
		if got := audience.Role(c.person, chat(c.chat)); got != c.want {
			t.Errorf("%q in %s is %s, want %s", c.person, c.chat, got, c.want)
		}
	}
	for name, want := range map[string]bot.Role{"viewer": bot.Viewer, "operator": bot.Operator, "admin": bot.Admin, "": bot.Stranger, "root": bot.Stranger, "stranger": bot.Stranger} {
		if got := bot.ParseRole(name); got != want {
			t.Errorf("%q is the role %s, want %s", name, got, want)
		}
	}
}

// Every command is refused to people whose role is too low, with the role that
// it needs.
func TestEveryCommandNeedsItsRole(t *testing.T) {
	b := enginetest.New(t, engine.Config{}).Commands
	for _, c := range b.List() {
		if c.Role < bot.Viewer {
			t.Errorf("%s may be used by strangers", c.Name)
		}
		for role := bot.Stranger; role < c.Role; role++ {
			_, err := b.Ask(t.Context(), c.Name, enginetest.Request(t, role))
			var refusal *bot.Refusal
			if !errors.As(err, &refusal) || refusal.Code != bot.ResultNotAllowed {
				t.Errorf("%s for a %s: %v", c.Name, role, err)
			}
		}
	}
	m, code := bot.Explain(t.Context(), slog.New(slog.DiscardHandler), must(b.Ask(t.Context(), "status", enginetest.Request(t, bot.Stranger))), enginetest.Request(t, bot.Stranger))
	if code != bot.ResultNotAllowed || !strings.Contains(m.Title, "telegram:3") {
		t.Errorf("a stranger is told %q (%s), want their id in it", m.Title, code)
	}
	// A stranger does not learn which commands exist.
	m2, _ := bot.Explain(t.Context(), slog.New(slog.DiscardHandler), must(b.Ask(t.Context(), "nosuch", enginetest.Request(t, bot.Stranger))), enginetest.Request(t, bot.Stranger))
	if m2.Title != m.Title {
		t.Errorf("a stranger is told %q of a command that there is not", m2.Title)
	}
}

// must returns the error of an answer that must be refused.
func must(_ bot.Answer, err error) error { return err }

// An internal error is shown only as a reference; the log has the error under
// that reference.
func TestAnInternalErrorIsToldByReference(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	b := enginetest.New(t, engine.Config{Log: logger}).Commands
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r := enginetest.Request(t, bot.Viewer)
	_, err := b.Ask(ended, "status", r) // the journal can no longer be read
	if err == nil {
		t.Fatal("status answers without a journal")
	}
	m, code := bot.Explain(t.Context(), logger, err, r)
	_, reference, _ := strings.Cut(log.String(), "reference=")
	reference, _, _ = strings.Cut(reference, " ")
	if code != bot.ResultInternal || len(reference) != 4 || !strings.Contains(m.Title, reference) {
		t.Errorf("told %q (%s), logged under %q", m.Title, code, reference)
	}
	if strings.Contains(m.Title, err.Error()) || !strings.Contains(log.String(), "context canceled") {
		t.Errorf("told %q; the log has %s", m.Title, &log)
	}
	m2, _ := bot.Explain(t.Context(), logger, err, r)
	if m2.Title == m.Title {
		t.Error("two errors share a reference")
	}
}
