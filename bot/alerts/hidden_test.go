package alerts_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// An account that the CA has closed is why certificates fail: one alert tells it, and
// says, folded, which other one it stands for.
func TestAnAlertSaysWhatItHides(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	var sites []checks.Site
	var failed []checks.Certificate
	for n := range 6 {
		name := fmt.Sprintf("site%d.example", n)
		sites = append(sites, checks.Site{Name: name, Owner: "client1", Secure: checks.On, Certificate: name + "_le1"})
		failed = append(failed, checks.Certificate{Server: "isp1", ID: int64(n + 1), Name: name + "_le1", Domain: name, Failed: checks.On})
	}
	panel := enginetest.NewPanel(sites...)
	e := enginetest.New(t, engine.Config{Policy: reports.Policy{ResolveAfter: 2, Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Warn: 2, Critical: 3}}},
		Rules: watch.Rules{Within: 4 * time.Hour, Times: 2}, Sources: []watch.Source{{Name: "isp1", Reader: panel}},
		Audience: bot.Audience{Chats: []bot.Chat{{To: bot.Address{Messenger: "slack", Chat: "C1"}, Language: "en", Receives: []string{bot.Alerts}}}}})
	read := func() (told []journal.Delivery) {
		t.Helper()
		now = now.Add(time.Minute)
		if err := e.Alerts.Observe(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		due, err := e.Journal.Due(t.Context(), time.Now().Add(time.Hour), journal.Queue{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range due {
			if err := e.Journal.MarkSent(t.Context(), d.ID, fmt.Sprint(d.ID), now); err != nil {
				t.Fatal(err)
			}
		}
		return due
	}
	read() // the baseline
	for _, s := range sites {
		panel.Log(checks.Attempt{Server: "isp1", Certificate: s.Certificate, Time: now, Outcome: checks.OutcomeFailed, Status: "failed",
			Text: `urn:ietf:params:acme:error:unauthorized :: Account is not valid, has status "deactivated"`})
	}
	panel.Change(func(x *checks.Snapshot) { x.Certificates = failed })
	told := read()
	if len(told) != 1 || told[0].Kind != string(reports.Opened) {
		t.Fatalf("%d messages, want the account's alone: %+v", len(told), told)
	}
	l := enginetest.Bundle(t).Locale("en", nil)
	hidden := slices.IndexFunc(told[0].Message.Sections, func(s reports.Section) bool { return s.Folded && s.Heading == l.Say("details.hidden") })
	if hidden < 0 {
		t.Fatalf("%q does not say what it hides: %+v", told[0].Message.Title, told[0].Message.Sections)
	}
	if items := told[0].Message.Sections[hidden].Items; len(items) != 1 || items[0].Text != l.Say("code.panel.failed.title")+": 1" {
		t.Errorf("it hides %+v", items)
	}
}
