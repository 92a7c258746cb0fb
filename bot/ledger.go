package bot

import (
	"context"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/reports"
)

// How far back a meter needs to look. Buckets of a week are exact once they
// were full; a renewal is one for 120 days; failures of more than a day ago
// are in the sum that the journal keeps of each certificate.
const (
	issuedBack   = 134 * 24 * time.Hour // a renewal's window before the first order that is played
	playedBack   = 14 * 24 * time.Hour
	failedBack   = 24 * time.Hour
	ledgerPace   = time.Minute
	budgetsCheck = "budget"
)

// ledger is what one panel's account spent at its CA, as far as the log tells.
// Only a reading touches it.
type ledger struct {
	at     time.Time   // when it was brought up to date; zero: never
	tried  []triedOnce // oldest first
	found  []checks.Finding
	failed error // why it could not be brought up to date
}

// triedOnce is a line of the log as the CA counts it. The names are joined to
// it each time: sites change.
type triedOnce struct {
	certificate string
	order       checks.Order // without names
}

// accounting is what a panel's account has left at its CA, for whoever asks.
type accounting struct {
	meter  *budget.Meter  // nil: the CA's limits are not known; read only
	lately map[string]int // failures of the last day, by certificate
}

// judgeAccount adds what is found of the account's budgets at the CA, and of
// the names that spend them in vain.
func (w *Watch) judgeAccount(ctx context.Context, p *watched, out *checks.Outcome, all []checks.Subject, now time.Time) {
	found, err := w.countBudgets(ctx, p, all, now)
	out.Checks = append(out.Checks[:len(out.Checks):len(out.Checks)], budgetsCheck)
	if err != nil {
		out.Failures = append(out.Failures[:len(out.Failures):len(out.Failures)], checks.Failure{Check: budgetsCheck, Server: p.Name, Err: err.Error()})
		return
	}
	out.Findings = append(out.Findings[:len(out.Findings):len(out.Findings)], found...)
}

// countBudgets brings a panel's ledger up to date, at most once a minute, and
// gives what is found by it.
func (w *Watch) countBudgets(ctx context.Context, p *watched, all []checks.Subject, now time.Time) ([]checks.Finding, error) {
	l := &p.last.ledger
	if age := now.Sub(l.at); !l.at.IsZero() && age >= 0 && age < ledgerPace {
		return l.found, l.failed
	}
	if l.failed = w.follow(ctx, p, now); l.failed != nil {
		return l.found, l.failed
	}
	l.at = now
	names := namesOf(all)
	a := accounting{lately: map[string]int{}}
	if rules := p.rules(); rules != nil {
		a.meter = budget.NewMeter(rules, p.Name, now)
	}
	a.before(l.tried, all, now)
	for _, t := range l.tried {
		if t.order.Outcome == checks.OutcomeFailed {
			a.lately[t.certificate]++
		}
		if a.meter == nil {
			continue
		}
		o := t.order
		o.Names = names.of(t.certificate)
		if now.Sub(o.Time) > playedBack {
			a.meter.Known(o.Names, o.Time)
			continue
		}
		a.meter.Add(o)
	}
	if err := w.chargeOurs(ctx, a.meter, now); err != nil {
		l.failed = err
		return l.found, err
	}
	l.found = w.prospects(p, a, all, now)
	p.account(a)
	return l.found, nil
}

// before begins the meter with what each certificate failed until a day ago,
// by the sum that its history has.
func (a accounting) before(tried []triedOnce, all []checks.Subject, now time.Time) {
	if a.meter == nil {
		return
	}
	lately := map[string]int{}
	for _, t := range tried {
		if t.order.Outcome != checks.OutcomeIssued {
			lately[t.certificate]++
		}
	}
	until := now.Add(-failedBack)
	for i := range all {
		h := all[i].History
		if h == nil || h.Since.IsZero() || !h.Since.Before(until) {
			continue
		}
		if n := h.Failures - lately[h.Last.Certificate]; n > 0 {
			for _, name := range orderNames(*all[i].Site) {
				a.meter.Before(name, n, h.Since, until)
			}
		}
	}
}

// follow takes over what the log has since the last time; its last hours
// again, for the panel may change a row in place.
func (w *Watch) follow(ctx context.Context, p *watched, now time.Time) error {
	l := &p.last.ledger
	issued, failed, played := now.Add(-issuedBack), now.Add(-failedBack), now.Add(-playedBack)
	from := played
	if l.at.IsZero() {
		old, err := w.journal.LastIssued(ctx, p.Name, issued, played)
		if err != nil {
			return err
		}
		for _, a := range old {
			l.tried = append(l.tried, triedOnce{a.Certificate, w.order(a)})
		}
	} else {
		from = later(played, l.at.Add(-rereadBack))
	}
	kept := slices.DeleteFunc(l.tried, func(t triedOnce) bool {
		return !t.order.Time.Before(from) || t.order.Outcome == checks.OutcomeIssued && t.order.Time.Before(issued) ||
			t.order.Outcome != checks.OutcomeIssued && t.order.Time.Before(failed)
	})
	names := map[string]string{} // each certificate's once
	for _, t := range kept {
		names[t.certificate] = t.certificate
	}
	err := w.journal.Tried(ctx, p.Name, from, later(failed, from), func(a checks.Attempt) {
		if known, ok := names[a.Certificate]; ok {
			a.Certificate = known
		} else {
			names[a.Certificate] = a.Certificate
		}
		kept = append(kept, triedOnce{a.Certificate, w.order(a)})
	})
	if err != nil {
		l.tried, l.at = nil, time.Time{} // all of it anew the next time
		return err
	}
	l.tried = lastOld(kept, played)
	return nil
}

// lastOld leaves of what issued before a moment the last of each certificate:
// it says all that there is to say of a renewal after it.
func lastOld(tried []triedOnce, played time.Time) []triedOnce {
	old := func(t triedOnce) bool { return t.order.Outcome == checks.OutcomeIssued && t.order.Time.Before(played) }
	last := map[string]time.Time{}
	for _, t := range tried {
		if old(t) {
			last[t.certificate] = t.order.Time // oldest first
		}
	}
	return slices.DeleteFunc(tried, func(t triedOnce) bool { return old(t) && t.order.Time.Before(last[t.certificate]) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// order is a line of the log as the CA's limits count it, by its words: what
// was refused, or never reached the CA, spent nothing; what failed for another
// reason than a validation cost an order.
func (w *Watch) order(a checks.Attempt) checks.Order {
	o := checks.Order{Time: a.Time, Outcome: a.Outcome}
	if a.Outcome != checks.OutcomeFailed {
		return o
	}
	switch code, args := w.issuing.Classify(a.Text); code {
	case checks.CARateLimited:
		o.Refused = refusal(args)
	case checks.CAPaused, checks.CABlocked, checks.CAUnreachable, checks.CARejected:
		o.Refused = &checks.Refusal{}
	case checks.CAClient, checks.CAInternal:
		o.Outcome = checks.OutcomeOther
	}
	return o
}

// refusal is what a classified text says of a limit.
func refusal(args checks.Args) *checks.Refusal {
	r := &checks.Refusal{}
	r.Limit, _ = args["limit"].(string)
	r.Subject, _ = args["name"].(string)
	r.Until, _ = args["until"].(time.Time)
	return r
}

// chargeOurs adds what our own cancelling cost within the last hour, which
// stands in no log of the panel.
func (w *Watch) chargeOurs(ctx context.Context, m *budget.Meter, now time.Time) error {
	if m == nil {
		return nil
	}
	acted, err := w.journal.Acted(ctx, now.Add(-time.Hour))
	if err != nil {
		return err
	}
	for key, n := range acted {
		name := pacedName(key)
		if _, costs := m.Deactivations(name, now); !costs {
			continue
		}
		for range n {
			m.Charge(name, now)
		}
	}
	return nil
}

// rules are the limits of the panel's CA; nil: they are not known.
func (p *watched) rules() *budget.CA {
	if p.CA == nil {
		return nil
	}
	return p.CA.Rules
}

// lifetime of the certificates that the panel's CA issued at a moment; 0: not
// known.
func (p *watched) lifetime(issued time.Time) time.Duration {
	rules := p.rules()
	if rules == nil {
		return 0
	}
	life, _ := rules.Life("", issued)
	return time.Duration(life.Lifetime)
}

// account notes what is left, for whoever asks.
func (p *watched) account(a accounting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = a
}

// accounting is what is left, as of the last reading.
func (p *watched) accounting() accounting {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.left
}

// quota is what a server's account has left, as a digest tells it.
func (p *watched) quota(now time.Time) reports.Quota {
	q := reports.Quota{}
	rules := p.rules()
	if rules == nil {
		return q
	}
	q.CA = rules.Name
	a := p.accounting()
	if a.meter == nil {
		return q
	}
	for _, b := range a.meter.Budgets(now) {
		if b.Subject == "" {
			q.Account = append(q.Account, b)
		}
	}
	return q
}
