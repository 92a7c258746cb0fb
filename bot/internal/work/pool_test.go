package work

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
)

// A pool that was stopped while a job was under way waits for it, and knows
// nothing of it when it runs again.
func TestAPoolRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := NewPool(2, bot.NewSignal(), slog.New(slog.DiscardHandler))
		started, ended := 0, 0
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_ = pool.Run(ctx, func(context.Context) (time.Duration, error) {
				if !pool.Busy("chat") {
					started++
					pool.Start("chat", "", func() { time.Sleep(time.Minute); ended++ })
				}
				return Idle, nil
			})
			cancel()
		}
		if started != 3 || ended != 3 || pool.Room() != 2 {
			t.Errorf("%d jobs were started, %d ended, there is room for %d", started, ended, pool.Room())
		}
	})
}
