package vantage

import (
	"context"
	"slices"
	"sync"

	"domovoy/checks"
	"domovoy/checks/quorum"
)

// looks are those at one site, by place: the first is this host.
type looks struct {
	prober *Prober
	look   Look
	points []Point
	before checks.Probe
	looks  []quorum.Look
	taken  []bool
	later  []string
}

func (p *Prober) looks(l Look, points []Point) *looks {
	r := &looks{prober: p, look: l, points: points, looks: make([]quorum.Look, 1+len(points)), taken: make([]bool, 1+len(points))}
	r.looks[0].From = p.cfg.At
	for i, point := range points {
		r.looks[1+i].From = point.At()
	}
	if p.cfg.Before != nil {
		r.before = p.cfg.Before(l.Subject.Site.Name)
	}
	return r
}

// from looks from places, by their numbers, at once.
func (r *looks) from(ctx context.Context, places ...int) {
	var all sync.WaitGroup
	for _, i := range places {
		r.taken[i] = true
		if i > 0 {
			all.Go(func() { r.looks[i].Probe, r.looks[i].Blind = r.points[i-1].Look(ctx, r.look) })
		}
	}
	if slices.Contains(places, 0) {
		r.fromHome(ctx)
	}
	all.Wait()
}

// fromHome looks from this host.
func (r *looks) fromHome(ctx context.Context) {
	c := r.prober.cfg
	if c.Deal && c.AtHome != nil && !r.look.Asked {
		if c.AtHome.Acquire(ctx, 1) != nil {
			r.looks[0].Blind = checks.BlindSilent
			return
		}
		defer c.AtHome.Release(1)
	}
	r.looks[0].Probe, r.later = c.Home.Probe(ctx, r.look.Subject, r.look.Asked, r.look.Now)
}

// left are the places from which nobody has looked yet.
func (r *looks) left() (places []int) {
	for i, taken := range r.taken {
		if !taken {
			places = append(places, i)
		}
	}
	return places
}

// turn is whose turn it is: the place after the one that looked alone the last time. The
// sites that no place looked at alone are dealt evenly.
func (r *looks) turn() int {
	if i := slices.IndexFunc(r.looks, func(l quorum.Look) bool { return l.From.Name == r.before.Alone }); i >= 0 {
		return (i + 1) % len(r.looks)
	}
	return r.prober.next() % len(r.looks)
}

// one looks from one place, the next if that one could not look. It returns what was
// seen if that is all right, and the number of the place.
func (r *looks) one(ctx context.Context) (seen checks.Probe, place int, fine bool) {
	place = r.turn()
	for range r.looks {
		r.from(ctx, place)
		l := r.looks[place]
		if l.Blind == checks.SightGood {
			seen = l.Probe
			seen.Alone = l.From.Name
			return seen, place, quorum.Fine(l.Probe)
		}
		place = (place + 1) % len(r.looks)
	}
	return checks.Probe{}, 0, false
}
