package alerts_test

import (
	"testing"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// What is wrong with the panel itself goes before what is wrong with its sites, and
// what is critical before everything.
func TestAlertsOfThePanelGoFirst(t *testing.T) {
	for want, threshold := range map[journal.Rank]reports.Threshold{
		journal.RankPanel: {Warn: 1, Critical: 9},
		journal.RankFirst: {Critical: 1},
	} {
		q := newQuiet(t, func(c *engine.Config) {
			c.Policy.Thresholds = map[checks.Code]reports.Threshold{checks.PanelFailed: threshold}
			c.Audience.Chats = []bot.Chat{{To: bot.Address{Messenger: "telegram", Chat: "1"}, Receives: []string{bot.Alerts}}}
		})
		q.failed(true)
		q.read()
		due, err := q.disk.Due(t.Context(), q.now, journal.Queue{}, 9)
		if err != nil || len(due) != 1 || due[0].Rank != want {
			t.Errorf("due are %+v, %v; want one of rank %s", due, err, want)
		}
	}
}
