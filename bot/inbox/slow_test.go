package inbox_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
)

// TestASlowCommandHoldsItsOwnChatUpOnly makes a probe hang, so that check takes
// long in one chat while others are answered. It runs in real time, because the
// journal's disk is not part of a synctest bubble.
func TestASlowCommandHoldsItsOwnChatUpOnly(t *testing.T) {
	release := make(chan struct{})
	prober := enginetest.Prober(func(context.Context, *checks.Target) ([]checks.Finding, error) {
		<-release
		return nil, nil
	})
	e := enginetest.New(t, engine.Config{
		Audience: bot.Audience{People: map[string]bot.Role{"post:5": bot.Admin}},
		Sources:  []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(checks.Site{Name: "shop.ru"}), Prober: prober}},
	})
	enginetest.Read(t, e)
	say := func(key, chat, text string) bot.Update {
		return bot.Update{Key: key, Chat: chat, Person: "post:5", Text: text, At: time.Now()}
	}
	updates := []bot.Update{
		say("1", "post:a", "check shop.ru"), say("2", "post:a", "whoami"),
		say("3", "post:b", "whoami"), say("4", "post:b", "help"), say("5", "post:c", "whoami"),
	}
	if err := e.Inbox.Of("post").Receive(t.Context(), updates, ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- e.Inbox.Run(ctx) }()
	sent := make(sending, 16)
	go func() { _ = e.Outbox(map[string]bot.Receiver{"post": sent}).Run(ctx) }()
	for n, said := range sent.take(t, 3) {
		if strings.HasPrefix(said, "post:a ") {
			t.Errorf("answer %d while one chat hangs is %q", n, said)
		}
	}
	close(release)
	if last := sent.take(t, 2); !strings.Contains(last[0], "shop.ru") || !strings.Contains(last[1], "post:5") {
		t.Errorf("answered afterwards: %q, want the site, then who asks", last)
	}
	cancel()
	<-ended
}

// sending is a receiver that reports each message with its chat.
type sending chan string

func (s sending) Send(_ context.Context, to bot.Address, _ string, m reports.Message) (string, error) {
	if !m.Silent { // announcements of long work are silent
		s <- to.String() + " " + m.Title
	}
	return "ref", nil
}

func (s sending) Edit(ctx context.Context, to bot.Address, _ string, m reports.Message) error {
	_, err := s.Send(ctx, to, "", m)
	return err
}

// take waits for n messages.
func (s sending) take(t *testing.T, n int) (said []string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for len(said) < n {
		select {
		case one := <-s:
			said = append(said, one)
		case <-late:
			t.Fatalf("%d answers, want %d: %q", len(said), n, said)
		}
	}
	return said
}

// A bug that occurs with every update affects these updates, not the program.
func TestABugInAnsweringIsSetAside(t *testing.T) {
	bundle := enginetest.Bundle(t)
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New(t, engine.Config{Audience: bot.Audience{Bundle: bundle, People: map[string]bot.Role{"post:5": bot.Admin}}})
		e.People.Bundle = nil // no texts: every answer panics
		updates := []bot.Update{{Key: "1", Chat: "post:5", Person: "post:5", Text: "status"}, {Key: "2", Chat: "post:9", Person: "post:9", Text: "hi"}}
		if err := e.Inbox.Of("post").Receive(t.Context(), updates, ""); err != nil {
			t.Fatal(err)
		}
		enginetest.Run(t, time.Minute, e.Inbox.Run)
		left, err := e.Journal.Strangers(t.Context(), nil, 9)
		if err != nil || len(left) > 0 {
			t.Errorf("%d updates wait, %v", len(left), err)
		}
		audit, err := e.Journal.AuditOf(t.Context(), "", 9)
		if err != nil || len(audit) != 1 || audit[0].Result != "internal" {
			t.Errorf("the audit has %+v, %v", audit, err)
		}
	})
}
