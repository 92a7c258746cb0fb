package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/console"
	"domovoy/checks/lab"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
	"domovoy/reports"
)

// told is the program's output of the story in one language, as a terminal
// shows it.
type told struct{ alert, site, check string }

// friday plays the READMEs' story on the demo's panel: the program has run
// since the day before, and at 14:05 there is a mass re-issue. The clock is the
// synctest bubble's, so that the output is always the same.
func friday(t *testing.T, bundle *i18n.Bundle) map[string]told {
	out := map[string]told{}
	synctest.Test(t, func(t *testing.T) {
		moscow, err := time.LoadLocation("Europe/Moscow")
		must(t, err)
		now := time.Date(2026, 11, 20, 14, 5, 0, 0, moscow)
		ago := func(d time.Duration) time.Time { return now.Add(-d) }
		heard := chats{}
		time.Sleep(time.Until(ago(26 * time.Hour))) // time passes in the bubble only by sleeping
		sample, err := lab.NewSample(t.TempDir(), time.Now(), 4)
		must(t, err)
		cfg := watching(sample, filepath.Join(t.TempDir(), "domovoy.db"), moscow)
		a, err := app.Open(t.Context(), cfg, bundle, slog.New(slog.DiscardHandler), func(string) {})
		must(t, err)
		defer func() { must(t, errors.Join(a.Close(), sample.Close())) }()
		for _, at := range []time.Duration{26 * time.Hour, 61 * time.Minute, 0} {
			time.Sleep(time.Until(ago(at)))
			if at == 0 {
				must(t, sample.MassReissue(ago(12*time.Minute), 113))
			}
			must(t, a.Observe(t.Context(), time.Now()))
			must(t, a.Deliver(t.Context(), map[string]bot.Receiver{"console": heard}))
		}
		for _, language := range bundle.Languages() {
			site := firstOf(t, a, language)
			reply, err := a.Ask(t.Context(), app.Local{User: "anna", Language: language}, "check "+site, func(string) {})
			must(t, err)
			alert := console.Render(heard[language], bundle, 100, false)
			if !strings.Contains(alert, "127") { // 14 were being issued before the 113
				t.Fatalf("the last message is not the alert:\n%s", alert)
			}
			out[language] = told{
				alert: alert, site: site,
				check: console.Render(reply.Message, bundle, 100, false),
			}
		}
	})
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// watching is a configuration with a chat in each language.
func watching(sample *lab.Sample, state string, zone *time.Location) *config.Config {
	cfg := &config.Config{
		Basics: config.Basics{Language: "en", Timezone: zone, State: state},
		Panels: []config.Panel{{Name: sample.Server, Database: sample.Panel.Path(), Timezone: sample.Panel.Zone(),
			Certificates: sample.Certificates.Dir()}},
		Thresholds: config.Default[config.Thresholds](),
		Alerts:     config.Default[config.Alerts](),
	}
	for _, language := range i18n.Languages() {
		to := bot.Address{Messenger: "console", Chat: language}
		cfg.Chats = append(cfg.Chats, config.Chat{To: to, Language: language, Receives: []string{bot.Alerts}})
	}
	return cfg
}

// firstOf returns the first of the sites whose renewal fails because of a
// firewall.
func firstOf(t *testing.T, a *app.App, language string) string {
	t.Helper()
	reply, err := a.Ask(t.Context(), app.Local{User: "anna", Language: language}, "list overdue cause=ca.remote", func(string) {})
	must(t, err)
	list, ok := reply.Data.(commands.ListData)
	if !ok || len(list.Items) == 0 {
		t.Fatalf("nobody is on the list: %+v", reply)
	}
	return list.Items[0].Domain
}

// chats keeps the last message to each chat.
type chats map[string]reports.Message

func (c chats) Listen(ctx context.Context, _ bot.Inbox) error { <-ctx.Done(); return nil }

func (c chats) Send(_ context.Context, to bot.Address, _ string, m reports.Message) (string, error) {
	c[to.Chat] = m
	return "", nil
}

func (c chats) Edit(context.Context, bot.Address, string, reports.Message) error { return nil }
