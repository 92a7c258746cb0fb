package commands

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// Roster tells which agents the fleet has. reached is false if the hub does not answer:
// then only the names and panels of agents are known.
type Roster func(ctx context.Context) (agents []reports.Agent, reached bool, err error)

// FleetData is the JSON of fleet.
type FleetData struct {
	Fleet   bool        `json:"fleet" jsonschema:"the configuration has one"`
	Reached bool        `json:"reached" jsonschema:"the hub answers"`
	Agents  []AgentData `json:"agents" jsonschema:"those with the worst troubles first"`
}

// AgentData is the JSON of an agent.
type AgentData struct {
	Name      string     `json:"name"`
	Panels    []string   `json:"panels"`
	Enrolled  time.Time  `json:"enrolled"`
	Seen      *time.Time `json:"seen" jsonschema:"null: never, or the hub cannot be reached"`
	Version   string     `json:"version,omitempty"`
	Protocol  int        `json:"protocol,omitempty"`
	Offset    *float64   `json:"offset" jsonschema:"of its clock, in seconds; null: not known"`
	Backlog   *int       `json:"backlog" jsonschema:"messages that wait at the agent; null: not known"`
	Vantage   string     `json:"vantage,omitempty"`
	Abilities []string   `json:"abilities"`
	Trouble   string     `json:"trouble,omitempty" jsonschema:"silent, newer, clock, backlog, older or unseen"`
}

// Agents is the JSON of agents, in their order.
func Agents(agents []reports.Agent, reached bool, now time.Time) []AgentData {
	list := []AgentData{}
	for _, a := range agents {
		d := AgentData{Name: a.Name, Panels: append([]string{}, a.Panels...), Enrolled: a.Since, Abilities: append([]string{}, a.Abilities...)}
		if reached {
			d.Trouble = string(a.Trouble(now))
		}
		if !a.Seen.IsZero() {
			seen, offset, backlog := a.Seen.UTC(), a.Offset.Round(time.Millisecond).Seconds(), a.Backlog
			d.Seen, d.Offset, d.Backlog, d.Version, d.Protocol, d.Vantage = &seen, &offset, &backlog, a.Version, a.Protocol, a.Vantage
		}
		list = append(list, d)
	}
	return list
}

// fleet answers how the agents of the fleet are.
func (p Parts) fleet(ctx context.Context, r bot.Request) (bot.Answer, error) {
	if err := noWords("fleet", r); err != nil {
		return bot.Answer{}, err
	}
	if p.Fleet == nil {
		return bot.Answer{Message: compose.NoFleet(r.Writer()), Data: FleetData{Agents: []AgentData{}}}, nil
	}
	agents, reached, err := p.Fleet(ctx)
	if err != nil {
		return bot.Answer{}, err
	}
	if reached {
		reports.SortAgents(agents, r.Now)
	}
	return bot.Answer{Message: compose.Fleet(r.Writer(), agents, reached), Data: FleetData{true, reached, Agents(agents, reached, r.Now)}}, nil
}
