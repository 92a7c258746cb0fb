package agent

import (
	"context"
	"time"

	"domovoy/bot/fleet"
	"domovoy/checks"
)

// Rows of the log may be updated in place, mostly while they are young: the bot
// reads those of its own host again at the same paces.
const (
	rereadPace = time.Minute
	rereadSoon = 30 * time.Minute
	farPace    = 15 * time.Minute
	rereadFar  = 6 * time.Hour
)

// readLog puts what is new in the log, or was changed, into the outbox.
func (r *reading) readLog(ctx context.Context, now time.Time) error {
	newest, err := r.Reader.Newest(ctx)
	if err != nil {
		return err
	}
	r.newest = newest
	if newest < r.at.row { // the panel was set up again, or its log emptied
		at := r.at
		at.row = 0
		at.generation++
		if err := r.agent.cfg.Store.forget(ctx, r.Name, now.AddDate(100, 0, 0)); err != nil {
			return err
		}
		r.at, r.recent = at, map[int64]recentRow{}
	}
	from, again := r.from(now)
	if !again && newest == r.at.row {
		return nil
	}
	if err := r.Reader.Attempts(ctx, from, func(batch []checks.Attempt) error { return r.keepRows(ctx, batch, now) }); err != nil {
		return err
	}
	return r.forgetRows(ctx, now)
}

// from is the row to read the log from; again: rows that were read before are
// among it.
func (r *reading) from(now time.Time) (from int64, again bool) {
	from = r.at.row + 1
	if r.at.row == 0 {
		from = 0
	}
	var since time.Time
	switch {
	case now.Sub(r.rereadFarAt) >= farPace:
		since, r.rereadFarAt, r.reread = now.Add(-rereadFar), now, now
	case now.Sub(r.reread) >= rereadPace:
		since, r.reread = now.Add(-rereadSoon), now
	default:
		return from, false
	}
	for row, x := range r.recent {
		if !x.at.Before(since) && row < from {
			from, again = row, true
		}
	}
	return from, again
}

// keepRows puts the rows of a batch that are new, or were changed, into the
// outbox.
func (r *reading) keepRows(ctx context.Context, batch []checks.Attempt, now time.Time) error {
	b, size := fleet.LogBatch{}, 0
	var young []recentRow
	high := r.at.row
	flush := func() error {
		if len(b.Rows) == 0 {
			return nil
		}
		b.Protocol, b.Generation, b.After = fleet.Protocol, r.at.generation, r.at.row
		data, err := fleet.Encode(b)
		if err != nil {
			return err
		}
		at := r.at
		at.row = high
		if err := r.agent.cfg.Store.put(ctx, r.Name, data, young, at); err != nil {
			return err
		}
		for _, x := range young {
			r.recent[x.row] = x
		}
		r.at = at
		b, young, size = fleet.LogBatch{}, nil, 0
		return nil
	}
	for _, a := range batch {
		row := fleet.RowOf(a)
		data, err := fleet.Encode(row)
		if err != nil {
			return err
		}
		x := recentRow{a.Row, a.Time, fleet.Sum("", data)}
		known, was := r.recent[a.Row]
		if a.Row <= r.at.row && (!was || known.sum == x.sum) {
			continue
		}
		if size+len(data) > fleet.MaxLogBatch {
			if err := flush(); err != nil {
				return err
			}
		}
		if x.at.IsZero() {
			x.at = now
		}
		if now.Sub(x.at) < rereadFar {
			young = append(young, x)
		}
		b.Rows, size, high = append(b.Rows, row), size+len(data)+1, max(high, a.Row)
	}
	return flush()
}

// forgetRows drops rows that are too old to be read again.
func (r *reading) forgetRows(ctx context.Context, now time.Time) error {
	old := false
	for row, x := range r.recent {
		if now.Sub(x.at) >= 2*rereadFar {
			delete(r.recent, row)
			old = true
		}
	}
	if !old {
		return nil
	}
	return r.agent.cfg.Store.forget(ctx, r.Name, now.Add(-2*rereadFar))
}
