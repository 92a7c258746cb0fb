package probe

import (
	"context"
	"time"

	"domovoy/bot"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Site probes a site while the one who asked waits, and keeps the result. It
// returns the site with the result; without a prober the site as it is.
func (p *Prober) Site(ctx context.Context, s reports.Site, r bot.Request) (reports.Site, error) {
	panel := p.watch.Panel(s.Server.Name)
	if panel == nil || panel.Prober == nil {
		return s, nil
	}
	defer announce(r, *s.Subject.Site)()
	result, _ := panel.Prober.Probe(ctx, s.Subject, true, r.Now)
	if ctx.Err() != nil {
		return s, ctx.Err()
	}
	result, err := p.attribute(ctx, panel.Name, s.Subject, result)
	if err != nil {
		return s, err
	}
	s.Server = s.Server.WithProbe(s.Subject.Site.Name, result)
	s = askRegistries(ctx, panel, s)
	return s, p.keep(ctx, panel, map[string]checks.Probe{s.Subject.Site.Name: result})
}

// Limits of the questions to registries while somebody waits.
const (
	registryPatience = 5 * time.Second
	domainsOfSite    = 3 // that of its own name, and those of the first aliases
)

// askRegistries asks when the registrations of a site's domains end, where that is
// not known or due, and returns the site with the answers. Why there is none is
// known afterwards, too.
func askRegistries(ctx context.Context, panel *watch.Panel, s reports.Site) reports.Site {
	if panel.AskRegistry == nil || panel.Registrations == nil {
		return s
	}
	bounded, cancel := context.WithTimeout(ctx, registryPatience)
	defer cancel()
	domains := s.Subject.Site.Domains()
	for _, domain := range domains[:min(len(domains), domainsOfSite)] {
		_ = panel.AskRegistry(bounded, domain) // its error is in what is known of the domain
	}
	s.Server.Registrations = panel.Registrations()
	return s
}

// silentFor is how long somebody waits for a probe without a word.
const silentFor = 2 * time.Second

// announce says to the person who asked which site is being probed, if that takes
// long. It says nothing any more once done has returned.
func announce(r bot.Request, site checks.Site) (done func()) {
	if r.Notice == nil {
		return func() {}
	}
	announced := make(chan struct{})
	late := time.AfterFunc(silentFor, func() {
		defer close(announced)
		r.Notice(r.Locale.Say("progress.looking", i18n.Args{"Name": site.Unicode()}))
	})
	return func() {
		if !late.Stop() {
			<-announced
		}
	}
}

// keep stores results and makes them what is known of their sites.
func (p *Prober) keep(ctx context.Context, panel *watch.Panel, results map[string]checks.Probe) error {
	if err := p.journal.KeepProbes(ctx, panel.Name, results); err != nil {
		return err
	}
	panel.Keep(results)
	return nil
}
