package bot

import (
	"context"
	"slices"
	"time"

	"domovoy/checks"
)

// triedOnce is a line of the log as the CA counts it. The names are joined to
// it each time: sites change. Of a large panel tens of thousands are kept.
type triedOnce struct {
	certificate string // as its history has it: the same bytes
	refused     *checks.Refusal
	at          int64 // Unix milliseconds
	outcome     checks.AttemptOutcome
}

// once is a line of the log as the CA's limits count it, by its words: what
// was refused, or never reached the CA, spent nothing; what failed for another
// reason than a validation cost an order.
func (w *Watch) once(p *watched, a checks.Attempt) triedOnce {
	t := triedOnce{certificate: a.Certificate, at: a.Time.UnixMilli(), outcome: a.Outcome}
	if h := p.last.history[a.Certificate]; h != nil {
		t.certificate = h.Last.Certificate
	}
	if a.Outcome != checks.OutcomeFailed {
		return t
	}
	switch code, args := w.issuing.Classify(a.Text); code {
	case checks.CARateLimited:
		t.refused = refusal(args)
	case checks.CAPaused, checks.CABlocked, checks.CAUnreachable, checks.CARejected:
		t.refused = &checks.Refusal{}
	case checks.CAClient, checks.CAInternal:
		t.outcome = checks.OutcomeOther
	}
	return t
}

// order is the line with the names that its certificate is for today.
func (t triedOnce) order(names certificateNames) checks.Order {
	return checks.Order{Time: time.UnixMilli(t.at).UTC(), Names: names.of(t.certificate), Outcome: t.outcome, Refused: t.refused}
}

// follow takes over what the log has since the last time; its last hours
// again, for the panel may change a row in place.
func (w *Watch) follow(ctx context.Context, p *watched, now time.Time) error {
	l := &p.last.ledger
	issued, failed, played := now.Add(-issuedBack), now.Add(-failedBack), now.Add(-playedBack)
	from := played
	if l.at.IsZero() {
		err := w.journal.LastIssued(ctx, p.Name, issued, played, func(a checks.Attempt) { l.tried = append(l.tried, w.once(p, a)) })
		if err != nil {
			l.tried = nil
			return err
		}
	} else {
		from = later(played, l.at.Add(-rereadBack))
	}
	kept := slices.DeleteFunc(l.tried, func(t triedOnce) bool {
		return t.at >= from.UnixMilli() || t.outcome == checks.OutcomeIssued && t.at < issued.UnixMilli() ||
			t.outcome != checks.OutcomeIssued && t.at < failed.UnixMilli()
	})
	err := w.journal.Tried(ctx, p.Name, from, later(failed, from), func(a checks.Attempt) { kept = append(kept, w.once(p, a)) })
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
	old := func(t triedOnce) bool { return t.outcome == checks.OutcomeIssued && t.at < played.UnixMilli() }
	last := map[string]int64{}
	for _, t := range tried {
		if old(t) {
			last[t.certificate] = t.at // oldest first
		}
	}
	return slices.DeleteFunc(tried, func(t triedOnce) bool { return old(t) && t.at < last[t.certificate] })
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
