package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// Sweep is one look at every site of every panel.
type Sweep struct {
	Since    time.Time             // sites looked at since then are left out: a sweep that was cut short goes on
	Progress func(done, total int) // called after each site, from one goroutine at a time; may be nil
	Apart    time.Duration         // from a look that is in doubt to the second one; 0: all is believed at once
}

// ErrOffline is what Panel.Online says, wrapped, when nobody answers us: the
// cause is then our own network.
var ErrOffline = errors.New("the resolvers do not answer")

// Sweep looks at every site from outside, keeps what it saw as it goes, and
// records what changed. Without a network of our own it changes nothing. A
// second sweep waits for the end of the first.
func (b *Bot) Sweep(ctx context.Context, s Sweep) error {
	select {
	case b.watch.sweeping <- struct{}{}:
		defer func() { <-b.watch.sweeping }()
	case <-ctx.Done():
		return ctx.Err()
	}
	rounds, err := b.rounds(ctx, s)
	if err != nil {
		return err
	}
	var failed error
	for _, r := range rounds {
		failed = errors.Join(failed, b.sweep(ctx, r))
	}
	b.rang.ring()
	return failed
}

// rounds are what there is to look at, by panel.
func (b *Bot) rounds(ctx context.Context, s Sweep) ([]*round, error) {
	steps := &steps{tell: s.Progress}
	var rounds []*round
	for _, p := range b.watch.panels {
		if p.Live == nil {
			continue
		}
		if p.Online != nil {
			if err := p.Online(ctx); err != nil {
				return nil, err
			}
		}
		known := p.state()
		r := &round{bot: b, panel: p, steps: steps, apart: s.Apart, todo: swept(known, s.Since), before: known.Looks,
			fresh: map[string]reports.Look{}, all: map[string]reports.Look{}, ran: map[string][]string{}}
		steps.total += len(r.todo)
		rounds = append(rounds, r)
	}
	return rounds, nil
}

func (b *Bot) sweep(ctx context.Context, r *round) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	p := r.panel
	return b.conclude(ctx, p, p.Live.Server(ctx, p.Name, time.Now()), time.Now())
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
		m := compose.Storm(compose.Writer{Locale: l, Now: now}, s.Name, changed, len(s.Subjects))
		deliveries = append(deliveries, journal.Delivery{To: chat.To.String(), Kind: string(reports.Opened), Message: m})
	}
	return deliveries, nil
}

// liveOutcome is what the last looks at a panel's sites say, as incidents are
// made of it: each site's root cause as seen from outside.
func liveOutcome(s reports.Server) checks.Outcome {
	out := checks.Outcome{Server: s.Name, Checks: suite.ProbeChecks()}
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
	checked := suite.ProbeChecks()
	failures := make([]checks.Failure, len(checked))
	for i, c := range checked {
		failures[i] = checks.Failure{Check: c, Server: server, Site: site, Err: "not looked at yet"}
	}
	return slices.Clip(failures)
}
