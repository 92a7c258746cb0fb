package pace

import (
	"context"
	"time"
)

// Sleep waits for a duration, or until the context ends, and then returns its
// error. It returns at once if the duration is zero or less.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Until is Sleep until a time.
func Until(ctx context.Context, at time.Time) error { return Sleep(ctx, time.Until(at)) }
