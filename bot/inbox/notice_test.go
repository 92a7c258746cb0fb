package inbox_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports/journal"
)

// A probe that takes long is announced in the chat, and the answer replaces the
// announcement. A quick one is only answered.
func TestALongProbeIsAnnounced(t *testing.T) {
	bundle := enginetest.Bundle(t)
	for _, c := range []struct {
		name     string
		takes    time.Duration
		language string
		want     []string // what is announced
	}{
		{"quick", 2*time.Second - time.Millisecond, "en", nil},
		{"long", 3 * time.Second, "en", []string{"Checking shop.ru…"}},
		{"long", 3 * time.Second, "ru", []string{"Проверяю shop.ru…"}},
	} {
		t.Run(c.name+" "+c.language, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				prober := enginetest.Prober(func(context.Context, *checks.Target) ([]checks.Finding, error) {
					time.Sleep(c.takes)
					return nil, nil
				})
				e := enginetest.New(t, engine.Config{
					Audience: bot.Audience{Bundle: bundle, Language: c.language, People: map[string]bot.Role{"post:5": bot.Viewer}},
					Sources:  []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(checks.Site{Name: "shop.ru"}), Prober: prober}},
				})
				enginetest.Read(t, e)
				u := bot.Update{Key: "1", Chat: "post:5", Person: "post:5", Text: "check shop.ru"}
				if err := e.Inbox.Of("post").Receive(t.Context(), []bot.Update{u}, ""); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- e.Inbox.Run(ctx) }()
				time.Sleep(2*time.Second + time.Millisecond)
				var announced []string
				var edits int64
				due := func() []journal.Delivery {
					due, err := e.Journal.Due(t.Context(), time.Now(), journal.Queue{}, 9)
					if err != nil {
						t.Fatal(err)
					}
					return due
				}
				if c.takes > 2*time.Second {
					for _, d := range due() {
						announced, edits = append(announced, d.Message.Title), d.ID
						if err := e.Journal.MarkSent(t.Context(), d.ID, "ref", time.Now()); err != nil {
							t.Fatal(err)
						}
					}
				}
				time.Sleep(5 * time.Second)
				if d := cmp.Diff(c.want, announced); d != "" {
					t.Errorf("announced (-want +got):\n%s", d)
				}
				if answers := due(); len(answers) != 1 || answers[0].Edits != edits || answers[0].To != u.Chat {
					t.Errorf("the answers are %+v, want one that edits %d", answers, edits)
				}
				cancel()
				<-ended
			})
		})
	}
}
