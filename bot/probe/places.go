package probe

import (
	"context"

	"domovoy/checks"
)

// comparer is a watch.Prober that looks from several places.
type comparer interface {
	// Places is from how many places it looks at different sites at the same time.
	Places() int
	// Begin begins a round.
	Begin()
	// Settle ends it: see vantage.Prober.
	Settle(server string) (changed map[string]checks.Probe, found []checks.Finding, compared bool)
}

// settle takes what does not count out of the results: places that disagree with
// all others about too many names are found only when all were looked at.
func (r *round) settle(ctx context.Context) error {
	c, several := r.panel.Prober.(comparer)
	if r.compared = true; !several {
		return nil
	}
	var changed map[string]checks.Probe
	changed, r.odd, r.compared = c.Settle(r.panel.Name)
	if len(changed) == 0 {
		return nil
	}
	r.mu.Lock()
	for i := range r.held {
		h := &r.held[i]
		if p, ok := changed[h.subject.Site.Name]; ok {
			h.result = p
			delete(changed, h.subject.Site.Name)
		}
	}
	for i := range r.doubts {
		d := &r.doubts[i]
		if p, ok := changed[d.subject.Site.Name]; ok {
			d.first = p
			delete(changed, d.subject.Site.Name)
		}
	}
	for site, p := range changed {
		r.fresh[site], r.all[site] = p, p
	}
	r.mu.Unlock()
	return r.store(ctx)
}
