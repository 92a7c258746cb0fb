package remote

import (
	"testing"
	"time"
)

// A clock is off when two heartbeats in a row say so that did not wait on their way.
func TestClock(t *testing.T) {
	start := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	type beat struct{ at, heard time.Duration } // after the start, by the agent's and by our clock
	for _, c := range []struct {
		name  string
		beats []beat
		want  time.Duration
	}{
		{"right", []beat{{0, 0}, {30 * time.Second, 30 * time.Second}}, 0},
		{"a minute off", []beat{{time.Minute, 0}, {90 * time.Second, 30 * time.Second}}, 0},
		{"ahead", []beat{{2 * time.Minute, 0}, {150 * time.Second, 30 * time.Second}}, 2 * time.Minute},
		{"behind", []beat{{-2 * time.Minute, 0}, {-90 * time.Second, 30 * time.Second}}, -2 * time.Minute},
		{"once", []beat{{0, 0}, {30 * time.Second, 2 * time.Minute}, {2 * time.Minute, 2*time.Minute + time.Second}}, 0},
		{"several that waited", []beat{{0, 3 * time.Minute}, {30 * time.Second, 3 * time.Minute}, {time.Minute, 3 * time.Minute}}, 0},
		{"right again", []beat{{2 * time.Minute, 0}, {150 * time.Second, 30 * time.Second}, {time.Minute, time.Minute}}, 0},
	} {
		var is clock
		for _, b := range c.beats {
			is = is.beat(start.Add(b.at), start.Add(b.heard))
		}
		if got := is.skew(); got != c.want {
			t.Errorf("%s: %v off, and not %v", c.name, got, c.want)
		}
	}
}
