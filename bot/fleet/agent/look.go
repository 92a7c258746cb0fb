package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"domovoy/bot/fleet"
	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/guard"
	"domovoy/checks/web"
)

// errNotHere is the error of a look that the configuration of this host does not allow,
// or does not any more.
var errNotHere = errors.New("the configuration of the panel's host does not have this check")

// check makes a check that the bot asks for.
func (p Panel) check(ctx context.Context, l *fleet.Look) (fleet.Reply, error) {
	if l == nil {
		return fleet.Reply{}, fmt.Errorf("%w: a look at nothing", fleet.ErrRecord)
	}
	i := slices.IndexFunc(p.Checks, func(c checks.Check) bool { return c.Name == l.Check && c.Run != nil })
	if i < 0 {
		return fleet.Reply{}, errNotHere
	}
	c, t := p.Checks[i], l.Target(p.Name)
	if t.Site == nil && c.Scope != checks.ScopeServer {
		return fleet.Reply{}, fmt.Errorf("%w: a look at a site without one", fleet.ErrRecord)
	}
	ctx, cancel := context.WithTimeout(ctx, fleet.LookTimeout)
	defer cancel()
	var found []checks.Finding
	err := guard.Run(func() (err error) { found, err = c.Run(ctx, t); return err })
	if broke, ok := errors.AsType[*guard.Panic](err); ok {
		return fleet.Reply{}, fmt.Errorf("the check broke: %v", broke.Value)
	}
	return fleet.Reply{Findings: fleet.FindingsOf(found)}, err
}

// host are the names of the checks that the bot may ask for.
func (p Panel) host() (names []string) {
	for _, c := range p.Checks {
		if c.Run != nil {
			names = append(names, c.Name)
		}
	}
	return names
}

// ability is what an agent that makes a check is said to be able to do: the key of its
// configuration, but for the way to the CA, which has none.
func ability(check string) string {
	switch check {
	case web.LogCheck:
		return "access_logs"
	case acme.EgressCheck:
		return "egress"
	case cert.KeysCheck:
		return "compare_keys"
	}
	return check
}

// abilities are what this agent can do beside reading.
func (a *Agent) abilities() (can []string) {
	add := func(ability string, has func(p *reading) bool) {
		if slices.ContainsFunc(a.panels, has) && !slices.Contains(can, ability) {
			can = append(can, ability)
		}
	}
	add("panel", func(*reading) bool { return true })
	add("account", func(p *reading) bool { return p.Account != nil })
	add("challenges", func(p *reading) bool { return p.Challenges != "" })
	for _, p := range a.panels {
		for _, check := range p.host() {
			add(ability(check), func(*reading) bool { return true })
		}
	}
	if a.cfg.Vantage != "" {
		can = append(can, "vantage")
	}
	return can
}
