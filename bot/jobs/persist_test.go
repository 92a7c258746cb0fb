package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot/engine/enginetest"
	"domovoy/bot/jobs"
)

// A late digest waits for the first reading, however long it takes and whatever
// its result; so does one that becomes due meanwhile.
func TestWhatIsLateWaitsForTheFirstReading(t *testing.T) {
	for name, c := range map[string]struct {
		last  string // the digest's previous run; empty: none
		reads func() error
		want  []string
	}{
		"missed":            {"1999-12-31 06:00", func() error { return nil }, []string{"01-01 06:00 at 06:30"}},
		"the reading fails": {"1999-12-31 06:00", func() error { return errors.New("locked") }, []string{"01-01 06:00 at 06:30"}},
		"it panics":         {"1999-12-31 06:00", func() error { panic("a bad day") }, []string{"01-01 06:00 at 06:30"}},
		"due meanwhile":     {"", func() error { return nil }, []string{"01-01 06:00 at 06:30"}},
		"done before":       {"2000-01-01 06:00", func() error { return nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := enginetest.Journal(t)
				if c.last != "" {
					due, err := time.Parse("2006-01-02 15:04", c.last)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := j.EnqueueFor(t.Context(), "daily", due, nil); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(5*time.Hour + 50*time.Minute)
				var got []string
				keep(t, j, "UTC", 2*time.Hour,
					jobs.Job{Name: "daily", When: at(t, "0 6 * * *"), Late: 6 * time.Hour, Run: func(_ context.Context, due time.Time) error {
						got = append(got, due.Format("01-02 15:04")+" at "+time.Now().UTC().Format("15:04"))
						return nil
					}},
					jobs.Job{Name: "panel", When: at(t, "@every 3h"), Run: func(context.Context, time.Time) error {
						time.Sleep(40 * time.Minute)
						return c.reads()
					}})
				(&runs{got}).want(t, c.want...)
			})
		})
	}
}

// A run that fails is tried again a few times while it is useful, and before
// the next is due.
func TestAFailedRunIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		cron  string
		late  time.Duration
		fails int
		want  []string // when it was tried
		noted string   // the error in the journal
	}{
		"until it works": {"0 6 * * *", 6 * time.Hour, 2, []string{"06:00", "06:01", "06:06"}, ""},
		"a few times":    {"0 6 * * *", 6 * time.Hour, 99, []string{"06:00", "06:01", "06:06", "06:26", "07:26"}, "no disk"},
		"while worth it": {"0 6 * * *", 20 * time.Minute, 99, []string{"06:00", "06:01", "06:06"}, "no disk"},
		"until the next": {"*/4 6 * * *", 6 * time.Hour, 2, []string{"06:00", "06:01", "06:04"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := enginetest.Journal(t)
				var tried []string
				ctx, cancel := context.WithCancel(t.Context())
				job := jobs.Job{Name: "daily", When: at(t, c.cron), Late: c.late, Run: func(context.Context, time.Time) error {
					if tried = append(tried, time.Now().UTC().Format("15:04")); len(tried) <= c.fails {
						return errors.New("no disk")
					}
					cancel() // enough
					return nil
				}}
				ended := make(chan error)
				go func() { ended <- jobs.New(j, time.UTC, slog.New(slog.DiscardHandler)).Run(ctx, []jobs.Job{job}) }()
				time.Sleep(20 * time.Hour)
				cancel()
				<-ended
				(&runs{tried}).want(t, c.want...)
				last, err := j.Runs(t.Context(), "daily", 1)
				if err != nil || len(last) != 1 || last[0].Error != c.noted || last[0].Finished.IsZero() {
					t.Errorf("the journal has %+v, %v", last, err)
				}
			})
		})
	}
}

// A run that is interrupted by a shutdown between two attempts is left to the
// next start.
func TestAFailedRunOutlivesTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		var r runs
		job := jobs.Job{Name: "daily", When: at(t, "0 6 * * *"), Late: 6 * time.Hour, Run: func(context.Context, time.Time) error {
			return errors.New("no disk")
		}}
		keep(t, j, "UTC", 6*time.Hour+3*time.Minute, job)
		job.Run = r.note
		keep(t, j, "UTC", time.Hour, job)
		keep(t, j, "UTC", time.Hour, job)
		r.want(t, "01-01 06:00")
	})
}
