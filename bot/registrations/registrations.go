// Package registrations has every registered domain of the panels looked up at
// its registry, slowly and again and again, so that the end of a registration is
// known before it comes.
package registrations

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/registry"
)

// Registries ask about domains, each registry at its own pace, and remember what
// they answered.
type Registries interface {
	Look(ctx context.Context, domain string) error
	Known(domain string) checks.Registration
	Zone(domain string) string
}

// Looker is the rolling look. The zero value is none: New makes one.
type Looker struct {
	registries Registries
	watch      *watch.Watch
	log        *slog.Logger
	wake       chan struct{} // holds an element once a worker has ended

	domains map[string]read // by panel; used by Run alone
	merged  []string        // the domains of all panels, each once; used by Run alone
	next    time.Time       // nothing is due before, unless a panel or a worker brings news; used by Run alone

	mu   sync.Mutex
	news bool                 // a worker has ended since the domains were last gone through; guarded by mu
	busy map[string]bool      // zones that are being asked about; guarded by mu
	held map[string]time.Time // zones whose registry cannot be reached, until when; guarded by mu
}

// read is the domains of a panel's sites, as of one reading.
type read struct {
	at      time.Time
	domains []string
}

// New makes a rolling look over the sites of the watched panels.
func New(r Registries, w *watch.Watch, log *slog.Logger) *Looker {
	return &Looker{registries: r, watch: w, log: log, wake: make(chan struct{}, 1), domains: map[string]read{}, busy: map[string]bool{}, held: map[string]time.Time{}}
}

const (
	roundEvery = 15 * time.Second // a domain that is new or due waits no longer than that for its zone's worker
	batch      = 100              // domains that a worker asks about before it looks again what is due
	unreached  = 3                // questions without an answer in a row, after which a zone rests
	rest       = 15 * time.Minute // of a zone whose registry cannot be reached
)

// Run looks until the context ends. It asks one domain of a zone at a time.
func (l *Looker) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	for {
		if now := time.Now(); l.anything(now) {
			for zone, domains := range l.due(now) {
				if l.begin(zone) {
					workers.Go(func() {
						defer l.end(zone)
						l.work(ctx, zone, domains)
					})
				}
			}
		}
		if err := l.wait(ctx); err != nil {
			return err
		}
	}
}

// wait returns when it is time to go through the domains again: after a while, or
// when a worker has ended.
func (l *Looker) wait(ctx context.Context) error {
	timer := time.NewTimer(roundEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-l.wake:
	}
	return nil
}

// anything reports whether there may be something to ask: a domain is due, a worker
// has ended, or a panel was read.
func (l *Looker) anything(now time.Time) bool {
	l.mu.Lock()
	news := l.news
	l.news = false
	l.mu.Unlock()
	for _, p := range l.watch.Panels() {
		known, ok := l.domains[p.Name]
		news = news || !ok || !known.at.Equal(p.State().Read)
	}
	return news || !now.Before(l.next)
}

// begin reserves a zone for a worker; false: it has one.
func (l *Looker) begin(zone string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[zone] || time.Now().Before(l.held[zone]) {
		return false
	}
	l.busy[zone] = true
	return true
}

func (l *Looker) end(zone string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, zone)
	l.news = true
	select {
	case l.wake <- struct{}{}:
	default: // it is awake already
	}
}

// due are the domains that are to be asked about now, by zone, the most urgent
// first and no more than a worker asks about at once.
func (l *Looker) due(now time.Time) map[string][]string {
	zones := map[string][]checks.Registration{}
	l.next = now.Add(rest) // zones that rest are not forgotten
	for _, domain := range l.all() {
		k := l.registries.Known(domain)
		if !k.Due.After(now) {
			zone := l.registries.Zone(domain)
			zones[zone] = append(zones[zone], k)
		} else if k.Due.Before(l.next) {
			l.next = k.Due
		}
	}
	due := make(map[string][]string, len(zones))
	for zone, known := range zones {
		slices.SortFunc(known, func(a, b checks.Registration) int { return urgent(a, b, now) })
		for _, k := range known[:min(batch, len(known))] {
			due[zone] = append(due[zone], k.Domain)
		}
	}
	return due
}

// urgent puts first what ends soon, then what nobody has asked about, then what
// waits longest.
func urgent(a, b checks.Registration, now time.Time) int {
	rank := func(r checks.Registration) int {
		switch ends := r.Ends(); {
		case !ends.IsZero() && ends.Before(now.Add(checks.EndingWithin)):
			return 0
		case r.Asked.IsZero():
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Due.Compare(b.Due), cmp.Compare(a.Domain, b.Domain))
}

// all are the domains of the sites that are switched on.
func (l *Looker) all() []string {
	fresh := false
	for _, p := range l.watch.Panels() {
		s := p.State()
		if known := l.domains[p.Name]; !known.at.Equal(s.Read) {
			var domains []string
			for _, x := range s.Subjects {
				if x.Site.Active != checks.Off {
					domains = append(domains, x.Site.Domains()...)
				}
			}
			l.domains[p.Name] = read{s.Read, domains}
			fresh = true
		}
	}
	if fresh {
		l.merged = nil
		for _, p := range l.domains {
			l.merged = append(l.merged, p.domains...)
		}
		slices.Sort(l.merged)
		l.merged = slices.Compact(l.merged)
	}
	return l.merged
}

// work asks about domains of a zone, one after the other. A registry that refuses,
// or that cannot be reached, is left alone; so are all if the answers cannot be
// kept.
func (l *Looker) work(ctx context.Context, zone string, domains []string) {
	failed := 0
	for _, domain := range domains {
		err := l.registries.Look(ctx, domain)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, registry.ErrNotKept):
			l.log.ErrorContext(ctx, "cannot keep what a registry said", "domain", domain, "error", err)
			l.hold(zone)
			return
		case errors.Is(err, registry.ErrQuota):
			l.log.InfoContext(ctx, "a registry refuses questions", "zone", zone, "error", err)
			l.hold(zone)
			return
		case err != nil:
			l.log.DebugContext(ctx, "a registry said nothing of a domain", "domain", domain, "error", err)
		}
		if l.registries.Known(domain).Failure != checks.RegistryUnreachable {
			failed = 0
		} else if failed++; failed == unreached {
			l.hold(zone)
			return
		}
	}
}

// hold has a zone rest for a while.
func (l *Looker) hold(zone string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[zone] = time.Now().Add(rest)
}
