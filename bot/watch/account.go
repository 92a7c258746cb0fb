package watch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/checks/panel"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// How far back a meter needs to look. The buckets of a week are exact once they
// were full; an order counts as a renewal for 120 days; failures of more than a
// day ago are in the sum that the journal keeps for each certificate.
const (
	issuedBack = 134 * 24 * time.Hour // a renewal's window before the first order that is played
	playedBack = 14 * 24 * time.Hour
	failedBack = 24 * time.Hour
	usagePace  = time.Minute
)

// accountUsage is what one panel's account spent at its CA, according to the log.
// Only a reading uses it.
type accountUsage struct {
	at     time.Time    // when it was brought up to date; zero: never
	events []orderEvent // oldest first
	found  []checks.Finding
	failed error // why it could not be brought up to date
}

// errNotCounted is why there is nothing to find where counting broke off.
var errNotCounted = errors.New("the budgets could not be counted")

// countBudgets brings the usage of a panel's account up to date, at most once a
// minute, and returns what becomes of the account and its names, as the check of
// budgets finds it.
func (w *Watch) countBudgets(ctx context.Context, p *Panel, all []checks.Subject, now time.Time) ([]checks.Finding, error) {
	u := &p.last.usage
	if age := now.Sub(u.at); !u.at.IsZero() && age >= 0 && age < usagePace {
		return u.found, u.failed
	}
	u.found, u.failed = nil, errNotCounted // until all of it is done
	if p.Limits() != nil {                 // nobody counts them otherwise
		if err := w.readEvents(ctx, p, now); err != nil {
			u.failed = err
			return nil, err
		}
	}
	u.at = now
	meter := p.newMeter(u.events, all, now)
	if err := w.chargeOurs(ctx, meter, now); err != nil {
		u.failed = err
		return nil, err
	}
	lately := map[string]int{}
	for _, e := range u.events {
		if e.outcome == checks.OutcomeFailed {
			lately[e.certificate]++
		}
	}
	u.found, u.failed = budget.Outlook{Meter: meter, Lately: lately, Zombie: w.Rules.Zombie}.Findings(all, now), nil
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meter = meter
	return u.found, nil
}

// oneBudget merges what the count of orders and the CA's own refusals say of an
// account's new orders: the CA knows better whether it refuses, the count how
// much was used.
func oneBudget(found []checks.Finding) []checks.Finding {
	at := slices.IndexFunc(found, func(f checks.Finding) bool { return f.Check == panel.AccountCheck && f.Code == checks.CABudget })
	if at < 0 {
		return found
	}
	refused := found[at]
	return slices.DeleteFunc(found, func(f checks.Finding) bool {
		if f.Code != checks.CABudget || f.Check == panel.AccountCheck {
			return false
		}
		for _, name := range []string{"used", "size", "rate"} {
			refused.Args[name] = f.Args[name]
		}
		if _, named := refused.Args["refill"]; !named && f.Args["refill"] != nil {
			refused.Args["refill"] = f.Args["refill"]
		}
		return true
	})
}

// newMeter counts the events by the limits of the panel's CA; nil: these are
// not known.
func (p *Panel) newMeter(events []orderEvent, all []checks.Subject, now time.Time) *budget.Meter {
	rules := p.Limits()
	if rules == nil {
		return nil
	}
	m := budget.NewMeter(rules, p.Name, now)
	addOlder(m, events, all, now)
	names := namesOf(all)
	for _, e := range events {
		o := e.order(names)
		if now.Sub(o.Time) > playedBack {
			m.Known(o)
			continue
		}
		m.Add(o)
	}
	return m
}

// addOlder begins the meter with what each certificate failed until a day ago,
// by the sum that its history has.
func addOlder(m *budget.Meter, events []orderEvent, all []checks.Subject, now time.Time) {
	lately := map[string]int{}
	for _, e := range events {
		if e.outcome != checks.OutcomeIssued {
			lately[e.certificate]++
		}
	}
	until := now.Add(-failedBack)
	for i := range all {
		h := all[i].History
		if h == nil || h.Since.IsZero() || !h.Since.Before(until) {
			continue
		}
		if n := h.Failures - lately[h.Last.Certificate]; n > 0 {
			for _, name := range OrderNames(*all[i].Site) {
				m.Before(name, n, h.Since, until)
			}
		}
	}
}

// chargeOurs adds what our own cancelling cost within the last hour, which is not
// in the panel's log.
func (w *Watch) chargeOurs(ctx context.Context, m *budget.Meter, now time.Time) error {
	if m == nil {
		return nil
	}
	acted, err := w.journal.BegunSteps(ctx, now.Add(-time.Hour))
	if err != nil {
		return err
	}
	for key, n := range acted {
		name := actName(key)
		if _, costs := m.Deactivations(name, now); !costs {
			continue
		}
		for range n {
			m.Charge(name, now)
		}
	}
	return nil
}

// ActKey is what cancellations are counted by in the journal.
func ActKey(account, name string) string { return account + " " + name }

// actName is the name in what ActKey made.
func actName(key string) string { return key[strings.LastIndexByte(key, ' ')+1:] }

// directory of the panel's CA; empty: not known.
func (p *Panel) directory() string {
	if p.CA == nil {
		return ""
	}
	return p.CA.Directory
}

// Limits of the panel's CA; nil: they are not known.
func (p *Panel) Limits() *budget.CA {
	if p.CA == nil {
		return nil
	}
	return p.CA.Rules
}

// lifetime of the certificates that the panel's CA issued at a moment; 0: not
// known.
func (p *Panel) lifetime(issued time.Time) time.Duration {
	rules := p.Limits()
	if rules == nil {
		return 0
	}
	life, _ := rules.Life("", issued)
	return time.Duration(life.Lifetime)
}

// Meter is what the account has left, as of the last reading, to be read only;
// nil: the limits of the CA are not known.
func (p *Panel) Meter() *budget.Meter {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.meter
}

// Reissue is what ordering certificates for these sets of names costs, beside
// the orders of every day.
func (p *Panel) Reissue(sets [][]string, now time.Time) checks.Price {
	m := p.Meter()
	if m == nil {
		return checks.Price{Orders: len(sets)}
	}
	return m.Reissue(sets, float64(m.Daily(now)), now)
}

// Quota is what a server's account has left, for a digest.
func (p *Panel) Quota(now time.Time) reports.Quota {
	q := reports.Quota{}
	rules := p.Limits()
	if rules == nil {
		return q
	}
	q.CA = rules.Name
	m := p.Meter()
	if m == nil {
		return q
	}
	for _, b := range m.Budgets(now) {
		if b.Subject == "" {
			q.Account = append(q.Account, b)
		}
	}
	return q
}

// orderEvent is a row of the log as the CA counts it. The names are joined to
// it each time: sites change. Of a large panel tens of thousands are kept.
type orderEvent struct {
	certificate string // as its history has it: the same bytes
	refused     *checks.Refusal
	at          int64 // Unix milliseconds
	outcome     checks.AttemptOutcome
}

// eventOf is a row of the log as the CA's limits count it, by its words: what
// was refused, or never reached the CA, spent nothing; what failed for another
// reason than a validation cost an order.
func (w *Watch) eventOf(p *Panel, a checks.Attempt) orderEvent {
	e := orderEvent{certificate: a.Certificate, at: a.Time.UnixMilli(), outcome: a.Outcome}
	if h := p.last.history[a.Certificate]; h != nil {
		e.certificate = h.Last.Certificate
	}
	if a.Outcome != checks.OutcomeFailed {
		return e
	}
	switch code, args := w.issuing.Classify(a.Text); code {
	case checks.CARateLimited:
		e.refused = refusal(args)
	case checks.CAPaused, checks.CABlocked, checks.CAUnreachable, checks.CARejected:
		e.refused = &checks.Refusal{}
	case checks.CAClient, checks.CAInternal:
		e.outcome = checks.OutcomeOther
	}
	return e
}

// order is the event with the names that its certificate is for today.
func (e orderEvent) order(names certificateNames) checks.Order {
	o := checks.Order{Time: time.UnixMilli(e.at).UTC(), Outcome: e.outcome, Refused: e.refused}
	if n := names.of(e.certificate); n != nil {
		o.Names, o.Set = n.list, n.set
	}
	return o
}

// readEvents copies what is new in the log, and its last hours again, since the
// panel may change a row in place.
func (w *Watch) readEvents(ctx context.Context, p *Panel, now time.Time) error {
	u := &p.last.usage
	issued, failed, played := now.Add(-issuedBack), now.Add(-failedBack), now.Add(-playedBack)
	if u.at.IsZero() {
		var events []orderEvent
		err := w.journal.Orders(ctx, p.Name, journal.OrderSpan{Issued: issued, All: played, Failed: failed},
			func(a checks.Attempt) { events = append(events, w.eventOf(p, a)) })
		if err == nil {
			u.events = slices.Clone(events) // without room for more
		}
		return err
	}
	from := later(played, u.at.Add(-rereadBack))
	kept := slices.DeleteFunc(u.events, func(e orderEvent) bool {
		return e.at >= from.UnixMilli() || e.outcome == checks.OutcomeIssued && e.at < issued.UnixMilli() ||
			e.outcome != checks.OutcomeIssued && e.at < failed.UnixMilli()
	})
	err := w.journal.OrderEvents(ctx, p.Name, from, later(failed, from), func(a checks.Attempt) { kept = append(kept, w.eventOf(p, a)) })
	if err != nil {
		u.events, u.at = nil, time.Time{} // all of it is read again the next time
		return err
	}
	u.events = lastOld(kept, played)
	return nil
}

// lastOld keeps, of the certificates issued before a moment, the last of each: it
// decides alone whether a later order is a renewal.
func lastOld(events []orderEvent, played time.Time) []orderEvent {
	old := func(e orderEvent) bool { return e.outcome == checks.OutcomeIssued && e.at < played.UnixMilli() }
	last := map[string]int64{}
	for _, e := range events {
		if old(e) {
			last[e.certificate] = e.at // oldest first
		}
	}
	return slices.DeleteFunc(events, func(e orderEvent) bool { return old(e) && e.at < last[e.certificate] })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// refusal is what a classified text says of a limit.
func refusal(args checks.Args) *checks.Refusal {
	r := &checks.Refusal{}
	r.Limit, _ = args["limit"].(string)
	r.Subject, _ = args["name"].(string)
	r.Until, _ = args["until"].(time.Time)
	return r
}
