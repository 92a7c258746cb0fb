package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	botlab "domovoy/bot/lab"
	"domovoy/i18n"
)

// calls is how many answers each messenger had been sent before something was
// asked of the program: counted after the question, the answer that the test
// waits for can be among them already.
type calls struct{ telegram, slack int }

func (h *house) calls() calls {
	return calls{len(h.telegram.Calls("sendMessage")), len(h.slack.Calls("chat.postMessage"))}
}

// moments are when the program is killed: at once, or after an effect of it was
// seen; the test then spins for a random time, so that the signal can arrive at
// any point.
func (c *child) moments(before calls) map[string]func(context.Context) {
	seen := func(err error) {
		if err != nil && c.Context().Err() == nil {
			c.Error(err)
		}
	}
	telegram := func(ctx context.Context) {
		_, err := c.telegram.WaitCalls(ctx, "sendMessage", before.telegram+1)
		seen(err)
	}
	slack := func(ctx context.Context) {
		_, err := c.slack.WaitCalls(ctx, "chat.postMessage", before.slack+1)
		seen(err)
	}
	return map[string]func(context.Context){
		"at once":                 func(context.Context) {},
		"the update was stored":   func(ctx context.Context) { seen(c.telegram.WaitConfirmed(ctx)) },
		"Telegram's answer began": telegram,
		"Slack's answer began":    slack,
		"both answers had begun":  func(ctx context.Context) { telegram(ctx); slack(ctx) },
	}
}

// killSomewhere kills the program at a random moment after what was asked of it.
func (c *child) killSomewhere(rng *rand.Rand, before calls, names ...string) {
	c.Helper()
	name := names[rng.IntN(len(names))]
	c.moments(before)[name](c.soon())
	for spin := rng.IntN(3_000_000); spin > 0; spin-- {
		_ = rng.Uint64() // takes a random time, up to a few milliseconds
	}
	c.kill()
}

// TestKilledBetweenCommandAndAnswer kills the program repeatedly while it
// answers: every command is answered in its chat once, or twice with the second
// answer marked.
func TestKilledBetweenCommandAndAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1, private: true})
	c := h.start()
	h.baseline()
	rng := rand.New(rand.NewPCG(2026, 11))
	rounds := kills(t)
	for round := range rounds {
		before := h.calls()
		h.ask(killed("ru", round), killed("en", round))
		c.killSomewhere(rng, before, "at once", "the update was stored", "Telegram's answer began", "Slack's answer began", "both answers had begun")
		c = h.start()
		h.redeliver()
		// The order within a chat is kept: once a later question is answered,
		// all answers of this round have arrived.
		h.ask(killed("ru", round)+".after", killed("en", round)+".after")
		for _, language := range []string{"ru", "en"} {
			h.arrived(language, killed(language, round)+".after")
		}
	}
	c.stop()
	h.repeats("commands", rounds, func(language string, round int) string {
		return h.unknown(language, killed(language, round))
	})
}

// unknown is the title of the refusal of an unknown command.
func (h *house) unknown(language, command string) string {
	title, _, _ := strings.Cut(h.says(language, "refusal.command", i18n.Args{"Command": command}), "\n")
	return title
}

// killed is a name in the command of a round, and therefore in its answer.
func killed(language string, round int) string {
	return fmt.Sprintf("kill%d.%s.example", round, language)
}

// ask sends an invalid name to help in both chats: the answer contains the name
// and does not depend on whether the panel has been read.
func (h *house) ask(telegram, slack string) {
	h.telegram.Say(h.home, 0, admin, "Ann", "/help "+telegram)
	h.slack.Mention(channel, ann, "help "+slack, "")
}

// redeliver repeats what was not confirmed, as Slack does with events.
func (h *house) redeliver() {
	h.Helper()
	confirmed := map[string]bool{}
	last := map[string]botlab.Envelope{}
	for _, e := range h.slack.Envelopes() {
		confirmed[e.EventID] = confirmed[e.EventID] || e.Ack.Count > 0 && !e.Ack.Dropped
		last[e.EventID] = e
	}
	for event, e := range last {
		if event != "" && !confirmed[event] {
			_, err := h.slack.Redeliver(e.ID)
			h.must(err)
		}
	}
}

// arrived waits for a text in the chat of that language.
func (h *house) arrived(language, text string) {
	h.Helper()
	if language == "ru" {
		_, err := h.telegram.WaitMessage(h.soon(), func(m botlab.TelegramMessage) bool { return m.Chat == h.home && strings.Contains(everSaid(m), text) })
		h.must(err)
		return
	}
	_, err := h.slack.WaitMessage(h.soon(), func(m botlab.SlackMessage) bool {
		return m.Channel == channel && strings.Contains(everSaidInSlack(m), text)
	})
	h.must(err)
}

// everSaid returns a message with its text before each edit.
func everSaid(m botlab.TelegramMessage) string {
	text := m.Text
	for _, e := range m.Edits {
		text += "\n" + e.Text
	}
	return text
}

func everSaidInSlack(m botlab.SlackMessage) string {
	text := slackText(m.Body)
	for _, e := range m.Edits {
		text += "\n" + slackText(e)
	}
	return text
}

// repeats checks that each round's text arrived once, or twice with the second
// marked, in both chats.
func (h *house) repeats(what string, rounds int, text func(language string, round int) string) {
	h.Helper()
	twice := 0
	for _, language := range []string{"ru", "en"} {
		var said []string
		if language == "ru" {
			for _, m := range h.telegram.Messages(h.home) {
				said = append(said, everSaid(m))
			}
		} else {
			for _, m := range h.slack.Messages(channel) {
				said = append(said, everSaidInSlack(m))
			}
		}
		for round := range rounds {
			var found []string
			for _, s := range said {
				if strings.Contains(s, text(language, round)) {
					found = append(found, s)
				}
			}
			switch marked := h.says(language, "delivery.again"); {
			case len(found) == 2 && strings.Contains(found[1], marked):
				twice++
			case len(found) != 1:
				h.Errorf("%s: round %d was told %d times: %q", language, round, len(found), found)
			}
		}
	}
	h.Logf("%s: %d of %d were told twice, and said so", what, twice, 2*rounds)
}

// TestKilledBetweenThresholdAndAlert kills the program between the crossing of
// a threshold and its alert: the alert arrives in both chats, and so does its
// end.
func TestKilledBetweenThresholdAndAlert(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1, private: true})
	c := h.start()
	h.baseline()
	rng := rand.New(rand.NewPCG(2026, 12))
	const rounds = 5
	var titles [rounds]int
	for round := range titles {
		before := h.calls()
		h.must(h.sample.MassReissue(time.Now(), 105+round))
		n, err := h.sample.Counts(time.Now())
		h.must(err)
		titles[round] = n.Processing
		c.killSomewhere(rng, before, "at once", "Telegram's answer began", "Slack's answer began", "both answers had begun")
		c = h.start()
		for _, language := range []string{"ru", "en"} {
			h.arrived(language, h.title(language, n.Processing))
		}
		h.must(h.sample.Settle(time.Now(), 1))
		for _, language := range []string{"ru", "en"} {
			h.over(language, n.Processing)
		}
	}
	c.stop()
	h.repeats("alerts", rounds, func(language string, round int) string { return h.title(language, titles[round]) })
}

// title returns the title of the alert about n certificates.
func (h *house) title(language string, n int) string {
	return h.counts(language, "alert.panel.processing", n, i18n.Args{"Threshold": 100})
}

// over waits for the end of the alert whose count was at most peak.
func (h *house) over(language string, peak int) {
	h.Helper()
	ended := h.says(language, "over.panel.processing")
	number := h.bundle.Locale(language, time.UTC).Number(peak)
	if language == "ru" {
		_, err := h.telegram.WaitMessage(h.soon(), func(m botlab.TelegramMessage) bool { return has(m.Text, ended, number) && len(m.Edits) == 0 })
		h.must(err)
		return
	}
	_, err := h.slack.WaitMessage(h.soon(), func(m botlab.SlackMessage) bool { return has(slackText(m.Body), ended, number) && len(m.Edits) == 0 })
	h.must(err)
}

// kills returns how often a program is killed.
func kills(t *testing.T) int {
	t.Helper()
	if !long(t) {
		return 5
	}
	return 20
}

// long reports whether a test that takes minutes runs in full.
func long(t *testing.T) bool {
	t.Helper()
	if os.Getenv("LONG") == "" {
		t.Log("SHORT: this is the short form; with LONG=yes in the environment the test runs in full")
		return false
	}
	return true
}
