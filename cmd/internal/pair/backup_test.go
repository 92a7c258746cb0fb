package pair

import (
	"testing"
	"time"
)

// TestPause: a first backup that takes seconds, because the bot starts meanwhile, does not
// keep the next one back for minutes; later ones cost a fiftieth of the time.
func TestPause(t *testing.T) {
	for _, c := range []struct {
		first      bool
		took, want time.Duration
	}{
		{true, 100 * time.Millisecond, 10 * time.Second},
		{true, 2600 * time.Millisecond, 10400 * time.Millisecond},
		{true, time.Hour, time.Hour},
		{false, 100 * time.Millisecond, time.Minute},
		{false, 2600 * time.Millisecond, 130 * time.Second},
		{false, 2 * time.Minute, time.Hour},
	} {
		if got := pause(c.first, c.took); got != c.want {
			t.Errorf("first %v, %v: %v, want %v", c.first, c.took, got, c.want)
		}
	}
}
