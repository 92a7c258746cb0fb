package watch

import (
	"context"
	"sync"

	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/panel"
	"domovoy/reports"
)

// Panel is one panel with what is known of it.
type Panel struct {
	Source

	reading sync.Mutex // held during a reading
	last    reading    // guarded by reading

	mu     sync.RWMutex
	server reports.Server          // guarded by mu
	probes map[string]checks.Probe // the last of each site; guarded by mu; nil: not loaded
	dirty  Dirty                   // guarded by mu
	meter  *budget.Meter           // guarded by mu; read only once it is here

	firstDone func()        // closes first, once
	first     chan struct{} // closed when the first reading ended, whether it failed or not
}

func newPanel(s Source) *Panel {
	first := make(chan struct{})
	return &Panel{Source: s, server: unread(s.Name), first: first, firstDone: sync.OnceFunc(func() { close(first) })}
}

// unread is the state of a panel before its first reading.
func unread(name string) reports.Server {
	s := reports.Server{Name: name, Trouble: reports.NeverRead}
	for _, m := range panel.Unavailable(name, reports.NeverRead) {
		s.Readings = append(s.Readings, reports.Reading{Metric: m})
	}
	return s
}

// State is what is known of the panel now.
func (p *Panel) State() reports.Server {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.server
	s.Probes = p.probes
	if p.Registrations != nil {
		s.Registrations = p.Registrations()
	}
	return s
}

// fail keeps the server's last state and notes why there is none of now.
func (p *Panel) fail(reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server.Trouble = reason
}

// Again has the next reading worked out even if the panel does not change until
// then: what was found could not be recorded, or an incident is about to end.
func (p *Panel) Again() {
	p.reading.Lock()
	defer p.reading.Unlock()
	p.last.pending = true
}

// Keep replaces the last probes of sites. Readers hold the map of before, which
// is therefore copied; the caller must not use its own any more.
func (p *Panel) Keep(probes map[string]checks.Probe) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.probes) == 0 {
		p.probes = probes // a first sweep's: a copy would be a lot of memory
		return
	}
	all := make(map[string]checks.Probe, len(p.probes)+len(probes))
	for _, m := range []map[string]checks.Probe{p.probes, probes} {
		for site, l := range m {
			all[site] = l
		}
	}
	p.probes = all
}

// loadProbes loads the probe results of an earlier process, once.
func (w *Watch) loadProbes(ctx context.Context, p *Panel) error {
	p.mu.RLock()
	known := p.Prober == nil || p.probes != nil
	p.mu.RUnlock()
	if known {
		return nil
	}
	probes, err := w.journal.Probes(ctx, p.Name)
	if err != nil {
		return err
	}
	p.Keep(probes)
	return nil
}

// Dirty is which sites a reading looked at since TakeDirty was last called.
// The others are as they were, so that their incidents need no comparison.
type Dirty struct {
	all   bool
	sites map[string]bool
}

// MarkDirty notes the sites that a reading looked at, or that it looked at all.
func (p *Panel) MarkDirty(sites []string, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dirty.all = p.dirty.all || all
	if p.dirty.all {
		p.dirty.sites = nil
		return
	}
	if p.dirty.sites == nil {
		p.dirty.sites = map[string]bool{}
	}
	for _, site := range sites {
		p.dirty.sites[site] = true
	}
}

// TakeDirty returns the state with the sites that are dirty, which are clean
// from then on unless the panel cannot be read.
func (p *Panel) TakeDirty() (reports.Server, Dirty) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.dirty
	if p.server.Trouble == "" {
		p.dirty = Dirty{}
	}
	return p.server, d
}

// Narrow leaves of a server and of its open incidents what concerns dirty
// sites, incidents that are about to end, and the server as a whole.
func (d Dirty) Narrow(s reports.Server, open []reports.Incident) (reports.Server, []reports.Incident) {
	if d.all {
		return s, open
	}
	sites := map[string]bool{"": true}
	for site := range d.sites {
		sites[site] = true
	}
	for _, i := range open {
		if i.Clear > 0 {
			sites[i.Finding.Site] = true
		}
	}
	s.Outcome.Findings = filter(s.Outcome.Findings, func(f *checks.Finding) bool { return sites[f.Site] })
	s.Outcome.Failures = filter(s.Outcome.Failures, func(f *checks.Failure) bool { return sites[f.Site] })
	s.Subjects = filter(s.Subjects, func(x *checks.Subject) bool { return sites[x.Site.Name] })
	return s, filter(open, func(i *reports.Incident) bool { return sites[i.Finding.Site] })
}

// filter returns the elements for which a condition holds, in a new list.
func filter[T any](list []T, holds func(*T) bool) []T {
	var out []T
	for i := range list {
		if holds(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}
