package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	botlab "domovoy/bot/lab"
	"domovoy/checks/lab"
	"domovoy/i18n"
)

// Chats and people.
const (
	group    = int64(-1001234567890)
	topic    = 7
	admin    = int64(42)
	viewer   = int64(555) // in the group, otherwise unknown
	stranger = int64(99)

	channel = "C0123456789"
	team    = "T012345"
	ann     = "U0123456"
)

// house is a panel and two chat servers, with a configuration for them.
type house struct {
	*testing.T
	telegram *botlab.Telegram
	slack    *botlab.Slack
	sample   *lab.Sample
	bundle   *i18n.Bundle
	folder   string
	config   string
	home     int64 // the chat in Telegram
}

// settings of a house that differ between tests; empty: not in the file.
type settings struct {
	resolveAfter int
	daily        string // default: never while the test runs
	private      bool   // alerts go to the administrator's own chat, which takes more messages a minute than a group
}

// catalogs are read once: they are the same for all tests.
var catalogs = sync.OnceValues(i18n.Load)

func newHouse(t *testing.T, s settings) *house {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the real program")
	}
	h := &house{T: t, folder: t.TempDir()}
	var err error
	h.bundle, err = catalogs()
	h.must(err)
	h.telegram, err = botlab.NewTelegram(botlab.TelegramOptions{})
	h.must(err)
	t.Cleanup(h.telegram.Close)
	h.slack, err = botlab.NewSlack(botlab.SlackOptions{Team: team})
	h.must(err)
	t.Cleanup(h.slack.Close)
	h.telegram.AddChat(botlab.Chat{ID: group, Title: "Дежурные"})
	h.telegram.AddTopic(group, topic)
	h.telegram.AddChat(botlab.Chat{ID: admin, Title: "Ann"})
	h.slack.AddChannel(botlab.Channel{ID: channel, Name: "ops"})
	h.slack.AddPerson(botlab.Person{ID: ann, Name: "ann"})
	h.sample, err = lab.NewSample(h.folder, time.Now().UTC(), 3, lab.WithoutFiles())
	h.must(err)
	t.Cleanup(func() { _ = h.sample.Close() })
	h.config = h.configure(s)
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// configure writes the configuration, and the tokens in the same folder.
func (h *house) configure(s settings) string {
	if s.daily == "" {
		s.daily = "@every 1000h"
	}
	chat := fmt.Sprintf("%d/%d", group, topic)
	h.home = group
	if s.private {
		chat, h.home = fmt.Sprint(admin), admin
	}
	for name, token := range map[string]string{"telegram": h.telegram.Token(), "slack.bot": h.slack.BotToken(), "slack.app": h.slack.AppToken()} {
		h.must(os.WriteFile(filepath.Join(h.folder, name), []byte(token+"\n"), 0o600))
	}
	text := fmt.Sprintf(`language: ru
timezone: UTC
state: %[1]s/state/domovoy.db
panels: [{name: isp1, database: %[2]s, timezone: UTC, acme: {directory: "https://127.0.0.1:9/directory"}}]
resolvers: []
telegram: {token_file: telegram, api_url: %[3]q}
slack: {bot_token_file: slack.bot, app_token_file: slack.app, api_url: %[4]q}
chats:
  - {to: "telegram:%[5]s", language: ru}
  - {to: "slack:%[6]s", language: en}
people:
  - {id: "telegram:%[7]d", role: admin}
schedule: {panel: "@every 1s", daily: %[8]q}
alerts: {resolve_after: %[9]d}
`, h.folder, h.sample.Panel.Path(), h.telegram.URL(), h.slack.APIURL(), chat, channel, admin, s.daily, s.resolveAfter)
	file := filepath.Join(h.folder, "domovoy.yaml")
	h.must(os.WriteFile(file, []byte(text), 0o600))
	return file
}

// soon limits a wait for something that normally takes a second or two.
func (h *house) soon() context.Context {
	limit := time.Minute // for a machine that is busy
	if raceDetector {
		limit *= 2
	}
	ctx, cancel := context.WithTimeout(h.Context(), limit)
	h.Cleanup(cancel)
	return ctx
}

// says returns the catalog's text in that language about the panel of the
// house, up to the first argument that is not given.
func (h *house) says(language, key string, args ...i18n.Args) string {
	all := i18n.Args{"Server": h.sample.Server}
	for _, name := range []string{"Age", "Peak", "At", "Role", "Needs", "Person", "Chat", "Due", "Reason"} {
		all[name] = "\x00"
	}
	for _, a := range args {
		maps.Copy(all, a)
	}
	l := h.bundle.Locale(language, time.UTC)
	text, _, _ := strings.Cut(l.Say(key, all), "\x00")
	return strings.TrimSpace(text)
}

// counts is says for a text with a count.
func (h *house) counts(language, key string, n int, args ...i18n.Args) string {
	all := i18n.Args{"Server": h.sample.Server}
	for _, a := range args {
		maps.Copy(all, a)
	}
	return h.bundle.Locale(language, time.UTC).Count(key, n, all)
}

// inTelegram waits for a message of a chat that contains all parts, in its
// current or an earlier version.
func (h *house) inTelegram(chat int64, parts ...string) botlab.TelegramMessage {
	h.Helper()
	m, err := h.telegram.WaitMessage(h.soon(), func(m botlab.TelegramMessage) bool {
		return m.Chat == chat && has(m.Text, parts...)
	})
	h.must(err)
	return m
}

// inSlack waits for a message of the channel that contains all parts.
func (h *house) inSlack(parts ...string) botlab.SlackMessage {
	h.Helper()
	m, err := h.slack.WaitMessage(h.soon(), func(m botlab.SlackMessage) bool {
		return m.Channel == channel && has(slackText(m.Body), parts...)
	})
	h.must(err)
	return m
}

func has(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// slackText returns all texts of a message.
func slackText(b botlab.Body) string { return b.Text + "\n" + b.Read() }

// busyPanel writes to the panel as real ones do all the time, until stop.
func (h *house) busyPanel() (stop func()) {
	ctx, cancel := context.WithCancel(h.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := h.sample.Panel.Exec("UPDATE users SET tag = ?", fmt.Sprint(n)); err != nil {
					h.Errorf("the panel writes: %v", err)
					return
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}

// baseline waits for the summary of the first reading in both chats.
func (h *house) baseline() {
	h.Helper()
	h.inTelegram(h.home, h.counts("ru", "baseline.title", 2000))
	h.inSlack(h.counts("en", "baseline.title", 2000))
}
