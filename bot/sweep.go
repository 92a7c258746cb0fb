package bot

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Sweep is one look at every site of every panel.
type Sweep struct {
	Workers  int                             // sites looked at at once
	Since    time.Time                       // sites looked at since then are left out: a sweep that was cut short goes on
	Progress func(done, total int)           // called now and then, from one goroutine at a time; may be nil
	Online   func(ctx context.Context) error // whether we have a network at all; may be nil
	Apart    time.Duration                   // how long after its first look a site in doubt is looked at again; 0: all is believed at once
}

// kept is how many looks are stored together.
const kept = 100

// Sweep looks at every site from outside, keeps what it saw as it goes, and
// records what changed. Without a network of our own it changes nothing.
func (b *Bot) Sweep(ctx context.Context, s Sweep) error {
	if s.Online != nil {
		if err := s.Online(ctx); err != nil {
			return err
		}
	}
	var failed error
	for _, p := range b.watch.panels {
		if p.Live == nil {
			continue
		}
		failed = errors.Join(failed, b.sweep(ctx, p, s))
	}
	b.rang.ring()
	return failed
}

func (b *Bot) sweep(ctx context.Context, p *watched, s Sweep) error {
	todo := swept(p.state(), s.Since)
	if err := b.lookAt(ctx, p, todo, s); err != nil {
		return err
	}
	return b.conclude(ctx, p, p.Live.Server(ctx, p.Name), time.Now())
}

// lookAt looks at the sites with bounded workers, and at the end once more at
// those in doubt. A site that panics costs only itself; what was seen before
// the end of the context is kept.
func (b *Bot) lookAt(ctx context.Context, p *watched, todo []checks.Subject, s Sweep) error {
	group, looking := errgroup.WithContext(ctx)
	group.SetLimit(max(1, s.Workers))
	g := gathering{before: p.state().Looks, all: make(map[string]reports.Look, len(todo))}
	g.store = func(looks map[string]reports.Look) error {
		keeping, cancel := lingering(ctx, grace)
		defer cancel()
		return b.storeLooks(keeping, p, looks)
	}
	for _, x := range todo {
		if looking.Err() != nil {
			break
		}
		group.Go(func() error {
			now := time.Now()
			seen := p.Live.Look(looking, x, false, now)
			if looking.Err() != nil {
				return looking.Err()
			}
			return g.take(x, lookOf(seen, now), s, len(todo))
		})
	}
	err := cmp.Or(group.Wait(), ctx.Err())
	if err == nil {
		err = g.again(ctx, b, p, s)
	}
	err = errors.Join(err, g.keep(1))
	p.seen(g.all) // once: it copies what is known of every site
	return err
}

// gathering is what a sweep of one panel saw so far.
type gathering struct {
	before map[string]reports.Look // of earlier sweeps
	store  func(map[string]reports.Look) error

	mu         sync.Mutex
	fresh, all map[string]reports.Look // not stored yet; all that count
	doubts     []doubt
	done       int
}

// take adds a look at a site, one of so many.
func (g *gathering) take(x checks.Subject, l reports.Look, s Sweep, total int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.Apart > 0 && doubtful(g.before[x.Site.Name], l) {
		g.doubts = append(g.doubts, doubt{x, l})
	} else {
		g.believe(map[string]reports.Look{x.Site.Name: l})
	}
	if g.done++; s.Progress != nil {
		s.Progress(g.done, total)
	}
	return g.keep(kept)
}

func (g *gathering) believe(looks map[string]reports.Look) {
	if g.fresh == nil {
		g.fresh = map[string]reports.Look{}
	}
	maps.Copy(g.fresh, looks)
	maps.Copy(g.all, looks)
}

// again takes a second look at what is in doubt.
func (g *gathering) again(ctx context.Context, b *Bot, p *watched, s Sweep) error {
	sure, err := b.lookAgain(ctx, p, g.doubts, s)
	g.believe(sure)
	return err
}

// keep stores what is not stored yet, if it is so much.
func (g *gathering) keep(least int) error {
	if len(g.fresh) < least {
		return nil
	}
	batch := g.fresh
	g.fresh = nil
	return g.store(batch)
}

// conclude records what the looks changed. Troubles of names wait for the
// digest; so many at once that the cause is hardly theirs are told.
func (b *Bot) conclude(ctx context.Context, p *watched, server checks.Outcome, now time.Time) error {
	open, err := b.journal.OpenIncidents(ctx)
	if err != nil {
		return err
	}
	begun, err := b.journal.Baselines(ctx)
	if err != nil {
		return err
	}
	s := p.state()
	out := liveOutcome(s)
	out.Checks = append(out.Checks, server.Checks...)
	out.Findings = append(out.Findings, server.Findings...)
	out.Failures = append(out.Failures, server.Failures...)
	begin := beginning(out, s, begun)
	begin.Server = false // the panel's own reading says that
	entry := journal.Entry{At: now, Changes: b.policy.Reconcile(now, open, out, begin.Begins)}
	for _, check := range begin.Checks {
		entry.Baseline = append(entry.Baseline, p.Name+"/"+check)
	}
	if n := turned(entry.Changes); reports.Stormy(n, len(s.Subjects)) {
		entry.Deliveries, err = b.warn(ctx, s, n, now)
	} else {
		entry.Deliveries, err = b.tell(ctx, s, entry.Changes, begin, now)
	}
	if err != nil {
		return err
	}
	if err := b.journal.Record(ctx, entry); err != nil {
		return err
	}
	return b.journal.ForgetLooks(ctx, p.Name, now.Add(-forget))
}

// forget is after how long without a look at it a site's last one is
// forgotten: it left the panel, or was switched off.
const forget = 7 * 24 * time.Hour

// turned counts the sites whose troubles began or ended in this sweep.
func turned(changes []reports.Change) int {
	sites := map[string]bool{}
	for _, c := range changes {
		i := c.Incident
		if i.Finding.Site != "" && c.Kind != reports.Baseline && (i.ID == 0 || !i.Times.Resolved.IsZero()) {
			sites[i.Finding.Site] = true
		}
	}
	return len(sites)
}

// warn tells that so many names changed at once that the cause is hardly
// theirs.
func (b *Bot) warn(ctx context.Context, s reports.Server, changed int, now time.Time) ([]journal.Delivery, error) {
	var deliveries []journal.Delivery
	for _, chat := range b.audience.Receivers(Alerts) {
		l, err := b.locale(ctx, chat.To, chat.Language)
		if err != nil {
			return nil, err
		}
		m := reports.Writer{Locale: l, Now: now}.Storm(s.Name, changed, len(s.Subjects))
		deliveries = append(deliveries, journal.Delivery{To: chat.To.String(), Kind: string(reports.Opened), Message: m})
	}
	return deliveries, nil
}

// liveOutcome is what the last looks at a panel's sites say, as incidents are
// made of it: each site's root cause as seen from outside.
func liveOutcome(s reports.Server) checks.Outcome {
	out := checks.Outcome{Server: s.Name, Checks: suite.LiveChecks()}
	for _, x := range s.Subjects {
		look, ok := s.Looks[x.Site.Name]
		if !ok {
			out.Failures = append(out.Failures, everyFailure(s.Name, x.Site.Name)...)
			continue
		}
		verdict := checks.Judge(look.Findings, look.Failures)
		if verdict.Finding.Code != "" {
			out.Findings = append(out.Findings, verdict.Finding)
		}
		out.Failures = append(out.Failures, look.Failures...)
	}
	return out
}

// everyFailure says that a site was not looked at by any live check.
func everyFailure(server, site string) []checks.Failure {
	checked := suite.LiveChecks()
	failures := make([]checks.Failure, len(checked))
	for i, c := range checked {
		failures[i] = checks.Failure{Check: c, Server: server, Site: site, Err: "not looked at yet"}
	}
	return slices.Clip(failures)
}
