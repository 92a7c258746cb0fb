package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	botlab "domovoy/bot/lab"
)

// killsWanted names how often TestKilledWhileDelivering kills the program.
const killsWanted = "DOMOVOY_KILLS"

// deliveryTest kills the program while an alert and its end are on their way, at
// servers that lose answers.
type deliveryTest struct {
	*house
	rng   *rand.Rand
	kills int // so far
	lost  int // answers that were lost or came in an unclear form
	twice int // messages that arrived again
}

// TestKilledWhileDelivering kills the program with SIGKILL at any moment between the
// finding of a problem and the last word about it. The servers answer late, twice,
// with 5xx or a page of a proxy, in halves, or not at all after they took the message.
// Nothing is lost; each crash and each lost answer repeats a message at most once;
// and every repetition says so. It kills 50 times with LONG=yes; .ci/kill kills 1,000 times.
func TestKilledWhileDelivering(t *testing.T) {
	t.Parallel()
	wanted := kills(t)
	if long(t) {
		wanted = 50
	}
	if n, err := strconv.Atoi(os.Getenv(killsWanted)); err == nil {
		wanted = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	d, rounds := &deliveryTest{rng: rand.New(rand.NewPCG(2026, seed))}, 0
	for d.kills < wanted && !t.Failed() {
		d.house = newHouse(t, settings{resolveAfter: 1, private: true})
		d.start().kill()
		c := d.start()
		d.baseline()
		// A sixth time within hours would be flapping, of which less is told.
		for n := 0; n < 5 && d.kills < wanted && !t.Failed(); n++ {
			c = d.round(c, 105+rounds%200)
			rounds++
		}
		c.stop()
	}
	t.Logf("KILLS %d in %d rounds; %d answers lost or unclear; 0 messages lost; %d arrived again, all marked", d.kills, rounds, d.lost, d.twice)
}

// round has so many certificates issued at once, and then no more.
func (d *deliveryTest) round(c *child, certificates int) *child {
	d.Helper()
	d.must(d.sample.MassReissue(time.Now(), certificates))
	n, err := d.sample.Counts(time.Now())
	d.must(err)
	c = d.phase(c, func(language string) []string { return []string{d.title(language, n.Processing)} })
	d.must(d.sample.Settle(time.Now(), 1))
	return d.phase(c, func(language string) []string {
		return []string{d.says(language, "over.panel.processing"), d.bundle.Locale(language, time.UTC).Number(n.Processing)}
	})
}

// phase kills the program some times while the text, in parts, is on its way, and
// checks that it arrives in both chats.
func (d *deliveryTest) phase(c *child, text func(language string) []string) *child {
	d.Helper()
	before := map[string]int{"ru": len(d.chat("ru")), "en": len(d.chat("en"))}
	kills, lost := 1+d.rng.IntN(3), d.trouble()
	for range kills {
		d.killAnywhere(c)
		c = d.launch()
	}
	d.kills += kills
	d.lost += lost
	for _, language := range []string{"ru", "en"} {
		d.arrives(language, before[language], text(language)...)
		d.settled(language)
		var found []string
		for _, said := range d.chat(language)[before[language]:] {
			if has(said, text(language)...) {
				found = append(found, said)
			}
		}
		if len(found) == 0 || len(found) > 1+kills+lost {
			d.Errorf("%s: %q was told %d times after %d kills and %d lost answers", language, text(language), len(found), kills, lost)
		}
		for _, again := range found[min(1, len(found)):] {
			d.twice++
			if !strings.Contains(again, d.says(language, "delivery.again")) {
				d.Errorf("%s: a repetition says %q", language, again)
			}
		}
	}
	return c
}

// killAnywhere kills the program after a random time, or in the middle of a call.
func (d *deliveryTest) killAnywhere(c *child) {
	d.Helper()
	calls := d.calls()
	ctx, cancel := context.WithTimeout(d.Context(), time.Duration(d.rng.IntN(1800))*time.Millisecond)
	defer cancel()
	switch d.rng.IntN(4) { // an error is the end of the time
	case 0:
		_, _ = d.telegram.WaitCalls(ctx, "sendMessage", calls.telegram+1)
	case 1:
		_, _ = d.slack.WaitCalls(ctx, "chat.postMessage", calls.slack+1)
	default:
		<-ctx.Done()
	}
	for spin := d.rng.IntN(3_000_000); spin > 0; spin-- {
		_ = d.rng.Uint64() // up to a few milliseconds
	}
	c.kill()
}

// trouble has some of the next calls fail, and returns how many of them may leave
// unclear whether the message arrived.
func (d *deliveryTest) trouble() (lost int) {
	unclear := []botlab.Fault{{Kind: botlab.Drop}, {Kind: botlab.Reset}, {Kind: botlab.Cut}, {Kind: botlab.Gateway}, {Kind: botlab.BadGateway},
		{Kind: botlab.Page, Status: 403}, {Kind: botlab.Page, Status: 404}, {Kind: botlab.Page, Status: 200},
		{Kind: botlab.Late, After: 700 * time.Millisecond}, {Kind: botlab.Twice}}
	clear := []botlab.Fault{{Kind: botlab.TooManyRequests, RetryAfter: 1}}
	for range d.rng.IntN(3) {
		fault := slices.Concat(unclear, clear)[d.rng.IntN(len(unclear)+len(clear))]
		if fault.Kind != botlab.TooManyRequests {
			lost++
		}
		if d.rng.IntN(2) == 0 {
			d.telegram.Fail("sendMessage", 1, fault)
		} else {
			d.slack.Fail("chat.postMessage", 1, fault)
		}
	}
	return lost
}

// chat lists what was said in the chat of a language.
func (d *deliveryTest) chat(language string) (said []string) {
	if language == "ru" {
		for _, m := range d.telegram.Messages(d.home) {
			said = append(said, everSaid(m))
		}
		return said
	}
	for _, m := range d.slack.Messages(channel) {
		said = append(said, everSaidInSlack(m))
	}
	return said
}

// arrives waits for a message with all parts among those after the first ones.
func (d *deliveryTest) arrives(language string, after int, parts ...string) {
	d.Helper()
	said := func() bool {
		return slices.ContainsFunc(d.chat(language)[after:], func(text string) bool { return has(text, parts...) })
	}
	var err error
	if language == "ru" {
		_, err = d.telegram.WaitMessage(d.soon(), func(botlab.TelegramMessage) bool { return said() })
	} else {
		_, err = d.slack.WaitMessage(d.soon(), func(botlab.SlackMessage) bool { return said() })
	}
	if err != nil {
		d.Fatalf("%q did not arrive in %q: %v", parts, d.chat(language)[after:], err)
	}
}

// settled asks a question and waits for its answer: what waited before it, and was
// to be repeated, has been sent then.
func (d *deliveryTest) settled(language string) {
	d.Helper()
	name := fmt.Sprintf("settled%d.%s.example", d.rng.Uint64(), language)
	if language == "ru" {
		d.telegram.Say(d.home, 0, admin, "Ann", "/help "+name)
	} else {
		d.slack.Mention(channel, ann, "help "+name, "")
	}
	d.arrives(language, 0, d.unknown(language, name))
}
