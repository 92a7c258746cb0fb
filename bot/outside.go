package bot

import (
	"context"
	"time"

	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// lookNow looks at a site from outside while somebody waits, and keeps what
// was seen. A panel without a look from outside leaves the site as it is.
func (b *Bot) lookNow(ctx context.Context, s reports.Site, r Request) (reports.Site, error) {
	p := b.watch.panel(s.Server.Name)
	if p == nil || p.Live == nil {
		return s, nil
	}
	defer r.looking(*s.Subject.Site)()
	seen := p.Live.Look(ctx, s.Subject, true, r.Now)
	if ctx.Err() != nil {
		return s, ctx.Err()
	}
	l := lookOf(seen, r.Now)
	s.Server = s.Server.WithLook(s.Subject.Site.Name, l)
	return s, b.keepLooks(ctx, p, map[string]reports.Look{s.Subject.Site.Name: l})
}

func lookOf(s suite.Seen, at time.Time) reports.Look {
	return reports.Look{At: at, Checks: s.Checks, Findings: s.Findings, Failures: s.Failures, Served: s.Served}
}

// wordless is how long somebody waits for a look without being told of it.
const wordless = 2 * time.Second

// looking tells the one who asked what is being looked at, if that takes
// long. Nothing is told any more once done came back.
func (r Request) looking(site checks.Site) (done func()) {
	if r.Notice == nil {
		return func() {}
	}
	told := make(chan struct{})
	late := time.AfterFunc(wordless, func() {
		defer close(told)
		r.Notice(r.Locale.Say("progress.looking", i18n.Args{"Name": site.Unicode()}))
	})
	return func() {
		if !late.Stop() {
			<-told
		}
	}
}

// keepLooks stores looks, and has them seen by whoever asks next.
func (b *Bot) keepLooks(ctx context.Context, p *watched, looks map[string]reports.Look) error {
	if err := b.storeLooks(ctx, p, looks); err != nil {
		return err
	}
	p.seen(looks)
	return nil
}

func (b *Bot) storeLooks(ctx context.Context, p *watched, looks map[string]reports.Look) error {
	rows := make([]journal.Look, 0, len(looks))
	for site, l := range looks {
		rows = append(rows, journal.Look{Server: p.Name, Site: site, At: l.At, Checks: l.Checks, Findings: l.Findings, Failures: l.Failures, Served: l.Served})
	}
	return b.journal.KeepLooks(ctx, rows)
}

// seen replaces looks at sites. The map is copied: readers hold the old one.
// Whoever gives looks keeps no hold of them.
func (p *watched) seen(looks map[string]reports.Look) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.looks) == 0 {
		p.looks = looks // a first sweep's: twice would be a lot of memory
		return
	}
	all := make(map[string]reports.Look, len(p.looks)+len(looks))
	for _, m := range []map[string]reports.Look{p.looks, looks} {
		for site, l := range m {
			all[site] = l
		}
	}
	p.looks = all
}

// recall loads the looks of an earlier process, once.
func (w *Watch) recall(ctx context.Context, p *watched) error {
	p.mu.RLock()
	known := p.Live == nil || p.looks != nil
	p.mu.RUnlock()
	if known {
		return nil
	}
	rows, err := w.journal.Looks(ctx, p.Name)
	if err != nil {
		return err
	}
	looks := make(map[string]reports.Look, len(rows))
	for site, l := range rows {
		looks[site] = reports.Look{At: l.At, Checks: l.Checks, Findings: l.Findings, Failures: l.Failures, Served: l.Served}
	}
	p.seen(looks)
	return nil
}

// panel of that name; nil: there is none.
func (w *Watch) panel(name string) *watched {
	for _, p := range w.panels {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// swept are the sites that a sweep looks at: those that are switched on and
// were not looked at since a moment.
func swept(s reports.Server, since time.Time) []*checks.Subject {
	var todo []*checks.Subject
	for i := range s.Subjects { // nobody changes them
		if x := &s.Subjects[i]; x.Site.Active != checks.Off && s.Looks[x.Site.Name].At.Before(since) {
			todo = append(todo, x)
		}
	}
	return todo
}
