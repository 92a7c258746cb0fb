package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"domovoy/bot/fleet"
	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/panel"
	"domovoy/checks/web"
)

// Host is the host of a panel behind an agent: it has the agent make what needs that
// host, and places challenge files there. It is a web.Challenges.
type Host struct {
	Panel    *Panel
	About    fleet.About         // what the agent says of the panel
	Own      func() []netip.Addr // addresses of all our panels; nil: none
	Listings *web.Listings       // asked about what access logs have; nil: no list is asked
	Patience time.Duration       // how long the agent may take; 0: fleet.LookTimeout
}

// Bounds of what an agent's look gives.
const (
	mostFindings = 20
	mostOwn      = 1000
)

// errGarbled is the error of a look that gave what its check cannot find.
var errGarbled = fmt.Errorf("%w: findings that the check does not have", fleet.ErrRecord)

// Check returns a check of suite.OfHost that the agent makes; without a Run if the
// agent's configuration does not have it. Which checks the configuration of an older
// agent has is not known; that it cannot look says the one that needs no setting.
func (h Host) Check(c checks.Check) checks.Check {
	c.Run = nil
	switch {
	case slices.Contains(h.About.Host, c.Name):
		c.Run = func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) { return h.look(ctx, c, t) }
	case c.Name == acme.EgressCheck && h.About.Skill == 0 && h.About.Directory != "":
		c.Run = func(context.Context, *checks.Target) ([]checks.Finding, error) { return nil, h.older() }
	}
	return c
}

// older is the error of asking an agent that is older than the bot.
func (h Host) older() error { return &Unreadable{Panel: h.Panel.name, Word: panel.AgentOlder} }

// look has the agent make a check.
func (h Host) look(ctx context.Context, c checks.Check, t *checks.Target) ([]checks.Finding, error) {
	look := fleet.LookOf(c.Name, t)
	if c.Name == web.LogCheck && h.Own != nil {
		own := h.Own()
		look.Site.Addresses = slices.Concat(look.Site.Addresses, own[:min(len(own), mostOwn)])
	}
	reply, err := h.ask(ctx, fleet.Task{Do: fleet.TaskLook, Look: &look})
	var found []checks.Finding
	for _, r := range reply.Findings {
		f := r.Of("", "", "") // whose it is, is known here
		f.Check, f.Name = "", ""
		if !slices.Contains(c.Codes, f.Code) || len(found) == mostFindings {
			h.Panel.fleet.refuse(ctx, h.Panel.name, errGarbled)
			return nil, errGarbled
		}
		if c.Name == web.LogCheck {
			h.Listings.Note(ctx, &f)
		}
		found = append(found, f)
	}
	return found, err
}

// Place has the agent put a challenge file in place.
func (h Host) Place(ctx context.Context, token, text string) error {
	_, err := h.ask(ctx, fleet.Task{Do: fleet.TaskPlace, Token: token, Text: text})
	return err
}

// Remove has the agent remove a challenge file.
func (h Host) Remove(ctx context.Context, token string) error {
	_, err := h.ask(ctx, fleet.Task{Do: fleet.TaskRemove, Token: token})
	return err
}

// muted is how long an agent that did not answer in time is not asked again: a sweep asks
// thousands of times.
const muted = 30 * time.Second

// ask has the agent do what it needs its host for.
func (h Host) ask(ctx context.Context, t fleet.Task) (fleet.Reply, error) {
	p := h.Panel
	p.mu.Lock()
	mute := !p.mute.IsZero() && p.fleet.now().Sub(p.mute) < muted
	p.mu.Unlock()
	if mute {
		return fleet.Reply{}, &Unreadable{Panel: p.name, Word: NoAnswer}
	}
	reply, err := p.ask(ctx, t, cmp.Or(h.Patience, fleet.LookTimeout))
	if failed, ok := errors.AsType[*fleet.TaskError](err); ok && failed.Kind == fleet.FailUnknown {
		return reply, h.older()
	}
	late := errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case late:
		p.mute = p.fleet.now()
	case err == nil:
		p.mute = time.Time{}
	}
	return reply, err
}
