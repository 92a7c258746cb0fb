package canary

import "time"

// Daily is when test alarms are due: each day at the time of the next digest, also on
// days without one.
type Daily struct {
	Digest interface {
		Next(after time.Time) time.Time
	}
}

// Next is the first due time after a moment.
func (d Daily) Next(after time.Time) time.Time {
	due := d.Digest.Next(after)
	if due.IsZero() { // there never is a digest
		return after.AddDate(0, 0, 1)
	}
	for {
		before := due.AddDate(0, 0, -1)
		if !before.After(after) {
			return due
		}
		due = before
	}
}
