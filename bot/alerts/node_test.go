package alerts_test

import (
	"encoding/json"
	"strings"
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

// A node that the panel has in maintenance keeps the alerts about its sites back,
// over a restart of the bot too, until the panel says that it is over.
func TestANodeInMaintenanceIsSilent(t *testing.T) {
	j, now, files := enginetest.Journal(t), time.Now().Truncate(time.Second), &mortal{}
	sites := []checks.Site{{Name: "a.ru", Node: "node1", Secure: checks.On, Certificate: "a"}, {Name: "b.ru", Node: "node2", Secure: checks.On, Certificate: "b"}}
	panel := enginetest.NewPanel(sites...)
	maintain := func(flag checks.Flag) {
		panel.Change(func(s *checks.Snapshot) {
			s.Nodes = []checks.Node{{Name: "node1", Maintain: flag}, {Name: "node2", Maintain: checks.Off}}
		})
	}
	start := func() *engine.Engine {
		return enginetest.New(t, engine.Config{Journal: j, Policy: reports.Policy{ResolveAfter: 2}, Rules: watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 7.0 / 90},
			Audience: bot.Audience{Chats: []bot.Chat{{To: bot.Address{Messenger: "telegram", Chat: "-1"}, Language: "en", Receives: []string{bot.Alerts}}}},
			Sources:  []watch.Source{{Name: "isp1", Reader: panel, Files: files}}})
	}
	e := start()
	read := func(expired int64) string {
		t.Helper()
		now = now.Add(5 * time.Minute)
		files.expired, files.now = expired, now
		if err := e.Alerts.Observe(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		due, err := j.Due(t.Context(), now.Add(time.Hour), journal.Queue{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, d := range due {
			text, err := json.Marshal(d.Message)
			if err != nil {
				t.Fatal(err)
			}
			told = append(told, string(text))
			if err := j.MarkSent(t.Context(), d.ID, "1", now); err != nil {
				t.Fatal(err)
			}
		}
		return strings.Join(told, "; ")
	}
	maintain(checks.On)
	read(0)
	read(0)
	if told := read(1); told != "" {
		t.Errorf("in maintenance: %s", told)
	}
	e = start() // a restart, before the panel is read
	if _, err := e.Alerts.Review(t.Context(), now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if told := read(1); told != "" {
		t.Errorf("after a restart: %s", told)
	}
	if told := read(2); !strings.Contains(told, "b.ru") || strings.Contains(told, "a.ru") {
		t.Errorf("a site of another node: %s", told)
	}
	maintain(checks.Off)
	if told := read(2); !strings.Contains(told, "a.ru") {
		t.Errorf("after the maintenance: %s", told)
	}
}
