package golden

import (
	"time"

	"domovoy/reports"
	"domovoy/reports/compose"
)

// fleetCases are what the command fleet answers.
func fleetCases() map[string]message {
	agent := func(name string, seen time.Duration) reports.Agent {
		return reports.Agent{Name: name, Panels: []string{name}, Since: ago(30 * 24 * time.Hour), Seen: ago(seen), Version: "0.1.0", Protocol: 1,
			Offset: 40 * time.Millisecond, Abilities: []string{"panel", "account", "challenges", "egress", "access_logs", "compare_keys", "vhosts"}}
	}
	fleet := func(reached bool, agents ...reports.Agent) message {
		return func(w compose.Writer) reports.Message {
			reports.SortAgents(agents, w.Now)
			return compose.Fleet(w, agents, reached)
		}
	}
	silent, clock, newer, backlog := agent("isp4", 47*time.Minute), agent("isp3", 20*time.Second), agent("isp5", 3*time.Second), agent("isp6", 9*time.Second)
	clock.Offset = -93 * time.Second
	newer.Version, newer.Protocol, newer.Newer = "2.0.0", 2, true
	backlog.Backlog = 14200
	older := agent("isp1", 8*time.Second)
	older.Version, older.Older, older.Abilities = "0.0.9", true, []string{"panel"}
	many := agent("big", 12*time.Second)
	many.Panels = []string{"isp7", "isp8"}
	point := reports.Agent{Name: "fra1", Seen: ago(4 * time.Second), Version: "0.1.0", Protocol: 1, Vantage: "fra1", Abilities: []string{"vantage", "something new"}}
	return map[string]message{
		"fleet.off":      func(w compose.Writer) reports.Message { return compose.NoFleet(w) },
		"fleet.none":     fleet(true),
		"fleet.well":     fleet(true, agent("isp2", 5*time.Second)),
		"fleet.problems": fleet(true, agent("isp2", 5*time.Second), clock, silent, newer, backlog, older, many, point, reports.Agent{Name: "isp9", Panels: []string{"isp9"}}),
		"fleet.away":     fleet(false, agent("isp2", 5*time.Second), many),
	}
}
