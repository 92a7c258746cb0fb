package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine/enginetest"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// slow is a way with the limits of a Telegram group.
type slow struct{ *way }

func (slow) Limits() bot.Limits {
	return bot.Limits{
		All: bot.Rate{Every: time.Second / 25, Burst: 5},
		Chat: func(bot.Address) []bot.Rate {
			return []bot.Rate{{Every: time.Second, Burst: 3}, {Every: 5 * time.Second, Burst: 7}}
		},
		Calls: func(m reports.Message) int { return 1 + len(m.Files) },
	}
}

// most is how many calls there were in any minute.
func most(calls []time.Duration, within time.Duration) (n int) {
	for i := range calls {
		j := i
		for j < len(calls) && calls[j]-calls[i] < within {
			j++
		}
		n = max(n, j-i)
	}
	return n
}

// However often the program is restarted, no minute has more calls to a group than
// its messenger allows.
func TestThePaceHoldsOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, w := enginetest.NewDisk(t), &way{}
		for n := range 100 {
			enqueue(t, j.Journal, alert("telegram:-1", fmt.Sprint(n)))
		}
		for range 60 {
			enginetest.Run(t, 3*time.Second, outboxFor(t, j.Journal, slog.DiscardHandler, map[string]bot.Receiver{"telegram": slow{w}}).Run)
		}
		if n := most(w.calls, time.Minute); n > 19 || n < 12 {
			t.Errorf("%d calls in a minute", n)
		}
		if n := most(w.calls, time.Second); n > 3 {
			t.Errorf("%d calls in a second", n)
		}
	})
}

// A request to wait holds for the chat with all its topics, and over restarts; it is
// no failure.
func TestARequestToWaitHoldsOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.NewDisk(t)
		w := &way{out: between(0, time.Second, &bot.RetryAfter{After: 5 * time.Minute})}
		enqueue(t, j.Journal, alert("telegram:-1/7", "one"), alert("telegram:-1/8", "two"), alert("telegram:-1", "three"))
		for range 100 {
			enginetest.Run(t, 4*time.Second, outboxFor(t, j.Journal, slog.DiscardHandler, map[string]bot.Receiver{"telegram": w}).Run)
		}
		if len(w.calls) != 4 || w.calls[0] > 0 || w.calls[1] < 5*time.Minute {
			t.Errorf("called at %v", w.calls)
		}
		report, err := j.Deliveries(t.Context(), time.Now(), time.Now().Add(-time.Hour), 9)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range report.Sent {
			if d.Attempt.Tries != 0 {
				t.Errorf("%q failed %d times", d.Message.Title, d.Attempt.Tries)
			}
		}
	})
}

// Forty answers do not hold up an alert, and forty alerts do not hold up an answer for
// long; an open critical problem goes at once.
func TestAlertsAndAnswersShareAChat(t *testing.T) {
	critical := alert("telegram:-1", "late")
	critical.Rank = journal.RankCritical
	for name, c := range map[string]struct {
		first  func(string) journal.Delivery
		last   journal.Delivery
		within time.Duration
	}{
		"an alert behind answers":    {func(s string) journal.Delivery { return reply("telegram:-1", s) }, alert("telegram:-1", "late"), 5 * time.Second},
		"a critical behind answers":  {func(s string) journal.Delivery { return reply("telegram:-1", s) }, critical, time.Second},
		"an answer behind alerts":    {func(s string) journal.Delivery { return alert("telegram:-1", s) }, reply("telegram:-1", "late"), 20 * time.Second},
		"a critical behind alerts":   {func(s string) journal.Delivery { return alert("telegram:-1", s) }, critical, time.Second},
		"an answer behind criticals": {func(s string) journal.Delivery { d := critical; d.Message.Title = s; return d }, reply("telegram:-1", "late"), 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, w := enginetest.NewDisk(t), &way{}
				out := outboxFor(t, j.Journal, slog.DiscardHandler, map[string]bot.Receiver{"telegram": slow{w}})
				for n := range 40 {
					enqueue(t, j.Journal, c.first(fmt.Sprint(n)))
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- out.Run(ctx) }()
				time.Sleep(21500 * time.Millisecond)
				at := time.Since(began(t))
				enqueue(t, j.Journal, c.last)
				out.Wake.Wake()
				time.Sleep(time.Minute)
				cancel()
				<-ended
				i := slices.IndexFunc(w.took, func(x taken) bool { return x.m.Title == "late" })
				if i < 0 || w.took[i].at-at > c.within {
					t.Errorf("it came as number %d of %d, want it within %s", i+1, len(w.took), c.within)
				}
			})
		})
	}
}

// A messenger that asks several chats to wait at once is left alone as a whole.
func TestARequestToWaitOfTheWholeMessenger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.NewDisk(t)
		w := &way{out: between(0, 3*time.Second, &bot.RetryAfter{After: time.Minute})}
		for n := range 20 {
			late := alert(fmt.Sprint("telegram:", n), "one")
			late.Attempt.Next = time.Now().Add(time.Duration(n) * time.Second)
			enqueue(t, j.Journal, late)
		}
		enginetest.Run(t, 10*time.Minute, outboxFor(t, j.Journal, slog.DiscardHandler, map[string]bot.Receiver{"telegram": w}).Run)
		if len(w.took) != 20 || len(w.calls) != 23 || w.calls[3] < time.Minute {
			t.Errorf("called at %v", w.calls)
		}
	})
}
