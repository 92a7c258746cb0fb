package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/lab"
	"domovoy/bot/outbox"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/reports/journal"
)

// servers are both messengers' servers, which refuse what is above the real limits.
type servers struct {
	telegram *lab.Telegram
	slack    *lab.Slack
}

func newServers(t *testing.T) servers {
	t.Helper()
	tg, err := lab.NewTelegram(lab.TelegramOptions{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tg.Close)
	sl, err := lab.NewSlack(lab.SlackOptions{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sl.Close)
	return servers{tg, sl}
}

// outboxTo is an outbox over new messengers, as after a start.
func (s servers) outboxTo(t *testing.T, j *journal.Journal) *outbox.Outbox {
	t.Helper()
	tg, err := telegram.New(telegram.Config{Token: s.telegram.Token, APIURL: s.telegram.URL(), Log: slog.New(slog.DiscardHandler)}, enginetest.Bundle(t))
	if err != nil {
		t.Fatal(err)
	}
	sl, err := slack.New(slack.Config{BotToken: s.slack.BotToken(), AppToken: s.slack.AppToken(), APIURL: s.slack.APIURL()}, enginetest.Bundle(t))
	if err != nil {
		t.Fatal(err)
	}
	return outboxFor(t, j, slog.DiscardHandler, map[string]bot.Receiver{"telegram": tg, "slack": sl})
}

// A storm of messages to many chats, over restarts in the middle of it: no call comes
// above a limit or inside a window, the windows that the servers open anyway are
// kept, and what is about the account comes within five seconds.
func TestAStormStaysWithinTheLimits(t *testing.T) {
	s, j := newServers(t), enginetest.Journal(t)
	var storm []journal.Delivery
	for chat := range 40 {
		s.telegram.AddChat(lab.Chat{ID: int64(chat + 1)})
		for n := range 4 {
			storm = append(storm, alert(fmt.Sprint("telegram:", chat+1), fmt.Sprint("message ", n)))
		}
	}
	const group = int64(-1001234567890)
	s.telegram.AddTopic(group, 7)
	for n := range 30 {
		storm = append(storm, alert(fmt.Sprintf("telegram:%d/7", group), fmt.Sprint("topic ", n)), alert(fmt.Sprint("telegram:", group), fmt.Sprint("group ", n)))
	}
	for channel := range 5 {
		s.slack.AddChannel(lab.Channel{ID: fmt.Sprint("C", channel)})
		for n := range 8 {
			storm = append(storm, alert(fmt.Sprint("slack:C", channel), fmt.Sprint("message ", n)))
		}
	}
	enqueue(t, j, storm...)
	s.telegram.Fail("sendMessage", 1, lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 2})
	s.slack.Fail("chat.postMessage", 1, lab.Fault{Kind: lab.TooManyRequests, RetryAfter: 2})
	var asked time.Time
	for start := range 6 {
		out := s.outboxTo(t, j)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if start == 2 {
			account := alert(fmt.Sprint("telegram:", group), "the account")
			account.Rank = journal.RankPanel
			enqueue(t, j, account)
			asked = time.Now()
		}
		_ = out.Run(ctx)
		cancel()
	}
	refused := 0
	for _, call := range append(s.telegram.Calls(""), s.slack.Calls("")...) {
		if call.Inside {
			t.Errorf("%s to %s%s came inside a window", call.Method, call.Params["chat_id"], call.Params["channel"])
		}
		if call.Error != "" {
			refused++
		}
	}
	if refused > 2 {
		t.Errorf("%d calls were refused, want the two that were to be", refused)
	}
	if n := len(s.telegram.Calls("sendMessage")); n < 100 {
		t.Errorf("only %d messages in twelve seconds", n)
	}
	for _, m := range s.telegram.Messages(group) {
		if strings.Contains(m.Text, "the account") {
			if late := m.At.Sub(asked); late > 5*time.Second {
				t.Errorf("the account's message came after %s", late)
			}
			return
		}
	}
	t.Error("the account's message is missing")
}
