package journal

import "time"

// millis is the stored form of a moment: unix milliseconds, and 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment reads what millis wrote.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// stamp scans a stored moment.
type stamp struct{ to *time.Time }

// Scan reads an integer column.
func (s stamp) Scan(v any) error {
	ms, _ := v.(int64) // NULL: an aggregate over no rows
	*s.to = moment(ms)
	return nil
}

// when scans a row of one moment.
func when(s scanner) (time.Time, error) {
	var t time.Time
	err := s.Scan(stamp{&t})
	return t, err
}
