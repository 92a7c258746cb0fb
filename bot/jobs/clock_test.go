package jobs

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/robfig/cron/v3"
)

// Clocks change at different hours, by different amounts, in some zones at
// midnight; one zone skipped a whole day.
func TestNextWhereClocksAreChanged(t *testing.T) {
	const layout = "01-02 15:04 -0700"
	for name, c := range map[string]struct {
		zone, cron string
		from       string
		want       []string
	}{
		"no change":                  {"Europe/Moscow", "0 9 * * *", "2026-03-28 00:00", []string{"03-28 09:00 +0300", "03-29 09:00 +0300", "03-30 09:00 +0300"}},
		"put forward over it":        {"Europe/Berlin", "30 2 * * *", "2026-03-28 00:00", []string{"03-28 02:30 +0100", "03-29 03:00 +0200", "03-30 02:30 +0200"}},
		"put forward to it":          {"Europe/Berlin", "0 3 * * *", "2026-03-28 00:00", []string{"03-28 03:00 +0100", "03-29 03:00 +0200", "03-30 03:00 +0200"}},
		"put forward, weekly":        {"Europe/Berlin", "30 2 * * 0", "2026-03-23 00:00", []string{"03-29 03:00 +0200", "04-05 02:30 +0200"}},
		"put forward, not its day":   {"Europe/Berlin", "30 2 * * 1", "2026-03-24 00:00", []string{"03-30 02:30 +0200", "04-06 02:30 +0200"}},
		"put forward, two skipped":   {"Europe/Berlin", "15,45 2 * * *", "2026-03-28 12:00", []string{"03-29 03:00 +0200", "03-30 02:15 +0200"}},
		"put forward, hourly":        {"Europe/Berlin", "30 * * * *", "2026-03-29 01:00", []string{"03-29 01:30 +0100", "03-29 03:30 +0200", "03-29 04:30 +0200"}},
		"put back, once":             {"Europe/Berlin", "30 2 * * *", "2026-10-24 00:00", []string{"10-24 02:30 +0200", "10-25 02:30 +0200", "10-26 02:30 +0100"}},
		"put back, its first minute": {"Europe/Berlin", "0 2 * * *", "2026-10-24 12:00", []string{"10-25 02:00 +0200", "10-26 02:00 +0100"}},
		"put back, not before it":    {"Europe/Berlin", "0 3 * * *", "2026-10-24 12:00", []string{"10-25 03:00 +0100", "10-26 03:00 +0100"}},
		"put back, hourly":           {"Europe/Berlin", "0 * * * *", "2026-10-25 00:00", []string{"10-25 01:00 +0200", "10-25 02:00 +0200", "10-25 03:00 +0100"}},
		"put back, every so often":   {"Europe/Berlin", "@every 30m", "2026-10-25 01:40", []string{"10-25 02:10 +0200", "10-25 02:40 +0200", "10-25 02:10 +0100", "10-25 02:40 +0100"}},
		"put forward, so often":      {"Europe/Berlin", "@every 30m", "2026-03-29 01:40", []string{"03-29 03:10 +0200", "03-29 03:40 +0200"}},
		"west of Greenwich":          {"America/New_York", "30 1 * * *", "2026-10-31 12:00", []string{"11-01 01:30 -0400", "11-02 01:30 -0500"}},
		"west of Greenwich, forward": {"America/New_York", "30 2 * * *", "2026-03-07 12:00", []string{"03-08 03:00 -0400", "03-09 02:30 -0400"}},
		"by half an hour, back":      {"Australia/Lord_Howe", "45 1 * * *", "2026-04-04 12:00", []string{"04-05 01:45 +1100", "04-06 01:45 +1030"}},
		"by half an hour, forward":   {"Australia/Lord_Howe", "15 2 * * *", "2026-10-03 12:00", []string{"10-04 02:30 +1100", "10-05 02:15 +1100"}},
		"no midnight":                {"Africa/Cairo", "0 0 * * *", "2026-04-23 12:00", []string{"04-24 01:00 +0300", "04-25 00:00 +0300"}},
		"midnight twice, that is 23": {"Africa/Cairo", "30 23 * * *", "2026-10-29 12:00", []string{"10-29 23:30 +0300", "10-30 23:30 +0200"}},
		"a day that was left out":    {"Pacific/Apia", "0 9 * * *", "2011-12-29 00:00", []string{"12-29 09:00 -1000", "12-31 09:00 +1400", "01-01 09:00 +1400"}},
		"a day in February":          {"UTC", "0 0 29 2 *", "2026-01-01 00:00", []string{"02-29 00:00 +0000"}},
	} {
		t.Run(name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			spec, err := cron.ParseStandard(c.cron)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.ParseInLocation("2006-01-02 15:04", c.from, zone)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range c.want {
				at = Job{When: spec, Late: time.Hour}.next(at)
				got = append(got, at.Format(layout))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s in %s is due\n%v, want\n%v", c.cron, c.zone, got, c.want)
			}
		})
	}
}

// A job that also covers missed times follows cron's rules when clocks change.
func TestNextOfAWatchIsCronsOwn(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := cron.ParseStandard("*/5 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	at, n := time.Date(2026, 10, 25, 0, 0, 0, 0, zone), 0
	for end := at.Add(5 * time.Hour); at.Before(end); n++ {
		at = Job{When: spec}.next(at)
	}
	if n != 60 {
		t.Errorf("%d runs in five hours, want 60", n)
	}
}
