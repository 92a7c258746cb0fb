package jobs

import "time"

// next is when a job is due after t, in t's zone; the zero time: never again.
//
// Cron reads clocks that people set. Where they are put back it means both
// showings of an hour, where they are put forward it leaves out what they skip.
// A job that is missed when it does not run wants neither: it runs at the
// first showing, and for a time that was skipped right after the gap.
func (j Job) next(t time.Time) time.Time {
	due := j.When.Next(t)
	if j.Late == 0 {
		return due
	}
	for !due.IsZero() && shownBefore(j.When, due) {
		due = j.When.Next(due)
	}
	if gap, ok := skipped(j.When, t, due); ok {
		return gap
	}
	return due
}

// shownBefore reports whether the clocks showed the time of due before, and
// the job was due then. One that is due every so many hours was not.
func shownBefore(c Clock, due time.Time) bool {
	since, _ := due.ZoneBounds()
	if since.IsZero() {
		return false
	}
	back := offset(since.Add(-time.Second)) - offset(since)
	first := due.Add(-back)
	return back > 0 && first.Before(since) && c.Next(first.Add(-time.Second)).Equal(first)
}

// skipped finds the end of the first gap after t, but before due, in which the
// job was due by the clocks of before.
func skipped(c Clock, t, due time.Time) (end time.Time, ok bool) {
	for at := t; ; at = end {
		_, end = at.ZoneBounds()
		if end.IsZero() || !due.IsZero() && !end.Before(due) {
			return time.Time{}, false
		}
		last := end.Add(-time.Second) // before the gap
		gap := offset(end) - offset(last)
		if gap <= 0 {
			continue
		}
		unchanged := time.FixedZone("", int(offset(last)/time.Second))
		wanted := c.Next(last.In(unchanged))
		if !wanted.IsZero() && wanted.Before(end.Add(gap)) && !c.Next(last).Equal(wanted) {
			return end, true
		}
	}
}

// offset is how far the clocks of t's zone are ahead of UTC then.
func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}
