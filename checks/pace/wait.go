package pace

import (
	"context"
	"time"
)

// Sleep waits for a duration, or until the context ends, whose error it
// returns. A duration of zero or less does not wait.
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

// Until is Sleep until a moment.
func Until(ctx context.Context, at time.Time) error { return Sleep(ctx, time.Until(at)) }
