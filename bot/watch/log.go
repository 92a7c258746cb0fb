package watch

import (
	"context"
	"maps"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/checks/panel"
	"domovoy/reports/journal"
)

// copyLog copies what is new in the issuance log, and at intervals the rows that
// may have been updated in place.
func (w *Watch) copyLog(ctx context.Context, p *Panel, now time.Time) error {
	if !p.last.pending && p.last.history != nil {
		return nil
	}
	since := now.AddDate(100, 0, 0) // no row is that new: only what was never read
	back := now.Sub(p.last.logBack) >= backPace
	switch {
	case back:
		since = now.Add(-rereadBack)
	case now.Sub(p.last.log) >= rereadPace:
		since = now.Add(-rereadSoon)
	}
	from, err := w.firstRow(ctx, p, since)
	if err != nil {
		return err
	}
	touched := map[string]bool{}
	store := func() error {
		return p.Reader.Attempts(ctx, from, func(batch []checks.Attempt) error {
			for i := range batch {
				if batch[i].Time.After(now.Add(future)) {
					batch[i].Time = time.Time{} // an attempt of next week has an unreadable time
				}
			}
			moved, err := w.journal.AddAttempts(ctx, p.Name, batch)
			if err != nil || p.last.history == nil { // all of it is read anyway
				return err
			}
			for i := range moved {
				if !p.last.follows(&moved[i], now.Add(-panel.Fresh)) {
					touched[moved[i].Certificate] = true
				}
			}
			return nil
		})
	}
	if from == 0 {
		err = w.firstLog(ctx, p, store)
	} else {
		err = store()
	}
	if err != nil {
		p.last.history = nil // what was stored before it is not read again soon
		return err
	}
	if since.Before(now) {
		p.last.log = now
	}
	if back {
		p.last.logBack = now
	}
	return w.loadHistory(ctx, p, touched, now)
}

// firstRow is where to read the log from: what is new, and what is of since or
// later; 0: the beginning.
func (w *Watch) firstRow(ctx context.Context, p *Panel, since time.Time) (int64, error) {
	from, err := w.journal.NextRow(ctx, p.Name, since)
	if err != nil {
		return 0, err
	}
	newest := p.last.newest
	if newest < from-1 { // another process may have copied rows since we looked
		if newest, err = p.Reader.Newest(ctx); err != nil {
			return 0, err
		}
	}
	if newest < from-1 {
		return 0, nil // the log was started again: the panel was set up again, or its log emptied
	}
	return from, nil
}

// manyRows of a log are worth an import: so many take a second otherwise.
const manyRows = 30_000

// firstLog copies a log of which nothing is known yet.
func (w *Watch) firstLog(ctx context.Context, p *Panel, store func() error) error {
	newest, err := p.Reader.Newest(ctx)
	if err != nil {
		return err
	}
	if newest < manyRows {
		return store()
	}
	return w.journal.Import(ctx, p.Name, store)
}

// follows brings the history of one certificate up to date by what a batch of the log
// made of it; false: it has to be read from the journal, because the batch does not tell,
// or because another process stored what is not in the history. A success at or after
// since makes failures before it worth telling.
func (r *reading) follows(m *journal.Moved, since time.Time) bool {
	was := r.history[m.Certificate]
	known := was == nil && m.New || was != nil && !m.New && stateOf(was) == stateOf(historyOf(m.Before))
	if !known || m.Stale || m.Passed {
		return false
	}
	if !m.Changed {
		return true
	}
	h := historyOf(m.After)
	if was != nil {
		h.Last.Certificate = was.Last.Certificate // the same bytes
		if h.Failures == 0 && !m.Issued && !h.Issued.Before(since) {
			h.Recovered = was.Recovered
		}
		if sameHistory(was, h) {
			return true
		}
	}
	r.history[m.Certificate], r.moved[h.Last.Certificate] = h, true
	return true
}

// state is what the journal sums up of a certificate's attempts.
type state struct {
	last, since, issued int64
	failures            int
}

func stateOf(h *checks.History) state {
	return state{h.Last.Time.UnixMilli(), h.Since.UnixMilli(), h.Issued.UnixMilli(), h.Failures}
}

// loadHistory brings the history of the touched certificates up to date, or
// all of it at first.
func (w *Watch) loadHistory(ctx context.Context, p *Panel, touched map[string]bool, now time.Time) error {
	if p.last.history != nil && len(touched) == 0 {
		return nil
	}
	var names []string // nil: all
	if p.last.history != nil {
		names = slices.Collect(maps.Keys(touched))
	}
	recovered, err := w.journal.Recovered(ctx, p.Name, names, now.Add(-panel.Fresh))
	if names == nil {
		p.last.history, p.last.moved, p.last.latest = map[string]*checks.History{}, map[string]bool{}, nil
	}
	if err == nil {
		err = w.journal.LastAttempts(ctx, p.Name, names, func(l journal.LastAttempt) {
			h := historyOf(l) // a new one: subjects hold the old
			name := h.Last.Certificate
			if r, ok := recovered[name]; ok {
				h.Recovered = &r
			}
			if was := p.last.history[name]; was != nil && sameHistory(was, h) {
				return // rows that were read again are mostly as they were
			}
			p.last.history[name] = h
			if names != nil {
				p.last.moved[name] = true
			}
		})
	}
	if err != nil {
		p.last.history = nil // load all of it the next time: these rows are not touched again
	}
	return err
}

func sameHistory(a, b *checks.History) bool {
	if (a.Recovered == nil) != (b.Recovered == nil) || a.Recovered != nil && *a.Recovered != *b.Recovered {
		return false
	}
	return a.Last == b.Last && a.Failures == b.Failures && a.Since.Equal(b.Since) && a.Issued.Equal(b.Issued)
}

// historyOf is what stays in memory for each of tens of thousands of certificates.
// The text of an attempt that did not fail is left to the journal.
func historyOf(l journal.LastAttempt) *checks.History {
	last := checks.LastTry{Certificate: l.Attempt.Certificate, Outcome: l.Attempt.Outcome, Time: l.Attempt.Time}
	if last.Outcome == checks.OutcomeFailed {
		last.Text = l.Attempt.Text
	}
	return &checks.History{Last: last, Failures: l.Failures, Since: l.FirstFailed, Issued: l.LastIssued}
}
