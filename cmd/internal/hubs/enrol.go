package hubs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"domovoy/bot/commands"
	"domovoy/bot/fleet"
	"domovoy/bot/fleet/trust"
	"domovoy/cmd/internal/config"
	"domovoy/reports"
)

// Errors of the enrolment.
var (
	ErrNoFleet = errors.New("the configuration has no fleet")
	ErrAgent   = errors.New("this is the configuration of an agent")
)

// Enrolled is a new agent.
type Enrolled struct {
	fleet.Enrolment
	Sure   bool // agents reach the hub under this name, as far as the configuration says
	Server bool // the users' part must be put into a server's configuration
}

// Enrol lets an agent in and returns what it needs.
func Enrol(ctx context.Context, cfg *config.Config, name string, panels []string, now time.Time) (Enrolled, error) {
	return enrol(ctx, cfg, fleet.Enrolment{Name: name, Panels: panels}, now)
}

func enrol(ctx context.Context, cfg *config.Config, whom fleet.Enrolment, now time.Time) (Enrolled, error) {
	folder, err := fleetFolder(cfg)
	if err != nil {
		return Enrolled{}, err
	}
	key, err := fleet.NewKey()
	if err != nil {
		return Enrolled{}, err
	}
	e := Enrolled{Enrolment: whom, Server: cfg.Fleet.Listen == ""}
	e.Key = key
	e.Hub, e.Sure = Public(cfg)
	if e.Server {
		e.CA, err = cfg.Fleet.CA()
	} else if _, err = fleet.BotKey(folder); err == nil {
		e.CA, err = trust.CA(folder)
	}
	if err != nil {
		return Enrolled{}, err
	}
	err = fleet.ChangeMembers(folder, func(m *fleet.Members) error {
		if own, err := fleet.ParseKey(cfg.Fleet.Key.Reveal()); e.Server && err == nil {
			m.AddBot(own.Public())
		}
		one := fleet.Member{Name: whom.Name, Key: key.Public(), Panels: whom.Panels, Since: now.UTC().Truncate(time.Second)}
		if whom.Bot {
			return m.Enrol(one)
		}
		return m.Add(one)
	})
	if err != nil {
		return Enrolled{}, err
	}
	return e, tellUsers(ctx, cfg)
}

// EnrolBot lets another bot in and returns what it needs.
func EnrolBot(ctx context.Context, cfg *config.Config, name string, now time.Time) (Enrolled, error) {
	return enrol(ctx, cfg, fleet.Enrolment{Name: name, Bot: true}, now)
}

// Expel ends the rights of an agent, or of a bot that was enrolled; by is who does it.
// The bot forgets the agent's panels.
func Expel(ctx context.Context, cfg *config.Config, name, by string, now time.Time) error {
	folder, err := fleetFolder(cfg)
	if err != nil {
		return err
	}
	var gone []fleet.Removal
	err = fleet.ChangeMembers(folder, func(m *fleet.Members) error {
		for _, a := range m.Agents {
			for _, panel := range a.Panels {
				if a.Name == name {
					gone = append(gone, fleet.Removal{Panel: panel, By: by, At: now.UTC().Truncate(time.Second)})
				}
			}
		}
		m.Removed = append(m.Removed, gone...)
		return m.Remove(name)
	})
	if err != nil {
		return err
	}
	if err := tellUsers(ctx, cfg); err != nil {
		return err
	}
	return forget(ctx, cfg, gone)
}

// forget has the hub forget panels. A bot whose hub is away does it later.
func forget(ctx context.Context, cfg *config.Config, gone []fleet.Removal) error {
	if len(gone) == 0 {
		return nil
	}
	return tell(ctx, cfg, func(n *nats.Conn) (err error) {
		for _, r := range gone {
			err = errors.Join(err, fleet.Forget(ctx, n, r))
		}
		return err
	})
}

// tell tells the hub something. It is no error that the hub is away.
func tell(ctx context.Context, cfg *config.Config, what func(*nats.Conn) error) error {
	n, err := Reach(ctx, cfg)
	if errors.Is(err, ErrAway) {
		return nil
	}
	if err != nil {
		return err
	}
	defer n.Close()
	if err := what(n); err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return nil
}

// ServerUsers is what a server that is not ours needs in its configuration.
func ServerUsers(cfg *config.Config) (string, error) {
	m, err := fleet.ReadMembers(fleet.Folder(cfg.State))
	return fleet.ServerUsers(m), err
}

// Agents lists the agents. reached is false if the hub does not answer: then only what
// is known without it is there.
func Agents(ctx context.Context, cfg *config.Config) (agents []reports.Agent, reached bool, err error) {
	entries, err := Roster(ctx, cfg)
	if err != nil && !errors.Is(err, ErrAway) {
		return nil, false, err
	}
	return agentsOf(entries), err == nil, nil
}

func agentsOf(entries []fleet.Entry) (agents []reports.Agent) {
	for _, e := range entries {
		agents = append(agents, reports.Agent{Name: e.Name, Panels: e.Panels, Since: e.Since, Seen: e.Seen, Version: e.Version, Protocol: e.Protocol,
			Newer: e.Protocol > fleet.Protocol, Older: e.Protocol > 0 && len(e.Panels) > 0 && e.Skill < fleet.Skill, Offset: e.Offset, Backlog: e.Backlog, Vantage: e.Vantage, Abilities: e.Abilities})
	}
	return agents
}

// AgentData is the JSON of agents; reached: the hub said what it knows of them.
func AgentData(entries []fleet.Entry, reached bool, now time.Time) []commands.AgentData {
	return commands.Agents(agentsOf(entries), reached, now)
}

// Roster lists the agents. If the hub cannot be reached, the error is ErrAway, and the
// list has what is known without it.
func Roster(ctx context.Context, cfg *config.Config) ([]fleet.Entry, error) {
	folder, err := fleetFolder(cfg)
	if err != nil {
		return nil, err
	}
	m, err := fleet.ReadMembers(folder)
	if err != nil {
		return nil, err
	}
	var entries []fleet.Entry
	for _, one := range m.Agents {
		entries = append(entries, fleet.Entry{Member: one})
	}
	n, err := Reach(ctx, cfg)
	if err != nil {
		return entries, err
	}
	defer n.Close()
	ctx, stop := context.WithTimeout(ctx, reachTimeout)
	defer stop()
	found, err := fleet.Roster(ctx, n, m)
	if err != nil {
		return entries, fmt.Errorf("%w: %w", ErrAway, err)
	}
	return found, nil
}

// tellUsers has our own hub read its users now. One that does not run reads them when it
// starts.
func tellUsers(ctx context.Context, cfg *config.Config) error {
	if cfg.Fleet.Listen == "" {
		return nil
	}
	return tell(ctx, cfg, func(n *nats.Conn) error {
		answer, err := n.Request(fleet.UsersSubject, nil, reachTimeout)
		if err == nil && len(answer.Data) > 0 {
			err = errors.New(string(answer.Data))
		}
		return err
	})
}

// fleetFolder is the hub's folder of a bot.
func fleetFolder(cfg *config.Config) (string, error) {
	if !cfg.Fleet.IsOn() {
		return "", ErrNoFleet
	}
	if _, agent := cfg.Fleet.Enrolment(); agent {
		return "", ErrAgent
	}
	return fleet.Folder(cfg.State), nil
}
