package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	botlab "domovoy/bot/lab"
	"domovoy/i18n"
)

// The article's Friday with the real program: support re-issues every
// certificate, both chats are alerted in their languages, people ask, and it
// ends.
func TestAMassReissueIsToldAskedAboutAndOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 2})
	c := h.start()

	// The first reading is one summary in each chat, and no alert.
	h.baseline()

	h.must(h.sample.MassReissue(time.Now(), 137))
	n, err := h.sample.Counts(time.Now())
	h.must(err)
	threshold := i18n.Args{"Threshold": 100}
	alert := h.inTelegram(group, h.counts("ru", "alert.panel.processing", n.Processing, threshold))
	slackAlert := h.inSlack(h.counts("en", "alert.panel.processing", n.Processing, threshold))
	if alert.Thread != topic || alert.Silent {
		t.Errorf("the alert is in the topic %d, silent: %v", alert.Thread, alert.Silent)
	}
	t.Run("buttons", func(t *testing.T) { h.with(t).pressesButtons(alert, slackAlert) })
	t.Run("telegram", func(t *testing.T) { h.with(t).asksInTelegram() })
	t.Run("slack", func(t *testing.T) { h.with(t).asksInSlack(slackAlert) })

	// From now on this topic is in English, by an admin's command.
	h.telegram.Say(group, topic, admin, "Ann", "/lang en")
	h.inTelegram(group, h.says("en", "lang.set"))

	h.must(h.sample.Settle(time.Now(), 1))
	defer h.busyPanel()()
	ended := h.says("en", "over.panel.processing")
	over := h.another(alert.ID, ended)
	h.inSlack(ended)
	h.edited(alert, slackAlert, ended)
	if over.ID <= alert.ID || over.Thread != topic {
		t.Errorf("over is told by message %d of topic %d", over.ID, over.Thread)
	}
	c.stop()
	h.noTokenWasSaid()
}

// with returns the house for a subtest.
func (h *house) with(t *testing.T) *house {
	inside := *h
	inside.T = t
	return &inside
}

// pressesButtons presses the alert's button for its list in both chats, by
// people whose role comes from the chat only.
func (h *house) pressesButtons(alert botlab.TelegramMessage, slackAlert botlab.SlackMessage) {
	query, err := h.telegram.PressButton(group, alert.ID, botlab.User{ID: viewer, FirstName: "Bob"}, h.says("ru", "action.list"))
	h.must(err)
	_, err = h.telegram.WaitAnswer(h.soon(), query)
	h.must(err)
	list := h.inTelegram(group, h.listOf("ru")...)
	if list.Thread != topic {
		h.Errorf("the list went to the topic %d", list.Thread)
	}
	h.tapsARow(list)
	h.turnsThePage(alert)
	_, err = h.slack.Press(channel, slackAlert.TS, ann, "action-3")
	h.must(err)
	h.inSlack(h.listOf("en")...)
	_, err = h.slack.WaitMessage(h.soon(), func(m botlab.SlackMessage) bool {
		return m.Thread == slackAlert.TS && strings.Contains(m.Body.Read(), h.says("en", "details.sites"))
	})
	h.must(err) // the details are in the alert's thread
}

// tapsARow taps the number of the list's first row: its site is checked.
func (h *house) tapsARow(list botlab.TelegramMessage) {
	_, row, _ := strings.Cut(list.Text, "\n1. ")
	name := strings.Fields(row)[0]
	_, err := h.telegram.PressButton(group, list.ID, botlab.User{ID: viewer, FirstName: "Bob"}, "1")
	h.must(err)
	_, err = h.telegram.WaitMessage(h.soon(), func(m botlab.TelegramMessage) bool {
		first, _, _ := strings.Cut(m.Text, "\n")
		return m.Chat == group && m.ID > list.ID && m.Thread == topic && strings.Contains(first, name) && strings.Contains(first, " — ")
	})
	h.must(err)
}

// turnsThePage taps for more buttons: the alert itself shows those that are rare.
func (h *house) turnsThePage(alert botlab.TelegramMessage) {
	_, err := h.telegram.PressButton(group, alert.ID, botlab.User{ID: viewer, FirstName: "Bob"}, h.says("ru", "action.more"))
	h.must(err)
	_, err = h.telegram.WaitMessage(h.soon(), func(m botlab.TelegramMessage) bool {
		return m.Chat == group && m.ID == alert.ID && len(m.Buttons) > 0 && strings.Contains(fmt.Sprint(m.Buttons), h.says("ru", "action.hand"))
	})
	h.must(err)
}

// listOf returns the first page of the list behind the alert.
func (h *house) listOf(language string) []string {
	n, err := h.sample.Counts(time.Now())
	h.must(err)
	where := strings.Fields(h.says(language, "list.pages.where", i18n.Args{"Page": 1, "Pages": "\x00"}))
	return []string{h.counts(language, "list.processing.title", n.Processing), where[0] + " 1"}
}

// asksInTelegram sends commands in different chats, and checks where the
// answers are.
func (h *house) asksInTelegram() {
	h.telegram.Say(admin, 0, admin, "Ann", "/status")
	h.inTelegram(admin, "isp1 · ", h.says("ru", "metric.panel.processing")+": ")
	h.telegram.Say(admin, 0, admin, "Ann", "/lang en")
	h.inTelegram(admin, h.says("en", "lang.set"))
	h.telegram.Say(admin, 0, admin, "Ann", "status")
	h.inTelegram(admin, "isp1 · ", h.says("en", "metric.panel.processing")+": ")

	id := h.telegram.Say(group, topic, viewer, "Bob", "/whoami@"+h.telegram.Username())
	answer := h.inTelegram(group, "telegram:555", h.says("ru", "role.viewer"))
	if answer.Thread != topic || answer.ReplyTo != id {
		h.Errorf("the answer is in the topic %d as a reply to %d, want %d and %d", answer.Thread, answer.ReplyTo, topic, id)
	}

	// An operator's command is refused to a viewer, everything to a stranger.
	h.telegram.Say(group, topic, viewer, "Bob", "/report daily")
	h.inTelegram(group, h.says("ru", "refusal.role", i18n.Args{"What": h.says("ru", "may.report")}))
	h.telegram.Say(stranger, 0, stranger, "Eve", "/status")
	h.inTelegram(stranger, h.says("ru", "refusal.stranger"), "telegram:99")
	for _, m := range h.telegram.Messages(stranger) {
		if strings.Contains(m.Text, "isp1") {
			h.Errorf("the stranger was told %q", m.Text)
		}
	}
}

// asksInSlack does the same in Slack.
func (h *house) asksInSlack(alert botlab.SlackMessage) {
	ack, err := h.slack.WaitAck(h.soon(), h.slack.Slash(channel, ann, team, "/domovoy", "status"))
	h.must(err)
	if ack.Late || ack.Dropped {
		h.Errorf("the slash command was confirmed late or with too much: %+v", ack)
	}
	if m := h.inSlack("isp1 · ", h.says("en", "metric.panel.processing")+": "); m.Thread != "" {
		h.Errorf("the answer is in the thread %q", m.Thread)
	}
	h.slack.Mention(channel, ann, "whoami", alert.TS)
	if m := h.inSlack("slack:"+team+":"+ann, h.says("en", "role.viewer")); m.Thread != alert.TS {
		h.Errorf("the answer is in the thread %q, want %q", m.Thread, alert.TS)
	}
	h.slack.Mention(channel, ann, "report daily", "")
	h.inSlack(h.says("en", "refusal.role", i18n.Args{"What": h.says("en", "may.report")}))
}

// another is a message of the group other than the one with that id.
func (h *house) another(id int, part string) botlab.TelegramMessage {
	h.Helper()
	m, err := h.telegram.WaitMessage(h.soon(), func(m botlab.TelegramMessage) bool {
		return m.Chat == group && m.ID != id && strings.Contains(m.Text, part)
	})
	h.must(err)
	return m
}

// edited waits until both alerts were edited to say that it is over.
func (h *house) edited(alert botlab.TelegramMessage, slackAlert botlab.SlackMessage, ended string) {
	h.Helper()
	m, err := h.telegram.WaitMessage(h.soon(), func(m botlab.TelegramMessage) bool {
		return m.Chat == group && m.ID == alert.ID && strings.Contains(m.Text, ended)
	})
	h.must(err)
	if len(m.Buttons) > 0 || len(m.Edits) == 0 {
		h.Errorf("the alert has %d buttons and %d earlier versions", len(m.Buttons), len(m.Edits))
	}
	_, err = h.slack.WaitMessage(h.soon(), func(m botlab.SlackMessage) bool {
		return m.TS == slackAlert.TS && strings.Contains(slackText(m.Body), ended)
	})
	h.must(err)
}

// noTokenWasSaid checks all API calls that were made.
func (h *house) noTokenWasSaid() {
	h.Helper()
	for _, call := range append(h.telegram.Calls(""), h.slack.Calls("")...) {
		for name, value := range call.Params {
			if name == "token" {
				continue
			}
			for _, token := range []string{h.telegram.Token(), h.slack.BotToken(), h.slack.AppToken()} {
				if strings.Contains(value, token) {
					h.Errorf("%s was called with a token in %s: %s", call.Method, name, fmt.Sprint(value))
				}
			}
		}
	}
}
