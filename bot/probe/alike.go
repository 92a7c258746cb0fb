package probe

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"domovoy/checks"
)

// AlikeCheck is the name of the check that finds many sites of many owners
// failing alike at one of our addresses, in findings: one about a server, with the
// sites' common code, the address as its name, and these arguments: "value", the
// number of sites; "owners", of their owners; "address" and "port".
const AlikeCheck = "alike"

// spot is where and how requests for the challenge fail.
type spot struct {
	address netip.Addr
	port    int
	code    checks.Code
}

// key is that of the finding about the spot.
func (s spot) key(server string) string {
	return checks.Finding{Server: server, Name: s.address.String(), Code: s.code}.Key()
}

// spotOf returns where a site's own name fails at an address of ours; false: it
// does not, or elsewhere.
func spotOf(x checks.Subject, p checks.Probe) (spot, bool) {
	f := p.Verdict().Finding
	if f.Check != checks.WayCheck || f.Name != "" || f.Severity <= checks.Info || !strings.HasPrefix(string(f.Code), "web.") {
		return spot{}, false
	}
	if points, _ := p.Points(); points != checks.PointsOurs {
		return spot{}, false
	}
	text, _ := f.Args["address"].(string)
	address, err := netip.ParseAddr(text)
	hops, _ := f.Args["hops"].([]string)
	ours := len(hops) <= 1 || slices.Contains(x.Site.Addresses, address) // a redirect may lead to others
	port, _ := f.Args["port"].(int)
	return spot{address, port, f.Code}, err == nil && ours
}

// alikeOnTheWay finds the spots where so many sites of many owners fail that it is
// ours: since this sweep, or still. The sites' own findings then say that we act.
func (r *round) alikeOnTheWay(ctx context.Context) error {
	still, err := r.prober.openSpots(ctx)
	if err != nil {
		return err
	}
	all, turned := map[spot][]held{}, map[spot][]held{}
	for _, x := range r.todo {
		p, known := r.all[x.Site.Name]
		s, fails := spotOf(*x, p)
		if !known || !fails {
			continue
		}
		all[s] = append(all[s], held{subject: *x, result: p})
		before := r.before[x.Site.Name]
		if was := before.Verdict().Code; was != s.code && (!before.At.IsZero() || passing(s.code)) {
			turned[s] = append(turned[s], held{subject: *x, result: p})
		}
	}
	changed := map[string]checks.Probe{}
	for s, group := range all {
		if !r.alike(turned[s]) && (!still[s.key(r.panel.Name)] || !r.alike(group)) {
			continue
		}
		r.spots = append(r.spots, r.spotFinding(s, group))
		for _, h := range group {
			if h.result.Verdict().Who() == checks.Customer {
				changed[h.subject.Site.Name] = ours(h.result, s.code)
			}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	r.panel.Keep(changed)
	return r.prober.journal.KeepProbes(ctx, r.panel.Name, changed)
}

// openSpots are the spots found by sweeps before this one, by their findings'
// keys.
func (p *Prober) openSpots(ctx context.Context) (map[string]bool, error) {
	open, err := p.journal.OpenIncidents(ctx)
	spots := map[string]bool{}
	for _, i := range open {
		if i.Finding.Check == AlikeCheck {
			spots[i.Finding.Key()] = true
		}
	}
	return spots, err
}

// attribute makes the cause of one site ours if it fails at a spot where many do.
func (p *Prober) attribute(ctx context.Context, server string, x checks.Subject, result checks.Probe) (checks.Probe, error) {
	s, fails := spotOf(x, result)
	if !fails || result.Verdict().Who() != checks.Customer {
		return result, nil
	}
	open, err := p.openSpots(ctx)
	if open[s.key(server)] {
		result = ours(result, s.code)
	}
	return result, err
}

// spotFinding is the finding about the server for all sites of a spot.
func (r *round) spotFinding(s spot, group []held) checks.Finding {
	owners := map[string]bool{}
	for _, h := range group {
		owners[h.subject.Site.Owner] = true
	}
	first := group[0].result.Verdict().Finding
	return checks.Finding{Check: AlikeCheck, Server: r.panel.Name, Name: s.address.String(), Code: s.code, Severity: checks.Critical, Detail: first.Detail,
		Args: checks.Args{"value": len(group), "owners": len(owners), "address": s.address.String(), "port": s.port, checks.WhoArg: string(checks.Us)}}
}

// ours is a result whose cause is for us to mend.
func ours(p checks.Probe, code checks.Code) checks.Probe {
	p.Findings = slices.Clone(p.Findings)
	for i := range p.Findings {
		if f := &p.Findings[i]; f.Check == checks.WayCheck && f.Name == "" && f.Code == code {
			f.Args = maps.Clone(f.Args)
			f.Args[checks.WhoArg] = string(checks.Us)
		}
	}
	return p
}
