package digest_test

import (
	"testing"
	"time"

	"domovoy/reports"
)

// A snapshot's time is midnight if it was taken on time, else the time at which
// it was taken; a panel that cannot be read is stored as such, and there is one
// snapshot for each midnight.
func TestSnapshotsAreOfTheirMoment(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, c := range []struct {
		name   string
		due    []time.Time
		away   bool
		taken  int
		asDue  bool
		unread bool
	}{
		{name: "on time", due: []time.Time{now.Add(-10 * time.Minute)}, taken: 1, asDue: true},
		{name: "late", due: []time.Time{now.Add(-5 * time.Hour)}, taken: 1},
		{name: "twice", due: []time.Time{now.Add(-10 * time.Minute), now.Add(-10 * time.Minute)}, taken: 1, asDue: true},
		{name: "panel away", due: []time.Time{now.Add(-10 * time.Minute)}, away: true, taken: 1, asDue: true, unread: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWatched(t)
			w.Must(w.Engine.Alerts.Observe(t.Context(), now.Add(-time.Hour)))
			if c.away {
				w.Away()
				defer w.Back()
				w.Must(w.Engine.Alerts.Observe(t.Context(), now))
			}
			for _, due := range c.due {
				w.Must(w.Engine.Reports.Snapshot(t.Context(), due))
			}
			h, err := w.Journal.History(t.Context(), now.AddDate(0, 0, -1), now.AddDate(0, 0, 1))
			w.Must(err)
			if len(h.Tallies) != c.taken {
				t.Fatalf("%d snapshots, want %d", len(h.Tallies), c.taken)
			}
			got := h.Tallies[0]
			if asDue := got.At.Equal(c.due[0]); asDue != c.asDue || !asDue && got.At.Before(now) {
				t.Errorf("of %v, due %v", got.At, c.due[0])
			}
			if got.Unread != c.unread || got.Rules == "" || got.Server != "isp1" {
				t.Errorf("it is %+v", got)
			}
			if week := reports.WeekOf(now, time.UTC); got.Unread && !reports.FoldWeek(h, week, nil).Data.IsZero() {
				t.Error("a panel that was not read gave numbers")
			}
		})
	}
}
