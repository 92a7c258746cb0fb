package reports

import (
	"cmp"
	"slices"
	"time"
)

// Agent is an agent of the fleet, as the hub knows it.
type Agent struct {
	Name      string
	Panels    []string // that it may speak for; may be empty
	Since     time.Time
	Seen      time.Time // by the hub's clock; zero: never
	Version   string    // of its program
	Protocol  int       // that it speaks
	Newer     bool      // a protocol that this program does not understand
	Older     bool      // it does not do all that this program asks of agents
	Offset    time.Duration
	Backlog   int    // messages that wait at the agent
	Vantage   string // its vantage point; empty: it does not look
	Abilities []string
}

// AgentTrouble is what is wrong with an agent. JSON has the word.
type AgentTrouble string

// All troubles of an agent, the worst first.
const (
	AgentSilent  AgentTrouble = "silent"
	AgentNewer   AgentTrouble = "newer"
	AgentClock   AgentTrouble = "clock"
	AgentBacklog AgentTrouble = "backlog"
	AgentOlder   AgentTrouble = "older"
	AgentUnseen  AgentTrouble = "unseen" // it was enrolled, and never came
)

// AgentTroubles lists them, the worst first.
func AgentTroubles() []AgentTrouble {
	return []AgentTrouble{AgentSilent, AgentNewer, AgentClock, AgentBacklog, AgentOlder, AgentUnseen}
}

// Bounds of an agent that is well.
const (
	AgentSilentAfter = 10 * time.Minute
	agentClock       = time.Minute
	agentBacklog     = 1000 // what a large panel sends at once is gone within seconds
)

// Trouble is the worst of what is wrong with the agent; empty: nothing.
func (a Agent) Trouble(now time.Time) AgentTrouble {
	switch {
	case a.Seen.IsZero():
		return AgentUnseen
	case now.Sub(a.Seen) > AgentSilentAfter:
		return AgentSilent
	case a.Newer:
		return AgentNewer
	case a.Offset.Abs() > agentClock:
		return AgentClock
	case a.Backlog >= agentBacklog:
		return AgentBacklog
	case a.Older:
		return AgentOlder
	}
	return ""
}

// SortAgents sorts agents: the worst troubles first, then by name.
func SortAgents(agents []Agent, now time.Time) {
	rank := func(a Agent) int {
		i := slices.Index(AgentTroubles(), a.Trouble(now))
		if i < 0 {
			return len(AgentTroubles())
		}
		return i
	}
	slices.SortStableFunc(agents, func(a, b Agent) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name)) })
}
