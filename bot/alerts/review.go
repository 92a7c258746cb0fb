package alerts

import (
	"context"
	"time"
)

// Paces of reviews.
const (
	reviewPace = time.Minute      // between two reviews at most: a clock may be set
	reviewWait = 10 * time.Second // after one that failed
)

// Review decides about the problems because time has passed: a silence, quiet
// hours or the time for which somebody took a problem begins or ends, or
// nobody took one. It returns when time alone changes something next.
func (r *Recorder) Review(ctx context.Context, now time.Time) (next time.Time, err error) {
	if _, err := r.settle(ctx, run{now: now, policy: r.watch.Policy}); err != nil {
		return now.Add(reviewWait), err
	}
	s, err := r.journal.Standing(ctx, now)
	if err != nil {
		return now.Add(reviewWait), err
	}
	next = now.Add(reviewPace)
	if at := r.watch.Policy.Next(now, s.Problems, s.Silences); !at.IsZero() && at.Before(next) {
		next = at
	}
	return next, nil
}

// Run reviews the problems until the context ends: when something changes by
// itself, and after each change. It also greets the chats that are new.
func (r *Recorder) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := r.Review(ctx, time.Now())
		if err == nil {
			err = r.Greet(ctx, time.Now())
		}
		if err != nil && ctx.Err() == nil {
			r.log.ErrorContext(ctx, "cannot review the problems", "error", err)
		}
		due := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-due.C:
		case <-r.review:
		}
		due.Stop()
	}
	return ctx.Err()
}
