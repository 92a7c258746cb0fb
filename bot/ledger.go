package bot

import (
	"context"
	"time"

	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/reports"
)

// How far back a meter needs to look. Buckets of a week are exact once they
// were full; a renewal is one for 120 days; failures of more than a day ago
// are in the sum that the journal keeps of each certificate.
const (
	issuedBack = 134 * 24 * time.Hour // a renewal's window before the first order that is played
	playedBack = 14 * 24 * time.Hour
	failedBack = 24 * time.Hour
	ledgerPace = time.Minute
)

// ledger is what one panel's account spent at its CA, as far as the log tells.
// Only a reading touches it.
type ledger struct {
	at     time.Time   // when it was brought up to date; zero: never
	tried  []triedOnce // oldest first
	found  []checks.Finding
	failed error // why it could not be brought up to date
}

// accounting is what a panel's account has left at its CA, for whoever asks.
type accounting struct {
	meter  *budget.Meter  // nil: the CA's limits are not known; read only
	lately map[string]int // failures of the last day, by certificate
}

// countBudgets brings a panel's ledger up to date, at most once a minute, and
// gives what becomes of the account and its names, as the check of budgets finds
// it.
func (w *Watch) countBudgets(ctx context.Context, p *watched, all []checks.Subject, now time.Time) ([]checks.Finding, error) {
	l := &p.last.ledger
	if age := now.Sub(l.at); !l.at.IsZero() && age >= 0 && age < ledgerPace {
		return l.found, l.failed
	}
	l.found = nil
	if l.failed = w.follow(ctx, p, now); l.failed != nil {
		return nil, l.failed
	}
	l.at = now
	names := namesOf(all)
	a := accounting{lately: map[string]int{}}
	if rules := p.rules(); rules != nil {
		a.meter = budget.NewMeter(rules, p.Name, now)
	}
	a.before(l.tried, all, now)
	for _, t := range l.tried {
		if t.outcome == checks.OutcomeFailed {
			a.lately[t.certificate]++
		}
		if a.meter == nil {
			continue
		}
		o := t.order(names)
		if now.Sub(o.Time) > playedBack {
			a.meter.Known(o.Names, o.Time)
			continue
		}
		a.meter.Add(o)
	}
	if err := w.chargeOurs(ctx, a.meter, now); err != nil {
		l.failed = err
		return nil, err
	}
	l.found = budget.Outlook{Meter: a.meter, Lately: a.lately, Zombie: w.rules.Zombie}.Findings(all, now)
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
		if t.outcome != checks.OutcomeIssued {
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
