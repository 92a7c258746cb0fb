package probe

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"domovoy/checks"
	"domovoy/checks/registry"
)

// postponed is a site with names about which a registry will be asked. A
// registry answers thirty queries a minute: a sweep that waited for it would take
// hours.
type postponed struct {
	subject checks.Subject
	names   []string
}

// postpone leaves the registries of names for the end of the sweep.
func (r *round) postpone(x checks.Subject, names []string) {
	if len(names) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.later = append(r.later, postponed{x, names})
}

// registriesAtOnce are enough for every registry to be asked at its pace.
const registriesAtOnce = 16

// askRegistries asks the registries after everything else was probed, and adds
// their answers to the results. What the context cuts short is asked by the
// next sweep.
func (r *round) askRegistries(ctx context.Context) error {
	r.steps.more(len(r.later))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(registriesAtOnce)
	for _, u := range r.later {
		group.Go(func() error {
			seen := r.panel.Prober.Register(asking, u.subject, u.names, time.Now())
			if asking.Err() != nil {
				return asking.Err()
			}
			defer r.steps.one()
			r.mu.Lock()
			known := r.all[u.subject.Site.Name]
			r.mu.Unlock()
			return r.keep(ctx, u.subject.Site.Name, registered(known, seen))
		})
	}
	return cmp.Or(group.Wait(), ctx.Err())
}

// registered is a result with what the registries said since. A domain whose
// servers were found lame, or are those for unpaid domains, is delegated.
func registered(result, answers checks.Probe) checks.Probe {
	result.Findings, answers.Findings = slices.Clone(result.Findings), slices.Clone(answers.Findings)
	for _, f := range result.Findings {
		parking := f.Args["parking"]
		if f.Code != checks.DNSLame && parking == nil {
			continue
		}
		mine := func(a checks.Finding) bool { return a.Name == f.Name && a.Code == checks.DNSUnregistered }
		if slices.ContainsFunc(answers.Findings, mine) {
			answers.Findings = slices.DeleteFunc(answers.Findings, mine)
			answers.Failures = append(slices.Clone(answers.Failures), checks.Failure{Check: registry.Name, Server: f.Server, Site: f.Site, Err: registry.ErrContrary.Error()})
		}
		for i := range answers.Findings {
			if a := &answers.Findings[i]; a.Name == f.Name && a.Code == checks.DNSUndelegated && parking != nil {
				a.Args = maps.Clone(a.Args)
				a.Args["parking"] = parking
			}
		}
	}
	for name, term := range answers.Terms {
		checks.Parked(result.Findings, name, term)
	}
	result.Failures = slices.DeleteFunc(slices.Clone(result.Failures), func(f checks.Failure) bool { return f.Check == registry.Name })
	result.Failures = append(result.Failures, answers.Failures...)
	result.Findings = append(result.Findings, answers.Findings...)
	return result
}
