package config

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Cron is a schedule in crontab syntax. The zero Cron is never due.
type Cron struct {
	spec     string
	schedule cron.Schedule
}

// String returns the schedule as it is in the file.
func (c Cron) String() string { return c.spec }

// Next returns the first due time after t, in t's zone; zero if there is none.
func (c Cron) Next(t time.Time) time.Time {
	if c.schedule == nil {
		return time.Time{}
	}
	return c.schedule.Next(t)
}

// NextRuns returns the first n due times after now; fewer if there are no more.
func NextRuns(c Cron, zone *time.Location, now time.Time, n int) []time.Time {
	var runs []time.Time
	for t := c.Next(now.In(zone)); len(runs) < n && !t.IsZero(); t = c.Next(t) {
		runs = append(runs, t)
	}
	return runs
}

// LongestGap returns the longest time between two due times among the next
// fifty, so that nights and weekends without one count; 0 if there are fewer
// than two.
func LongestGap(c Cron, zone *time.Location, now time.Time) time.Duration {
	const enough = 50
	var longest time.Duration
	runs := NextRuns(c, zone, now, enough)
	for i := 1; i < len(runs); i++ {
		longest = max(longest, runs[i].Sub(runs[i-1]))
	}
	return longest
}

// readCron refuses some texts that robfig/cron v3 accepts with another meaning.
func readCron(f field, v scalar) (any, *problem) {
	spec, args := v.text, f.args(v)
	if strings.Contains(spec, "TZ=") { // the library panics without a space after it
		return nil, wrong("cron.zone", args)
	}
	if every, ok := strings.CutPrefix(spec, "@every "); ok {
		// The library makes one second of shorter and of negative intervals.
		d, err := time.ParseDuration(every)
		if err != nil || d < time.Second || d >= tenYears {
			return nil, wrong("cron.every", args)
		}
	}
	schedule, ok := parseCron(spec)
	switch {
	case !ok && !strings.HasPrefix(spec, "@") && len(strings.Fields(spec)) != 5:
		args["Fields"] = len(strings.Fields(spec))
		return nil, wrong("cron.fields", args)
	case !ok:
		return nil, wrong("cron", args)
	// Any start is fine: the library searches five years ahead.
	case schedule.Next(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero():
		return nil, wrong("cron.never", args)
	}
	return Cron{spec: spec, schedule: schedule}, nil
}

// parseCron returns false for texts that the library refuses or panics on.
func parseCron(spec string) (s cron.Schedule, ok bool) {
	defer func() {
		if recover() != nil { // v3.0.1 indexes an empty list
			s, ok = nil, false
		}
	}()
	s, err := cron.ParseStandard(spec)
	return s, err == nil
}
