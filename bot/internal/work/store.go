package work

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"domovoy/checks/pace"
	"domovoy/reports/journal"
)

// Backoff of a change that the journal did not take: its disk may be full, or
// read-only for a while.
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	storeBound = 10 * time.Second // for one change; also after the context's end
)

// UntilStored makes a change of the journal, with backoff, until the journal
// takes it or the context has ended. The first try is made even then: what was
// done must be noted when the shutdown has just begun. Each failed try is
// logged. What does not exist any more in the journal is not tried again.
func UntilStored(ctx context.Context, log *slog.Logger, change func(context.Context) error) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := Store(ctx, change)
		if err == nil || ctx.Err() != nil || errors.Is(err, journal.ErrNoDelivery) || errors.Is(err, journal.ErrAnswered) {
			return err
		}
		log.ErrorContext(ctx, "cannot write to the journal", "retry_in", wait, "error", err)
		_ = pace.Sleep(ctx, wait) // the loop looks at the context
	}
}

// Store makes one change of the journal within a bounded time, even if the
// context has ended.
func Store(ctx context.Context, change func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeBound)
	defer cancel()
	return change(bounded)
}

// Grace is how long what is under way may take when the program is stopped.
const Grace = 10 * time.Second

// WithGrace returns a context that ends Grace after ctx does: what is under
// way may finish, and nothing hangs.
func WithGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = pace.Sleep(late, Grace)
		cancel()
	})
	return late, func() { stop(); cancel() }
}
