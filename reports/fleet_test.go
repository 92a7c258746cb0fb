package reports_test

import (
	"slices"
	"testing"
	"time"

	"domovoy/reports"
)

// TestAgentTrouble: what is wrong with an agent, and in which order agents are listed.
func TestAgentTrouble(t *testing.T) {
	now := time.Date(2026, 11, 21, 11, 5, 0, 0, time.UTC)
	well := reports.Agent{Seen: now.Add(-reports.AgentSilentAfter), Offset: -time.Minute, Backlog: 999}
	var agents []reports.Agent
	for _, c := range []struct {
		name   string
		change func(*reports.Agent)
		want   reports.AgentTrouble
	}{
		{"b-well", func(*reports.Agent) {}, ""},
		{"a-well", func(a *reports.Agent) { a.Backlog = 0 }, ""},
		{"unseen", func(a *reports.Agent) { *a = reports.Agent{} }, reports.AgentUnseen},
		{"late", func(a *reports.Agent) { a.Backlog = 1000 }, reports.AgentBacklog},
		{"older", func(a *reports.Agent) { a.Older = true }, reports.AgentOlder},
		{"fast", func(a *reports.Agent) { a.Offset = 61 * time.Second }, reports.AgentClock},
		{"slow", func(a *reports.Agent) { a.Offset = -61 * time.Second }, reports.AgentClock},
		{"newer", func(a *reports.Agent) { a.Newer, a.Offset = true, time.Hour }, reports.AgentNewer},
		{"silent", func(a *reports.Agent) { a.Seen, a.Newer = a.Seen.Add(-time.Second), true }, reports.AgentSilent},
	} {
		a := well
		c.change(&a)
		a.Name = c.name
		if got := a.Trouble(now); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		agents = append(agents, a)
	}
	reports.SortAgents(agents, now)
	var names []string
	for _, a := range agents {
		names = append(names, a.Name)
	}
	if want := []string{"silent", "newer", "fast", "slow", "late", "older", "unseen", "a-well", "b-well"}; !slices.Equal(names, want) {
		t.Errorf("the order is %q, want %q", names, want)
	}
}
