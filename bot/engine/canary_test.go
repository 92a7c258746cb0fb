package engine_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"

	"domovoy/bot"
	"domovoy/bot/canary"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/jobs"
	"domovoy/bot/lab"
	"domovoy/bot/slack"
	"domovoy/bot/telegram"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
)

// closedPanel is a panel that can be closed to us.
type closedPanel struct {
	*enginetest.Panel

	mu     sync.Mutex
	closed bool
}

type noPermission struct{}

func (noPermission) Error() string { return "open panel.db: permission denied" }
func (noPermission) Why() string   { return "permission" }

func (p *closedPanel) close(closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = closed
}

func (p *closedPanel) fault() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return noPermission{}
	}
	return nil
}

func (p *closedPanel) Poll(ctx context.Context) (checks.Snapshot, bool, error) {
	if err := p.fault(); err != nil {
		return checks.Snapshot{}, false, err
	}
	return p.Panel.Poll(ctx)
}

func (p *closedPanel) Newest(ctx context.Context) (int64, error) {
	if err := p.fault(); err != nil {
		return 0, err
	}
	return p.Panel.Newest(ctx)
}

// alarmed is a bot with test alarms: a Telegram group that also gets the digest, and a
// Slack channel that gets alerts only. Its clock begins at midnight.
type alarmed struct {
	*arrival
	*engine.Engine

	panel *closedPanel
	stop  func()
}

const (
	tested = "Test alarm: it took the whole way"
	group9 = "telegram:-1001234567890"
	room9  = "slack:C0000000001"
)

func newAlarmed(t *testing.T, policy reports.Policy) *alarmed {
	t.Helper()
	a := &alarmed{arrival: newArrival(t, enginetest.Bundle(t)), panel: &closedPanel{Panel: enginetest.NewPanel(checks.Site{Name: "a.ru"})}}
	a.telegram.AddChat(lab.Chat{ID: group, Title: "ops"})
	a.slack.AddChannel(lab.Channel{ID: channel})
	who := bot.Audience{Bundle: a.bundle}
	for to, receives := range map[string][]string{group9: {bot.Alerts, bot.Daily}, room9: {bot.Alerts}} {
		address, err := bot.ParseAddress(to)
		a.must(err)
		who.Chats = append(who.Chats, bot.Chat{To: address, Receives: receives, Role: bot.Viewer})
	}
	a.Engine = enginetest.New(t, engine.Config{Audience: who, Policy: policy, Sources: []watch.Source{{Name: "isp1", Reader: a.panel}}, Rules: watch.Rules{Within: time.Hour, Times: 2, LifeLeft: 0.1}})
	tg, err := telegram.New(telegram.Config{Token: a.telegram.Token, APIURL: a.telegram.URL(), Log: slog.New(slog.DiscardHandler), Dial: a.network.Dial}, a.bundle)
	a.must(err)
	sl, err := slack.New(slack.Config{BotToken: a.slack.BotToken(), AppToken: a.slack.AppToken(), APIURL: a.slack.APIURL(), Dial: a.network.Dial}, a.bundle)
	a.must(err)
	nine, err := cron.ParseStandard("0 9 * * *")
	a.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		_ = a.Run(ctx, map[string]bot.Messenger{"telegram": tg, "slack": sl}, nil, []jobs.Job{
			{Name: "panel", When: every(time.Hour), Run: func(ctx context.Context, _ time.Time) error { return a.Alerts.Observe(ctx, time.Now()) }},
			{Name: "daily", When: nine, Late: time.Hour, Run: a.Reports.SendDaily},
			{Name: engine.CanaryJob, When: canary.Daily{Digest: nine}, Late: 24 * time.Hour, Run: a.Canary.Run}})
	})
	a.stop = func() { cancel(); running.Wait() }
	return a
}

// count is how many messages of a chat have a text in them.
func (a *alarmed) count(to, text string) (n int) {
	if to == group9 {
		for _, m := range a.telegram.Messages(group) {
			n += strings.Count(m.Text, text)
		}
		return n
	}
	for _, m := range a.slack.Messages(channel) {
		n += min(1, strings.Count(m.Body.Text+m.Body.Read(), text))
	}
	return n
}

// want is how often each chat was told a text.
func (a *alarmed) said(when, text string, telegram, slack int) {
	a.Helper()
	if t, s := a.count(group9, text), a.count(room9, text); t != telegram || s != slack {
		a.Errorf("%s: %q was said %d times in Telegram and %d times in Slack, want %d and %d", when, text, t, s, telegram, slack)
	}
}

// status is what it says of the test alarms; ok: four hours later, when the one of the
// day before is older than a day, too.
func (a *alarmed) status(when string, ok bool, step reports.CanaryStep, of, text string) {
	a.Helper()
	asked := enginetest.Request(a.T, bot.Viewer)
	asked.Now = asked.Now.Add(4 * time.Hour)
	answer, err := a.Commands.Ask(a.Context(), "status", asked)
	a.must(err)
	data := answer.Data.(commands.StatusData).Canary
	if data == nil || data.OK != ok || data.Step != step || data.Of != of {
		a.Errorf("%s: status has %+v, want %v, %q, %q", when, data, ok, step, of)
	}
	if !slices.ContainsFunc(answer.Message.Sections, func(s reports.Section) bool { return strings.Contains(s.Text, text) }) {
		a.Errorf("%s: status does not say %q: %+v", when, text, answer.Message.Sections)
	}
}

// untouched checks that a test alarm left nothing behind that anybody counts.
func (a *alarmed) untouched(incidents int) {
	a.Helper()
	open, err := a.Journal.OpenIncidents(a.Context())
	a.must(err)
	all, err := a.Journal.IncidentsBetween(a.Context(), time.Time{}, time.Now().Add(time.Hour))
	a.must(err)
	audit, _, err := a.Journal.VerifyAudit(a.Context())
	a.must(err)
	if len(open) != 0 || len(all) != incidents || audit != 0 {
		a.Errorf("left: %d open incidents, %d in all, %d entries in the audit", len(open), len(all), audit)
	}
}

// TestTheTestAlarm plays a day without a fault, and then one with one step of the way
// broken, or none.
func TestTheTestAlarm(t *testing.T) {
	const day = 24 * time.Hour
	watched := reports.Policy{ResolveAfter: 2, Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Critical: 50}}}
	// What the detector can find in one of them it finds in all.
	atOnce := []string{"nothing breaks", "a messenger fails"}
	for name, c := range map[string]struct {
		breaks func(a *alarmed)
		then   func(a *alarmed)
	}{
		"nothing breaks": {func(*alarmed) {}, func(a *alarmed) {
			a.said("well", tested, 2, 2)
			a.said("no more than that", "Test alarm", 2, 2)
			a.said("one message for both", "Daily digest", 2, 0)
			a.status("well", true, "", "", "the last one arrived")
			a.untouched(0)
		}},
		"a panel cannot be read": {func(a *alarmed) { a.panel.close(true) }, func(a *alarmed) {
			a.said("closed", "could not read the panel isp1", 1, 1)
			a.said("closed", tested, 1, 1)
			a.status("closed", false, reports.CanaryPanel, "isp1", "could not read the panel isp1")
			a.panel.close(false)
			a.must(a.Alerts.Observe(a.Context(), time.Now()))
			time.Sleep(2 * time.Hour) // it is tried again
			a.status("open again", true, "", "", "the last one arrived")
			a.said("open again", tested, 1, 1)
			a.untouched(1) // the panel's own, which is over
		}},
		"no rule is left": {func(a *alarmed) { a.Watch.Policy.Thresholds = nil }, func(a *alarmed) {
			a.said("without a rule", "Test alarm failed: a made-up problem was not recognised", 1, 1)
			a.status("without a rule", false, reports.CanaryRule, "", "not recognised")
			a.untouched(0)
		}},
		"nothing leaves the outbox": {func(a *alarmed) {
			a.must(a.Journal.Hold(a.Context(), room9, time.Now().Add(day), "asked to wait"))
		}, func(a *alarmed) {
			a.said("stuck", "Test alarm did not arrive: its message to "+room9+" has not been sent", 1, 0)
			a.status("stuck", false, reports.CanaryOutbox, room9, "its message to")
			a.untouched(0)
			time.Sleep(day)
			a.said("it goes on", tested, 3, 2) // what waited since yesterday is not sent any more
			a.status("it goes on", true, "", "", "the last one arrived")
		}},
		"a messenger fails": {func(a *alarmed) { a.slack.Fail("chat.postMessage", 1<<10, lab.Fault{Kind: lab.BadGateway}) }, func(a *alarmed) {
			a.said("down for half an hour", "Test alarm did not arrive: "+room9+" does not take its message", 1, 0)
			a.said("up again", tested, 2, 2)
			a.status("up again", true, "", "", "the last one arrived")
			a.untouched(0)
		}},
		"a chat refuses": {func(a *alarmed) { a.slack.AddChannel(lab.Channel{ID: channel, Absent: true}) }, func(a *alarmed) {
			a.said("refused", "Test alarm did not arrive: "+room9+" does not take its message", 1, 0)
			a.status("refused", false, reports.CanaryChat, room9, "does not take its message")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if raceDetector && !slices.Contains(atOnce, name) {
				t.Skip("SKIPPED: a day and a half of a bot takes half a minute under -race; run without it")
			}
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(8 * time.Hour) // the night without a bot costs nothing
				a := newAlarmed(t, watched)
				time.Sleep(time.Minute)
				a.status("before the first", true, "", "", "none has arrived yet")
				time.Sleep(2 * time.Hour)
				a.said("on the first day", tested, 1, 1)
				time.Sleep(22 * time.Hour)
				synctest.Wait() // what is due in the same instant is over
				c.breaks(a)
				time.Sleep(2 * time.Hour)
				c.then(a)
				a.stop()
				a.telegram.Close()
				a.slack.Close()
			})
		})
	}
}
