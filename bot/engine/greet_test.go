package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/jobs"
	"domovoy/bot/lab"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// arrival is a bot that is begun with one configuration after the other, on one state.
type arrival struct {
	*testing.T
	bundle   *i18n.Bundle
	state    string
	network  *lab.Network
	telegram *lab.Telegram
	slack    *lab.Slack
}

func newArrival(t *testing.T, bundle *i18n.Bundle) *arrival {
	t.Helper()
	a := &arrival{T: t, bundle: bundle, state: filepath.Join(t.TempDir(), "state.db"), network: lab.NewNetwork()}
	var err error
	a.telegram, err = lab.NewTelegram(lab.TelegramOptions{Network: a.network, Strict: true})
	a.must(err)
	a.slack, err = lab.NewSlack(lab.SlackOptions{Network: a.network, Strict: true})
	a.must(err)
	return a
}

func (a *arrival) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// run has the bot run with these chats until stop.
func (a *arrival) run(chats ...string) (stop func()) {
	a.Helper()
	j, err := journal.Open(a.Context(), a.state)
	a.must(err)
	who := bot.Audience{Bundle: a.bundle}
	for _, c := range chats {
		to, err := bot.ParseAddress(c)
		a.must(err)
		who.Chats = append(who.Chats, bot.Chat{To: to, Receives: []string{bot.Alerts}, Role: bot.Viewer})
	}
	e := enginetest.New(a.T, engine.Config{Journal: j, Audience: who, Policy: reports.Policy{ResolveAfter: 2},
		Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(checks.Site{Name: "a.ru"})}}, Rules: watch.Rules{Within: time.Hour, Times: 2}})
	tg, err := telegram.New(telegram.Config{Token: a.telegram.Token, APIURL: a.telegram.URL(), Log: slog.New(slog.DiscardHandler), Dial: a.network.Dial}, a.bundle)
	a.must(err)
	sl, err := slack.New(slack.Config{BotToken: a.slack.BotToken(), AppToken: a.slack.AppToken(), APIURL: a.slack.APIURL(), Dial: a.network.Dial}, a.bundle)
	a.must(err)
	ctx, cancel := context.WithCancel(a.Context())
	var running sync.WaitGroup
	running.Go(func() {
		a.must(e.Alerts.Retire(ctx, time.Now()))
		_ = e.Run(ctx, map[string]bot.Messenger{"telegram": tg, "slack": sl}, nil,
			[]jobs.Job{{Name: "panel", When: every(time.Hour), Run: func(ctx context.Context, _ time.Time) error { return e.Alerts.Observe(ctx, time.Now()) }}})
	})
	return func() { cancel(); running.Wait(); a.must(j.Close()) }
}

// summaries counts the messages about the panel in a chat, by their first words.
func (a *arrival) summaries(to string) (first, later int) {
	count := func(text string) {
		if strings.Contains(text, "isp1: monitoring started") {
			first++
		}
		if strings.Contains(text, "isp1: monitored since") {
			later++
		}
	}
	messenger, id, _ := strings.Cut(to, ":")
	if messenger == "slack" {
		for _, m := range a.slack.Messages(id) {
			count(m.Body.Text)
		}
		return first, later
	}
	var chat int64
	_, err := fmt.Sscan(id, &chat)
	a.must(err)
	for _, m := range a.telegram.Messages(chat) {
		count(m.Text)
	}
	return first, later
}

func (a *arrival) want(when, to string, first, later int) {
	a.Helper()
	if f, l := a.summaries(to); f != first || l != later {
		a.Errorf("%s: %s got %d first summaries and %d later ones, want %d and %d", when, to, f, l, first, later)
	}
}

// TestAChatIsGreeted plays first set-ups that go wrong, with the real messengers and
// servers: each chat gets one summary, when it can be reached.
func TestAChatIsGreeted(t *testing.T) {
	const example, ops, room, other = "telegram:-1009999999999", "telegram:-1001234567890", "slack:C0000000001", "slack:C0000000002"
	bundle := enginetest.Bundle(t)
	for name, play := range map[string]func(a *arrival){
		"the ids are corrected": func(a *arrival) {
			stop := a.run(example, "slack:C0999999999")
			time.Sleep(time.Hour)
			stop()
			a.telegram.AddChat(lab.Chat{ID: group, Title: "ops"})
			a.slack.AddChannel(lab.Channel{ID: channel})
			stop = a.run(ops, room)
			time.Sleep(time.Hour)
			a.want("corrected", ops, 0, 1)
			a.want("corrected", room, 0, 1)
			stop()
			stop = a.run(ops, room)
			time.Sleep(10 * time.Minute)
			stop()
			a.want("begun once more", ops, 0, 1)
			a.want("begun once more", room, 0, 1)
		},
		"the bot is invited after days": func(a *arrival) {
			a.slack.AddChannel(lab.Channel{ID: channel, Absent: true})
			defer a.run(ops, room)()
			time.Sleep(27 * time.Hour) // the first one was given up
			a.telegram.AddChat(lab.Chat{ID: group, Title: "ops"})
			a.telegram.ChangeMembership(group, lab.User{ID: ann, FirstName: "Ann"}, "left", "member")
			a.slack.AddChannel(lab.Channel{ID: channel})
			time.Sleep(time.Minute)
			a.want("a minute after the invitation", ops, 0, 1) // Telegram tells of it at once
			time.Sleep(time.Hour)
			a.want("invited", ops, 0, 1)
			a.want("invited", room, 0, 1)
		},
		"a second chat is added later": func(a *arrival) {
			a.telegram.AddChat(lab.Chat{ID: group, Title: "ops"})
			for _, id := range []string{channel, second} {
				a.slack.AddChannel(lab.Channel{ID: id})
			}
			stop := a.run(ops, room)
			time.Sleep(time.Hour)
			a.want("begun", ops, 1, 0)
			a.want("begun", room, 1, 0)
			stop()
			stop = a.run(ops, room, other)
			time.Sleep(2 * time.Hour)
			stop()
			a.want("the old ones", ops, 1, 0)
			a.want("the old ones", room, 1, 0)
			a.want("the new one", other, 0, 1)
		},
		"what refuses the message alone": func(a *arrival) {
			a.slack.AddChannel(lab.Channel{ID: channel})
			a.telegram.AddChat(lab.Chat{ID: group, Title: "ops"})
			a.telegram.Fail("sendMessage", 12, lab.Fault{Kind: lab.Refuse, Text: "Bad Request: message thread not found"})
			stop := a.run(ops, room)
			time.Sleep(2 * time.Hour)
			a.want("dropped", ops, 0, 0)
			stop()
			stop = a.run(ops, room)
			time.Sleep(time.Minute)
			stop()
			a.want("begun again", ops, 0, 1)
			a.want("begun again", room, 1, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newArrival(t, bundle)
				play(a)
				a.telegram.Close()
				a.slack.Close()
			})
		})
	}
}
