package bot

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// TestASlowCommandHoldsItsOwnChatUpOnly has a panel's state locked, so that
// status hangs in one chat while others are answered. The lock is no part of
// a bubble's time: the bell tells when an answer is stored.
func TestASlowCommandHoldsItsOwnChatUpOnly(t *testing.T) {
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	log := slog.New(slog.DiscardHandler)
	watch := NewWatch(j, []Panel{{Name: "isp1"}}, Rules{}, log)
	slow := watch.panels[0]
	slow.tried() // nobody is to wait for its first reading
	who := Audience{Bundle: bundle, Language: "en", Zone: time.UTC, People: map[string]Role{"post:5": Admin}}
	b := New(j, watch, who, reports.Policy{}, log)
	ear := b.Ear()
	say := func(key, chat, text string) journal.Update {
		return journal.Update{Key: key, Chat: chat, Person: "post:5", Text: text, At: time.Now()}
	}
	slow.mu.Lock()
	updates := []journal.Update{
		say("1", "post:a", "status"), say("2", "post:a", "whoami"),
		say("3", "post:b", "whoami"), say("4", "post:b", "help"), say("5", "post:c", "whoami"),
	}
	if err := ear.Inbox("post").Receive(t.Context(), updates, ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- ear.Run(ctx) }()
	stored := awaitAnswers(t, b, 3)
	if want := []string{"post:b", "post:b", "post:c"}; !slices.Equal(chats(stored), want) {
		t.Errorf("answered while one chat hangs: %q, want %q", chats(stored), want)
	}
	slow.mu.Unlock()
	stored = awaitAnswers(t, b, 2)
	if len(stored) != 2 || stored[0].To != "post:a" || !strings.Contains(stored[1].Message.Title, "post:5") {
		t.Errorf("afterwards %+v, want the status, then the name", stored)
	}
	cancel()
	<-ended
}

// A bug that meets every update costs these updates, and not the program.
func TestABugInAnsweringIsPutAside(t *testing.T) {
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		log := slog.New(slog.DiscardHandler)
		who := Audience{Bundle: bundle, People: map[string]Role{"post:5": Admin}}
		b := New(j, NewWatch(j, nil, Rules{}, log), who, reports.Policy{}, log)
		b.audience.Bundle = nil // no language can be spoken
		ear := b.Ear()
		updates := []journal.Update{{Key: "1", Chat: "post:5", Person: "post:5", Text: "status"}, {Key: "2", Chat: "post:9", Person: "post:9", Text: "hi"}}
		if err := ear.Inbox("post").Receive(t.Context(), updates, ""); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_ = ear.Run(ctx)
		left, err := j.Strangers(t.Context(), journal.Known{}, 9)
		if err != nil || len(left) > 0 {
			t.Errorf("%d updates wait, %v", len(left), err)
		}
		audit, err := j.AuditOf(t.Context(), "", 9)
		if err != nil || len(audit) != 1 || audit[0].Result != "internal" {
			t.Errorf("the audit has %+v, %v", audit, err)
		}
	})
}

// awaitAnswers takes so many answers out of the outbox, each chat's in order.
func awaitAnswers(t *testing.T, b *Bot, n int) (found []journal.Delivery) {
	t.Helper()
	for len(found) < n {
		select {
		case <-b.rang:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d answers, want %d: %q", len(found), n, chats(found))
		}
		for {
			due, err := b.journal.Due(t.Context(), time.Now(), journal.Lane{}, 9)
			if err != nil {
				t.Fatal(err)
			}
			if len(due) == 0 {
				break
			}
			for _, d := range due {
				found = append(found, d)
				if err := b.journal.MarkSent(t.Context(), d.ID, "", time.Now()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return found
}

// chats of deliveries, sorted.
func chats(deliveries []journal.Delivery) (chats []string) {
	for _, d := range deliveries {
		chats = append(chats, d.To)
	}
	slices.Sort(chats)
	return chats
}
