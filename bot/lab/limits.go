package lab

import "time"

// limit says how long to wait before one more call, and takes note of calls.
type limit interface {
	wait(now time.Time) time.Duration // zero: go ahead
	note(now time.Time)
}

// pace allows one call per interval on average, and a burst of them at once.
type pace struct {
	interval time.Duration
	burst    int
	due      time.Time // when the calls so far would have been used up at an even pace
}

func (p *pace) wait(now time.Time) time.Duration {
	spare := time.Duration(p.burst-1) * p.interval
	return max(0, p.due.Add(-spare).Sub(now))
}

func (p *pace) note(now time.Time) {
	if p.due.Before(now) {
		p.due = now
	}
	p.due = p.due.Add(p.interval)
}

// window allows a number of calls within any stretch of time of its length.
type window struct {
	calls  int
	length time.Duration
	seen   []time.Time // at most calls entries, oldest first
}

func (w *window) wait(now time.Time) time.Duration {
	if len(w.seen) < w.calls {
		return 0
	}
	return max(0, w.seen[0].Add(w.length).Sub(now))
}

func (w *window) note(now time.Time) {
	if len(w.seen) == w.calls {
		w.seen = w.seen[1:]
	}
	w.seen = append(w.seen, now)
}

// admit asks all limits and notes the call only if each lets it pass. It
// returns the seconds to wait, rounded up; zero means admitted.
func admit(now time.Time, limits ...limit) int {
	var longest time.Duration
	for _, l := range limits {
		longest = max(longest, l.wait(now))
	}
	if longest > 0 {
		return int((longest + time.Second - 1) / time.Second)
	}
	for _, l := range limits {
		l.note(now)
	}
	return 0
}
