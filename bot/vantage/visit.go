package vantage

import (
	"context"
	"slices"
	"sync"

	"domovoy/checks"
	"domovoy/checks/quorum"
)

// visit has the looks at one site from all places, of which the first is this host.
type visit struct {
	prober *Prober
	look   Look
	points []Point
	before checks.Probe
	looks  []quorum.Look
	taken  []bool
	later  []string
}

func (p *Prober) visit(l Look, points []Point) *visit {
	v := &visit{prober: p, look: l, points: points, looks: make([]quorum.Look, 1+len(points)), taken: make([]bool, 1+len(points))}
	v.looks[0].From = p.cfg.At
	for i, point := range points {
		v.looks[1+i].From = point.At()
	}
	if p.cfg.Before != nil {
		v.before = p.cfg.Before(l.Subject.Site.Name)
	}
	return v
}

// from looks from places, by their numbers, at once.
func (v *visit) from(ctx context.Context, places ...int) {
	var all sync.WaitGroup
	for _, i := range places {
		v.taken[i] = true
		if i > 0 {
			all.Go(func() { v.looks[i].Probe, v.looks[i].Blind = v.points[i-1].Look(ctx, v.look) })
		}
	}
	if slices.Contains(places, 0) {
		v.fromHome(ctx)
	}
	all.Wait()
}

// fromHome looks from this host.
func (v *visit) fromHome(ctx context.Context) {
	c := v.prober.cfg
	if c.Deal && c.AtHome != nil && !v.look.Asked {
		if c.AtHome.Acquire(ctx, 1) != nil {
			v.looks[0].Blind = checks.BlindSilent
			return
		}
		defer c.AtHome.Release(1)
	}
	v.looks[0].Probe, v.later = c.Home.Probe(ctx, v.look.Subject, v.look.Asked, v.look.Now)
}

// left are the places from which nobody has looked yet.
func (v *visit) left() (places []int) {
	for i, taken := range v.taken {
		if !taken {
			places = append(places, i)
		}
	}
	return places
}

// turn is whose turn it is: the place after the one that looked alone the last time. The
// sites that no place looked at alone are dealt evenly.
func (v *visit) turn() int {
	if i := slices.IndexFunc(v.looks, func(l quorum.Look) bool { return l.From.Name == v.before.Alone }); i >= 0 {
		return (i + 1) % len(v.looks)
	}
	return v.prober.next() % len(v.looks)
}

// one looks from one place, the next if that one could not look. It returns what was
// seen if that is all right, and the number of the place.
func (v *visit) one(ctx context.Context) (seen checks.Probe, place int, fine bool) {
	place = v.turn()
	for range v.looks {
		v.from(ctx, place)
		l := v.looks[place]
		if l.Blind == checks.SightGood {
			seen = l.Probe
			seen.Alone = l.From.Name
			return seen, place, quorum.Fine(l.Probe)
		}
		place = (place + 1) % len(v.looks)
	}
	return checks.Probe{}, 0, false
}
