package journal_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// TestOpenIncidentsAreKeptRight lets two processes' worth of journals store
// incidents in turn; what the first keeps in memory is what the file holds.
func TestOpenIncidentsAreKeptRight(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	ours, others := reopen(t, path), reopen(t, path)
	dice := rand.New(rand.NewPCG(1, 2))
	for turn := range 60 {
		by := ours
		if dice.IntN(5) == 0 {
			by = others
		}
		record(t, by, news(openIncidents(t, by), dice, turn)...)
		if dice.IntN(3) == 0 {
			continue // several changes before the next look
		}
		fromFile := reopen(t, path)
		same(t, fmt.Sprintf("open after turn %d", turn), openIncidents(t, ours), openIncidents(t, fromFile))
	}
}

// news are incidents that opened, went on or ended since.
func news(open []reports.Incident, dice *rand.Rand, turn int) []reports.Incident {
	fresh := []reports.Incident{overdue(fmt.Sprintf("s%d.example", turn), turn)}
	for _, i := range open {
		switch dice.IntN(6) {
		case 0:
			i.Times.Resolved = noon()
			fresh = append(fresh, i)
		case 1:
			i.Peak += turn
			fresh = append(fresh, i)
		}
	}
	return fresh
}

func TestOpenIncidentsBelongToTheCaller(t *testing.T) {
	j := open(t)
	record(t, j, overdue("a.example", 1), overdue("b.example", 2))
	first := openIncidents(t, j)
	first[0], first[1] = first[1], first[0]
	same(t, "the oldest", openIncidents(t, j)[0].Finding.Site, "a.example")
}

func TestARecordThatFailsLeavesOpenIncidentsAsTheyWere(t *testing.T) {
	j := open(t)
	record(t, j, overdue("a.example", 1))
	before := openIncidents(t, j)
	changed := before[0]
	changed.Peak = 7
	err := j.Record(t.Context(), journal.Entry{At: noon(),
		Changes: []reports.Change{{Incident: changed}}, Deliveries: []journal.Delivery{{To: "console:", IncidentKey: "of nothing"}}})
	if err == nil {
		t.Fatal("a delivery of an unknown incident was stored")
	}
	same(t, "open", openIncidents(t, j), before)
}
