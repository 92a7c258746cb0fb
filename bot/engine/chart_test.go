package engine_test

import (
	"bytes"
	"image/png"
	"log/slog"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	botlab "domovoy/bot/lab"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports/journal"
)

// A chart arrives in both messengers as they show a picture: in Telegram as one photo
// with the words as its caption and the buttons below, in Slack in the thread of the
// words. The servers refuse what is above the real limits.
func TestChartsArrive(t *testing.T) {
	tgServer, err := botlab.NewTelegram(botlab.TelegramOptions{Strict: true})
	must(t, err)
	defer tgServer.Close()
	slackServer, err := botlab.NewSlack(botlab.SlackOptions{Strict: true})
	must(t, err)
	defer slackServer.Close()
	tgServer.AddChat(botlab.Chat{ID: 1, Type: "private"})
	slackServer.AddChannel(botlab.Channel{ID: "C1"})
	tg, err := telegram.New(telegram.Config{Token: tgServer.Token, APIURL: tgServer.URL(), Log: slog.New(slog.DiscardHandler)}, enginetest.Bundle(t))
	must(t, err)
	sl, err := slack.New(slack.Config{BotToken: slackServer.BotToken(), AppToken: slackServer.AppToken(), APIURL: slackServer.APIURL()}, enginetest.Bundle(t))
	must(t, err)

	e := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(checks.Site{Name: "a.ru"})}}})
	for n := range 90 {
		must(t, e.Journal.Record(t.Context(), journal.Entry{At: time.Now().Add(-time.Duration(n) * 24 * time.Hour), Metrics: []checks.Metric{{Server: "isp1", Code: checks.PanelFailed, Value: 40 + n%17}}}))
	}
	enginetest.Read(t, e)
	r := enginetest.Request(t, bot.Viewer)
	r.Locale = e.People.In("ru")
	answer, err := e.Commands.Do(t.Context(), "график неудачных 90д тёмный", r)
	must(t, err)
	m := answer.Message
	for i := range m.Actions {
		m.Actions[i].ID = string(rune('a' + i))
	}

	_, err = tg.Send(t.Context(), bot.Address{Messenger: "telegram", Chat: "1"}, "", m)
	must(t, err)
	said := tgServer.Messages(1)
	if len(said) != 1 || said[0].File == nil || !said[0].File.Photo {
		t.Fatalf("Telegram shows %+v, want one photo", said)
	}
	if text := said[0].Text; !strings.Contains(text, "не удалось выпустить — 0") {
		t.Errorf("below the photo stands %q", text)
	}
	if _, err := png.Decode(bytes.NewReader(said[0].File.Data)); err != nil {
		t.Error(err)
	}

	ref, err := sl.Send(t.Context(), bot.Address{Messenger: "slack", Chat: "C1"}, "", m)
	must(t, err)
	shared, err := slackServer.WaitFiles(t.Context(), "C1", 1)
	must(t, err)
	if _, err := png.Decode(bytes.NewReader(shared[0].Data)); err != nil || shared[0].Thread != ref || !strings.HasPrefix(shared[0].Name, "domovoy-график-failed-") {
		t.Errorf("Slack shows %s in %s, %v, want a picture in %s", shared[0].Name, shared[0].Thread, err, ref)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
