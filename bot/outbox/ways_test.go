package outbox_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine/enginetest"
	"domovoy/reports/journal"
)

// A chat that refuses us for good is disabled: its messages wait, it is tried
// rarely, the others are told once, and it comes back by itself.
func TestAChatThatRefusesUs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.NewDisk(t)
		kicked := &bot.Permanent{Reason: "bot was kicked from the group chat", Chat: true}
		telegram, slack := &way{out: between(0, time.Hour, kicked)}, &way{}
		enqueue(t, j.Journal, alert("telegram:-1/7", "one"), alert("telegram:-1", "two"), alert("slack:C1", "one"))
		for range 4 { // restarts change nothing
			out := outboxFor(t, j.Journal, slog.DiscardHandler, map[string]bot.Receiver{"telegram": telegram, "slack": slack}, twoChats)
			enginetest.Run(t, 29*time.Minute, out.Run)
		}
		if n := len(telegram.calls); n < 5 || n > 12 {
			t.Errorf("it was tried %d times", n)
		}
		if got := telegram.titles("telegram:-1/7"); !slices.Equal(got, []string{"one"}) {
			t.Errorf("later it got %q", got)
		}
		if got := slack.titles("slack:C1"); len(got) != 2 || got[0] != "one" || got[1] != "telegram:-1 takes no messages" {
			t.Errorf("the other chat got %q", got)
		}
		acts, err := j.AuditOf(t.Context(), "", 9)
		if err != nil || len(acts) != 2 || !strings.HasPrefix(acts[1].Args, "closed telegram:-1 bot was kicked") || acts[0].Args != "opened telegram:-1" {
			t.Errorf("the audit has %+v, %v", acts, err)
		}
		if closed, err := j.ClosedChats(t.Context()); err != nil || len(closed) > 0 {
			t.Errorf("closed are %v, %v", closed, err)
		}
	})
}

// A refused token is told another way, once, however often the program starts.
func TestATokenThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.NewDisk(t)
		void := &bot.Permanent{Reason: "token_revoked", Token: true}
		telegram, slack := &way{}, &way{out: between(0, time.Hour, void)}
		enqueue(t, j.Journal, alert("slack:C1", "one"))
		for range 4 {
			out := outboxFor(t, j.Journal, slog.DiscardHandler, map[string]bot.Receiver{"telegram": telegram, "slack": probed{slack}}, twoChats)
			enginetest.Run(t, 20*time.Minute, out.Run)
		}
		if got := telegram.titles("telegram:-1"); len(got) != 1 || got[0] != "Slack refuses the bot’s token" {
			t.Errorf("the other chat got %q", got)
		}
		if got := slack.titles("slack:C1"); !slices.Equal(got, []string{"one"}) {
			t.Errorf("with a new token it got %q", got)
		}
	})
}

// A critical problem goes by the other messenger if its own is out, and nobody else
// was told; when that is back, it is told late and quietly.
func TestACriticalProblemGoesAnotherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.NewDisk(t)
		telegram, slack, mail := &way{}, &way{out: between(0, 20*time.Minute, unclear())}, &way{}
		critical := alert("slack:C2", "on fire")
		critical.Rank = 1
		enqueue(t, j.Journal, critical, alert("slack:C1", "a warning"))
		out := outboxFor(t, j.Journal, slog.DiscardHandler, map[string]bot.Receiver{"telegram": telegram, "slack": slack, "email": mail}, twoChats)
		enginetest.Run(t, 30*time.Minute, out.Run)
		if len(telegram.took) != 1 || telegram.took[0].m.Title != "on fire" || telegram.took[0].at > 6*time.Minute {
			t.Fatalf("Telegram got %+v", telegram.took)
		}
		if text := telegram.took[0].m.Sections[0].Text; !strings.Contains(text, "Slack has not been reachable since today at 00:00") || !strings.Contains(text, "another way") {
			t.Errorf("it says %q", text)
		}
		if x := slack.took[0]; x.m.Title != "on fire" || !x.m.Silent || !strings.Contains(x.m.Sections[0].Text, "Telegram -1") {
			t.Errorf("Slack first got %+v", x)
		}
		if len(slack.took) != 2 || len(mail.took) > 0 {
			t.Errorf("Slack got %d, e-mail %d", len(slack.took), len(mail.took))
		}
	})
}

// How long it waits for its own way is configured.
func TestHowLongACriticalProblemWaitsForItsOwnWay(t *testing.T) {
	for _, after := range []time.Duration{30 * time.Second, 5 * time.Minute, 20 * time.Minute} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := enginetest.NewDisk(t)
				telegram, slack := &way{}, &way{out: between(0, 3*time.Hour, unclear())}
				critical := alert("slack:C2", "on fire")
				critical.Rank = journal.RankCritical
				enqueue(t, j.Journal, critical)
				out := outboxFor(t, j.Journal, slog.DiscardHandler, map[string]bot.Receiver{"telegram": telegram, "slack": slack}, twoChats)
				out.SpareAfter = after
				enginetest.Run(t, after+time.Minute, out.Run)
				if len(telegram.took) != 1 || telegram.took[0].at < after || telegram.took[0].at > after+15*time.Second {
					t.Errorf("Telegram got %+v", telegram.took)
				}
			})
		})
	}
}

// With one chat only, an administrator is told in person; a person whose own chat is
// closed is no news.
func TestTheLastWayIsAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.NewDisk(t)
		telegram := &way{}
		gone := &bot.Permanent{Reason: "chat not found", Chat: true}
		telegram.refuse = map[string]error{"telegram:-1": gone, "telegram:7": gone}
		enqueue(t, j.Journal, alert("telegram:-1", "one"))
		out := outboxFor(t, j.Journal, slog.DiscardHandler, map[string]bot.Receiver{"telegram": telegram}, func(a *bot.Audience) {
			twoChats(a)
			a.Chats, a.Spare = a.Chats[:1], nil
			a.People = map[string]bot.Role{"telegram:7": bot.Admin, "telegram:9": bot.Admin, "telegram:8": bot.Viewer}
		})
		enginetest.Run(t, time.Minute, out.Run)
		if len(telegram.took) != 0 || !slices.Contains(telegram.tried, "telegram:7") || slices.Contains(telegram.tried, "telegram:9") {
			t.Errorf("it tried %q", telegram.tried)
		}
		telegram.refuse = map[string]error{"telegram:-1": gone}
		if err := j.TryChat(t.Context(), "telegram:7"); err != nil {
			t.Fatal(err)
		}
		enginetest.Run(t, time.Minute, out.Run)
		if got := telegram.titles("telegram:7"); !slices.Equal(got, []string{"telegram:-1 takes no messages"}) {
			t.Errorf("the administrator got %q", got)
		}
	})
}

// several is a way to servers of their own.
type several struct{ *way }

func (several) Names() []string { return []string{"one", "two"} }

// Servers behind one receiver fail independently, and each is looked after by itself.
func TestServersBehindOneReceiverFailIndependently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.NewDisk(t)
		hooks := &way{refuse: map[string]error{"webhook:one": unclear()}}
		for range 5 {
			enqueue(t, j.Journal, alert("webhook:one", "down"), alert("webhook:two", "up"), alert("webhook:gone", "left over"))
		}
		out := outboxFor(t, j.Journal, slog.DiscardHandler, map[string]bot.Receiver{"webhook": several{hooks}})
		enginetest.Run(t, 500*time.Millisecond, out.Run)
		if got := len(hooks.titles("webhook:two")) + len(hooks.titles("webhook:gone")); got != 10 {
			t.Errorf("%d messages arrived", got)
		}
		if o, err := j.Outages(t.Context()); err != nil || len(o) != 1 || o[0].Messenger != "webhook:one" {
			t.Errorf("out are %v, %v", o, err)
		}
		hooks.refuse = nil
		enginetest.Run(t, 5*time.Second, out.Run)
		if got := len(hooks.titles("webhook:one")); got != 5 {
			t.Errorf("%d messages arrived at the one that was down", got)
		}
		if o, err := j.Outages(t.Context()); err != nil || len(o) != 0 {
			t.Errorf("out are %v, %v", o, err)
		}
	})
}
