package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	botlab "domovoy/bot/lab"
	"domovoy/i18n"
)

// TestAnAlertIsTakenAndSilencedByButtons runs the real program with both
// messengers: what one person does with a button in one shows in both, another
// person is told who was faster, and somebody without the role may not.
func TestAnAlertIsTakenAndSilencedByButtons(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 2})
	text, err := os.ReadFile(h.config)
	h.must(err)
	h.must(os.WriteFile(h.config, []byte(strings.Replace(string(text), "people:\n", "people:\n  - {id: \"slack:"+team+":"+ann+"\", role: operator}\n", 1)), 0o600))
	c := h.start()
	h.baseline()
	h.must(h.sample.MassReissue(time.Now(), 137))
	n, err := h.sample.Counts(time.Now())
	h.must(err)
	alert := h.inTelegram(group, h.title("ru", n.Processing))
	slackAlert := h.inSlack(h.title("en", n.Processing))

	// Somebody with the role viewer may not.
	h.press(alert.ID, viewer, "action.take")
	h.inTelegram(group, h.says("ru", "refusal.role", i18n.Args{"What": h.says("ru", "may.ack")}))

	h.press(alert.ID, admin, "action.take")
	mine := h.inTelegram(group, h.says("ru", "ack.title", i18n.Args{"Problem": "\x00"}))
	h.shows(alert, "Занимается: Ann.")
	h.showsInSlack(slackAlert, "Taken by Ann")

	number := regexp.MustCompile(`\d+`).FindString(mine.Text)
	h.slack.Mention(channel, ann, "ack "+number, "")
	h.inSlack(h.says("en", "refusal.problem.taken", i18n.Args{"Problem": number, "By": "Ann", "Until": "\x00"}))

	// It is taken, so that the first button is the silence.
	_, err = h.slack.Press(channel, slackAlert.TS, ann, "action-1")
	h.must(err)
	h.inSlack(h.says("en", "silence.begun", i18n.Args{"Silence": 1, "Until": "\x00"}))
	h.shows(alert, h.says("ru", "life.held.silence"))
	h.showsInSlack(slackAlert, h.says("en", "life.held.silence"))
	h.telegram.Say(admin, 0, admin, "Ann", "снять тишину 1")
	h.inTelegram(admin, h.says("ru", "silence.ended", i18n.Args{"Silence": 1, "About": "\x00"}))
	c.stop()
	h.noTokenWasSaid()
}

// press presses a button of a message of the group.
func (h *house) press(message int, by int64, label string) {
	h.Helper()
	query, err := h.telegram.PressButton(group, message, botlab.User{ID: by, FirstName: map[int64]string{admin: "Ann", viewer: "Bob"}[by]}, h.says("ru", label))
	h.must(err)
	_, err = h.telegram.WaitAnswer(h.soon(), query)
	h.must(err)
}

// shows waits until an alert was edited to contain a text.
func (h *house) shows(alert botlab.TelegramMessage, text string) {
	h.Helper()
	_, err := h.telegram.WaitMessage(h.soon(), func(m botlab.TelegramMessage) bool {
		return m.Chat == alert.Chat && m.ID == alert.ID && strings.Contains(m.Text, text)
	})
	h.must(err)
}

func (h *house) showsInSlack(alert botlab.SlackMessage, text string) {
	h.Helper()
	_, err := h.slack.WaitMessage(h.soon(), func(m botlab.SlackMessage) bool {
		return m.TS == alert.TS && strings.Contains(slackText(m.Body), text)
	})
	h.must(err)
}
