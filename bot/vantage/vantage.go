// Package vantage looks at sites from several places at once, and makes one result
// of what was seen from them.
package vantage

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

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

// Home looks from this host.
type Home interface {
	watch.Prober
	// Beside completes a look that was taken from elsewhere by the checks that need the
	// panel's host or what is known of it. It connects to no address of the site.
	Beside(ctx context.Context, x checks.Subject, seen checks.Probe, now time.Time) checks.Probe
}

// Config is what a Prober is made of.
type Config struct {
	Home   Home           // looks from this host, and asks the registries
	At     checks.Vantage // where this host is
	Points func() []Point // the other places, which may come and go
	// Inside is the name of the place on the panel's own host, if it is one of Points. From
	// there the panel's sites look different, and the CA does not stand there: it is not
	// asked, and its part of the pace is left for other panels. May be nil, and the name
	// may be empty.
	Inside func() string
	Rule   func(now time.Time) quorum.Rule
	// Before returns the last result of a site; may be nil.
	Before func(site string) checks.Probe
	// Share is told, before a look, how many places look at the same addresses; may
	// be nil.
	Share func(places int)
	// Deal has a sweep look at a site that is fine from one place, each time from the
	// next. Places that look at the same addresses keep to a limit together, so that a
	// sweep from all of them takes as many times as long as from one.
	Deal bool
	// AtHome bounds the looks from this host when sites are dealt, of all panels
	// together; may be nil.
	AtHome *semaphore.Weighted
}

// Prober is a watch.Prober that looks from several places. It is safe for
// concurrent use. Without other places it is its Home.
type Prober struct {
	cfg Config

	mu       sync.Mutex
	round    *quorum.Round
	places   int // that looked in this round, at most
	disputed map[string]dispute
	dealt    int             // sites that no place had looked at alone
	whole    map[string]bool // sites that every place was asked for in this round; nil unless sites are dealt
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

// Probe looks at a site from every place, or from one if sites are dealt. Only this host
// leaves names for Register: a registry is asked by one.
func (p *Prober) Probe(ctx context.Context, x checks.Subject, asked bool, now time.Time) (result checks.Probe, later []string) {
	points, share := p.points()
	if p.cfg.Share != nil {
		p.cfg.Share(share)
	}
	if len(points) == 0 {
		return p.cfg.Home.Probe(ctx, x, asked, now)
	}
	v := p.visit(Look{Subject: x, Asked: asked, Share: share, Now: now}, points)
	if p.deals(x, asked, v.before) {
		if seen, place, fine := v.one(ctx); fine {
			if place > 0 {
				seen = p.cfg.Home.Beside(ctx, x, seen, now)
			}
			p.alone(v.looks[place].From)
			return seen, v.later
		}
	}
	v.from(ctx, v.left()...)
	result = p.cfg.Rule(now).Merge(x.Site, v.looks, v.before)
	p.note(x.Site, v.looks, result, dispute{site: x.Site, looks: v.looks, before: v.before, at: now})
	return result, v.later
}

// Places is from how many places a sweep looks at different sites at the same time.
func (p *Prober) Places() int {
	if !p.cfg.Deal {
		return 1
	}
	points, _ := p.points()
	return 1 + len(points)
}

// points are the other places that look at the panel's sites; share is how many places
// look at anything, which is the same for all panels.
func (p *Prober) points() (points []Point, share int) {
	points = p.cfg.Points()
	share = 1 + len(points)
	if p.cfg.Inside != nil {
		inside := p.cfg.Inside()
		points = slices.DeleteFunc(slices.Clone(points), func(one Point) bool { return one.At().Name == inside })
	}
	return points, share
}

// deals reports whether one place is enough for a site: it was fine, or is new, its orders
// do not fail, and no place saw a trouble of it in this round.
func (p *Prober) deals(x checks.Subject, asked bool, before checks.Probe) bool {
	if !p.cfg.Deal || asked || x.History != nil && x.History.Failures > 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.whole[x.Site.Name] && (before.At.IsZero() || before.Verdict().Code == checks.OK && !quorum.Compares(before))
}

// next counts the sites that no place has looked at alone.
func (p *Prober) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dealt++
	return p.dealt
}

// alone counts a look of one place at a site that is fine for the round.
func (p *Prober) alone(from checks.Vantage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places = max(p.places, 2)
	p.round.Fine(from)
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
	if p.cfg.Deal {
		p.whole[site.Name] = true
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
	if p.cfg.Deal {
		p.whole = map[string]bool{}
	}
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
