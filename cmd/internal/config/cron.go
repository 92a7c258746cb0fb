package config

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Cron is a schedule as crontab writes it. The zero Cron is never due.
type Cron struct {
	spec     string
	schedule cron.Schedule
}

// String gives the schedule as the file has it.
func (c Cron) String() string { return c.spec }

// Next is when the schedule is due after t, in t's zone; zero if never.
func (c Cron) Next(t time.Time) time.Time {
	if c.schedule == nil {
		return time.Time{}
	}
	return c.schedule.Next(t)
}

// NextRuns are the first n times after now at which the schedule is due.
func NextRuns(c Cron, zone *time.Location, now time.Time, n int) []time.Time {
	var runs []time.Time
	for t := c.Next(now.In(zone)); len(runs) < n && !t.IsZero(); t = c.Next(t) {
		runs = append(runs, t)
	}
	return runs
}

// readCron refuses what robfig/cron v3 takes for something else.
func readCron(f field, v scalar) (any, *problem) {
	spec, args := v.text, f.args(v)
	if strings.Contains(spec, "TZ=") { // without a space behind, it panics
		return nil, wrong("cron.zone", args)
	}
	if every, ok := strings.CutPrefix(spec, "@every "); ok {
		// Less than a second, and all that is negative, would become one second.
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
	// Any start will do: the search looks five years ahead.
	case schedule.Next(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero():
		return nil, wrong("cron.never", args)
	}
	return Cron{spec: spec, schedule: schedule}, nil
}

func parseCron(spec string) (s cron.Schedule, ok bool) {
	defer func() {
		if recover() != nil { // v3.0.1 indexes before it looks
			s, ok = nil, false
		}
	}()
	s, err := cron.ParseStandard(spec)
	return s, err == nil
}
