// Package vantage looks at sites from several places at once, and makes one result
// of what was seen from them.
package vantage

import (
	"context"
	"slices"
	"sync"
	"time"

	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/quorum"
)

// Point is another place that sites are looked at from.
type Point interface {
	At() checks.Vantage
	// Look looks at a site. blind: why what was seen does not count, and that there
	// may be nothing. share is how many look at the same addresses: each keeps to its
	// part of the pace.
	Look(ctx context.Context, l Look) (seen checks.Probe, blind checks.Blind)
}

// Look is one look that points are asked for.
type Look struct {
	Subject checks.Subject
	Asked   bool // somebody waits for it
	Share   int  // how many places look at the same addresses
	Now     time.Time
}

// Config is what a Prober is made of.
type Config struct {
	Home   watch.Prober   // looks from this host, and asks the registries
	At     checks.Vantage // where this host is
	Points func() []Point // the other places, which may come and go
	Rule   func(now time.Time) quorum.Rule
	// Before returns the last result of a site; may be nil.
	Before func(site string) checks.Probe
	// Share is told, before a look, how many places look at the same addresses; may
	// be nil.
	Share func(places int)
}

// Prober is a watch.Prober that looks from several places. It is safe for
// concurrent use. Without other places it is its Home.
type Prober struct {
	cfg Config

	mu       sync.Mutex
	round    *quorum.Round
	places   int // that looked in this round, at most
	disputed map[string]dispute
}

// dispute is a site about which the places disagree, as long as it is not known
// whether it is the fault of one of them.
type dispute struct {
	site   *checks.Site
	looks  []quorum.Look
	before checks.Probe
	at     time.Time
}

// New makes a Prober.
func New(c Config) *Prober {
	p := &Prober{cfg: c}
	p.Begin()
	return p
}

// Probe looks at a site from every place. Only this host leaves names for Register:
// a registry is asked by one.
func (p *Prober) Probe(ctx context.Context, x checks.Subject, asked bool, now time.Time) (result checks.Probe, later []string) {
	points := p.cfg.Points()
	if p.cfg.Share != nil {
		p.cfg.Share(1 + len(points))
	}
	if len(points) == 0 {
		return p.cfg.Home.Probe(ctx, x, asked, now)
	}
	look := Look{Subject: x, Asked: asked, Share: 1 + len(points), Now: now}
	looks := make([]quorum.Look, 1+len(points))
	var all sync.WaitGroup
	for i, point := range points {
		all.Go(func() {
			seen, blind := point.Look(ctx, look)
			looks[1+i] = quorum.Look{From: point.At(), Probe: seen, Blind: blind}
		})
	}
	looks[0].From = p.cfg.At
	looks[0].Probe, later = p.cfg.Home.Probe(ctx, x, asked, now)
	all.Wait()
	var before checks.Probe
	if p.cfg.Before != nil {
		before = p.cfg.Before(x.Site.Name)
	}
	result = p.cfg.Rule(now).Merge(x.Site, looks, before)
	p.note(x.Site, looks, result, dispute{site: x.Site, looks: looks, before: before, at: now})
	return result, later
}

// note counts a look for the round.
func (p *Prober) note(site *checks.Site, looks []quorum.Look, result checks.Probe, d dispute) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places = max(p.places, len(looks))
	p.round.Add(quorum.Sights(looks, ""))
	if quorum.Disputed(result) {
		p.disputed[site.Name] = d
	}
}

// Register asks the registries from this host.
func (p *Prober) Register(ctx context.Context, x checks.Subject, names []string, now time.Time) checks.Probe {
	return p.cfg.Home.Register(ctx, x, names, now)
}

// Server looks at what concerns the server as a whole from this host.
func (p *Prober) Server(ctx context.Context, server string, now time.Time) checks.Outcome {
	return p.cfg.Home.Server(ctx, server, now)
}

// Begin begins a round: what was counted before does not count any more.
func (p *Prober) Begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.round, p.places, p.disputed = &quorum.Round{}, 0, map[string]dispute{}
}

// Settle ends a round. Places that disagree with all others about too many names
// are found, and what they saw is taken out of the results that have changed by
// that. compared: whether there are such places is known now.
func (p *Prober) Settle(server string) (changed map[string]checks.Probe, found []checks.Finding, compared bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	odd := p.round.Odd()
	for _, o := range odd {
		found = append(found, o.Finding(server))
	}
	if len(odd) > 0 {
		changed = make(map[string]checks.Probe, len(p.disputed))
		for name, d := range p.disputed {
			changed[name] = p.cfg.Rule(d.at).Merge(d.site, quorum.Without(slices.Clone(d.looks), odd), d.before)
		}
	}
	compared = p.places < 2 || p.round.Compared()
	p.disputed = map[string]dispute{}
	return changed, found, compared
}
