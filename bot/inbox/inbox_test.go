package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/reports/journal"
)

// known is an audience with one operator and one chat in
// which everybody may ask.
func known() bot.Audience {
	return bot.Audience{
		Language: "en",
		People:   map[string]bot.Role{"post:5": bot.Operator, "post:6": bot.Viewer},
		Chats:    []bot.Chat{{To: bot.Address{Messenger: "post", Chat: "-1"}, Role: bot.Viewer}},
	}
}

// said is a person's text in a chat; they send one every second.
func said(n int, chat, person, text string) bot.Update {
	return bot.Update{Key: fmt.Sprint(chat, person, n), Chat: chat, Private: true, Person: person, Text: text, At: time.Now().Add(time.Duration(n) * time.Second)}
}

// hears runs the inbox with these updates for some time.
func hears(t *testing.T, j *journal.Journal, who bot.Audience, while time.Duration, updates ...bot.Update) {
	t.Helper()
	in := enginetest.New(t, engine.Config{Journal: j, Audience: who}).Inbox
	if err := in.Of("post").Receive(t.Context(), updates, ""); err != nil {
		t.Fatal(err)
	}
	enginetest.Run(t, while, in.Run)
}

// TestAnUpdateWaits: while the bot may take none, an update is neither stored nor is
// the messenger told so; when it may again, it is stored.
func TestAnUpdateWaits(t *testing.T) {
	e := enginetest.New(t, engine.Config{Audience: known()})
	asked := 0
	e.Inbox.Accepts = func() bool { asked++; return asked > 3 }
	box := e.Inbox.Of("post")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // it asks twice
	defer cancel()
	if err := box.Receive(ctx, []bot.Update{said(1, "5", "post:5", "whoami")}, "2"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an update that may not be taken: %v", err)
	}
	if cursor, err := box.Cursor(t.Context()); err != nil || cursor != "" {
		t.Errorf("it is confirmed up to %q, %v", cursor, err)
	}
	if err := box.Receive(t.Context(), []bot.Update{said(1, "5", "post:5", "whoami")}, "2"); err != nil {
		t.Fatal(err)
	}
	if cursor, err := box.Cursor(t.Context()); err != nil || cursor != "2" {
		t.Errorf("it is confirmed up to %q, %v", cursor, err)
	}
}

// answers returns the titles of the queued messages for a chat, in order, and
// marks them as sent.
func answers(t *testing.T, j *journal.Journal, chat string) (titles []string) {
	t.Helper()
	for {
		due, err := j.Due(t.Context(), time.Now(), journal.Queue{}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(due, func(d journal.Delivery) bool { return d.To == chat })
		if i < 0 {
			return titles
		}
		titles = append(titles, due[i].Message.Title)
		if err := j.MarkSent(t.Context(), due[i].ID, "", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

func audited(t *testing.T, j *journal.Journal) (entries []string) {
	t.Helper()
	audit, err := j.AuditOf(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range audit {
		entries = append(entries, e.Person+" "+e.Command+" "+e.Result)
	}
	return entries
}

// unanswered returns how many updates are still queued.
func unanswered(t *testing.T, j *journal.Journal) int {
	t.Helper()
	left, err := j.Strangers(t.Context(), nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(left)
}

// A stranger gets one answer an hour in each chat, and leaves nothing in
// permanent storage.
func TestAStrangerIsAnsweredOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		in := enginetest.New(t, engine.Config{Journal: j, Audience: known()}).Inbox
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- in.Run(ctx) }()
		say := func(times int, chat, person string) {
			t.Helper()
			for n := range times {
				u := said(n, chat, person, "hi")
				u.Key += time.Now().String()
				if err := in.Of("post").Receive(t.Context(), []bot.Update{u}, ""); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
		}
		expect := func(chat string, want int) {
			t.Helper()
			if got := answers(t, j, chat); len(got) != want {
				t.Errorf("%d answers in %s, want %d: %q", len(got), chat, want, got)
			}
		}
		say(300, "post:9", "post:9")
		expect("post:9", 1)
		say(30, "post:9", "post:9")
		expect("post:9", 0)
		say(3, "post:-2/1", "post:9")
		say(3, "post:-2/2", "post:9") // a thread is not another chat
		expect("post:-2/1", 1)
		expect("post:-2/2", 0)
		say(3, "post:-2", "") // a channel
		expect("post:-2", 1)
		time.Sleep(time.Hour)
		say(3, "post:9", "post:9")
		expect("post:9", 1)
		if entries := audited(t, j); len(entries) > 0 {
			t.Errorf("the audit has %q", entries)
		}
		if n := unanswered(t, j); n != 0 {
			t.Errorf("%d updates wait", n)
		}
		cancel()
		<-ended
	})
}

// However many strangers write, the number of answers to them is limited.
func TestACrowdOfStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		var crowd []bot.Update
		for n := range 1300 {
			who := fmt.Sprint("post:", 1000+n)
			crowd = append(crowd, said(0, who, who, "hi"))
		}
		hears(t, j, known(), time.Minute, crowd...)
		n, _, err := j.Waiting(t.Context())
		if err != nil || n != 1000 {
			t.Errorf("%d answers, %v", n, err)
		}
	})
}

// Updates of known people do not wait for strangers' updates before them.
func TestTheKnownAreServedBeforeStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		updates := []bot.Update{said(0, "post:8", "post:8", "hi"), said(0, "post:9", "post:9", "hi"), said(0, "post:-1/3", "post:77", "whoami")}
		for n := range 10 {
			updates = append(updates, said(n, "post:5", "post:5", "whoami"))
		}
		hears(t, j, known(), time.Minute, updates...)
		due, err := j.Due(t.Context(), time.Now(), journal.Queue{}, 9)
		if err != nil {
			t.Fatal(err)
		}
		stored := map[string]int64{} // position among the answers
		for _, d := range due {
			stored[d.To] = d.ID
		}
		if len(stored) != 4 || stored["post:8"] != 12 || stored["post:9"] != 13 {
			t.Errorf("stored in the order %v, want strangers last", stored)
		}
	})
}

// A known person gets twenty answers a minute, one notice that it was too much,
// and then no answer until the minute is over. Others are not affected.
func TestTooMuchAtOnce(t *testing.T) {
	tooMany := enginetest.Bundle(t).Locale("en", nil).Say("refusal.toomany")
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		var all []bot.Update
		for n := range 100 { // one a second
			all = append(all, said(n, "post:5", "post:5", "whoami"))
		}
		all = append(all, said(1, "post:6", "post:6", "whoami"))
		hears(t, j, known(), time.Minute, all...)
		got := answers(t, j, "post:5")
		if len(got) != 42 || got[20] != tooMany || got[41] != tooMany {
			t.Errorf("%d answers: %q", len(got), got)
		}
		if n := len(slices.DeleteFunc(got, func(title string) bool { return title == tooMany })); n != 40 {
			t.Errorf("%d commands were answered, want 20 a minute", n)
		}
		if n := len(answers(t, j, "post:6")); n != 1 {
			t.Errorf("somebody else has %d answers", n)
		}
		if entries := audited(t, j); len(entries) > 0 {
			t.Errorf("the audit has %q", entries)
		}
	})
}

// An update that cannot be answered is set aside, with a message if its sender
// is known, and does not block others.
func TestABadUpdateStopsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		hears(t, j, known(), time.Minute,
			said(0, "post:", "post:5", "lang ru"), said(1, "nowhere", "post:9", "x"), said(2, "", "", ""),
			said(3, "post:5", "post:5", "whoami"), said(4, "post:5", "post:5", "nonsense"))
		if got := answers(t, j, "post:5"); len(got) != 2 || !strings.Contains(got[0], "post:5") {
			t.Errorf("answers: %q", got)
		}
		if got, want := audited(t, j), []string{"post:5 nonsense unknown_command", "post:5 lang internal"}; !slices.Equal(got, want) {
			t.Errorf("the audit has %q, want %q", got, want)
		}
		if n := unanswered(t, j); n != 0 {
			t.Errorf("%d updates wait", n)
		}
	})
}

// An answer that cannot be stored is kept, and stored once when the journal
// works again; the order within chats is kept.
func TestAnAnswerOutlivesAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.NewDisk(t)
		in := enginetest.New(t, engine.Config{Journal: j.Journal, Audience: known()}).Inbox
		updates := []bot.Update{said(0, "post:5", "post:5", "lang ru"), said(1, "post:5", "post:5", "whoami")}
		if err := in.Of("post").Receive(t.Context(), updates, ""); err != nil {
			t.Fatal(err)
		}
		j.Full("UPDATE ON inbox")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- in.Run(ctx) }()
		time.Sleep(time.Hour)
		j.Freed()
		time.Sleep(10 * time.Minute)
		if got := answers(t, j.Journal, "post:5"); len(got) != 2 || !strings.Contains(got[1], "роль") {
			t.Errorf("answers: %q", got)
		}
		if got := audited(t, j.Journal); !slices.Equal(got, []string{"post:5 lang ok"}) {
			t.Errorf("the audit has %q: it was done more than once", got)
		}
		cancel()
		<-ended
	})
}

// A chat that moved more than once keeps the rights that the configuration
// gives to any of its addresses.
func TestAChatThatMovedKeepsItsRights(t *testing.T) {
	for _, configured := range []string{"-1", "-2", "-3", "-4"} {
		t.Run(configured, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := enginetest.Journal(t)
				for _, old := range []string{"post:-1", "post:-2", "post:-3"} {
					if err := j.MoveChat(t.Context(), old, "post:-4"); err != nil {
						t.Fatal(err)
					}
				}
				who := bot.Audience{Language: "en", Chats: []bot.Chat{{To: bot.Address{Messenger: "post", Chat: configured}, Role: bot.Viewer}}}
				for n := range 10 {
					hears(t, j, who, time.Second, said(n, "post:-4", "post:9", "whoami"))
				}
				viewer := enginetest.Bundle(t).Locale("en", nil).Say("role.viewer")
				for _, title := range answers(t, j, "post:-4") {
					if !strings.Contains(title, viewer) {
						t.Fatalf("the answer is %q", title)
					}
				}
			})
		})
	}
}
