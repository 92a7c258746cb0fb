package reports

import "time"

// DayPoint is one day of the daily chart: a snapshot, and what changed since
// the one of the day before.
type DayPoint struct {
	At                 time.Time
	Open, Added, Fixed int
	Known              bool // there is a snapshot of that day
}
