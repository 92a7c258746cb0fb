package bot

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"domovoy/reports/journal"
)

// Paces at which the journal is asked again for what it did not take: its
// disk may be full, or read-only for a while.
const (
	firstInsist = time.Second
	lastInsist  = 5 * time.Minute
	noteBound   = 10 * time.Second // for one note; also after the context's end
)

// insist repeats what the journal must take, ever more slowly, until it does
// or the context has ended. The first time is tried even then: what was done
// must be noted when the shutdown begins just now. It is logged once a step.
// Only what is not there (any more) is not asked for again.
func insist(ctx context.Context, log *slog.Logger, do func(context.Context) error) error {
	for wait := firstInsist; ; wait = min(2*wait, lastInsist) {
		err := note(ctx, do)
		if err == nil || ctx.Err() != nil || errors.Is(err, journal.ErrNoDelivery) || errors.Is(err, journal.ErrAnswered) {
			return err
		}
		log.ErrorContext(ctx, "the journal does not take it", "again in", wait, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// note does one change of the journal, be the context at its end or not.
func note(ctx context.Context, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteBound)
	defer cancel()
	return do(bounded)
}

// lingering is a context that ends a while after another one: what is under
// way may come to its end, and nothing hangs.
func lingering(ctx context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-late.Done():
		case <-time.After(while):
			cancel()
		}
	})
	return late, func() { stop(); cancel() }
}
