package jobs_test

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"github.com/robfig/cron/v3"

	"domovoy/bot/engine/enginetest"
	"domovoy/bot/jobs"
	"domovoy/reports/journal"
)

func at(t *testing.T, spec string) jobs.Clock {
	t.Helper()
	s, err := cron.ParseStandard(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keep runs a schedule for some time of the bubble, whose clock advances only
// while all goroutines wait.
func keep(t *testing.T, j *journal.Journal, zone string, while time.Duration, list ...jobs.Job) {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- jobs.New(j, z, slog.New(slog.DiscardHandler)).Run(ctx, list) }()
	time.Sleep(while)
	cancel()
	<-ended
}

// runs records when a job ran.
type runs struct{ due []string }

func (r *runs) note(_ context.Context, due time.Time) error {
	r.due = append(r.due, due.UTC().Format("01-02 15:04"))
	return nil
}

func (r *runs) want(t *testing.T, due ...string) {
	t.Helper()
	if !slices.Equal(r.due, due) {
		t.Errorf("ran for %v, want %v", r.due, due)
	}
}

// The bubbles begin on 1 January 2000, midnight in UTC.

func TestScheduleRunsWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		var daily, often runs
		keep(t, j, "Europe/Moscow", 49*time.Hour,
			jobs.Job{Name: "daily", When: at(t, "0 9 * * *"), Late: 6 * time.Hour, Run: daily.note},
			jobs.Job{Name: "often", When: at(t, "@every 24h"), Run: often.note})
		daily.want(t, "01-01 06:00", "01-02 06:00")
		often.want(t, "01-01 00:00", "01-02 00:00", "01-03 00:00") // at the start as well
	})
}

func TestAMissedRunHappensOnceLate(t *testing.T) {
	for name, c := range map[string]struct {
		down time.Duration // after 00:30
		want []string
	}{
		"short":                {10 * time.Minute, nil},
		"one missed":           {2*time.Hour + 10*time.Minute, []string{"01-01 02:00"}},
		"only the last of two": {4*time.Hour + 10*time.Minute, []string{"01-01 04:00"}},
		"too late":             {2*time.Hour + 40*time.Minute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := enginetest.Journal(t)
				var first, second runs
				job := jobs.Job{Name: "daily", When: at(t, "0 */2 * * *"), Late: time.Hour, Run: first.note}
				// It runs at 00:00 of the first day and takes no time.
				time.Sleep(23 * time.Hour)
				keep(t, j, "UTC", 90*time.Minute, job)
				first.want(t, "01-02 00:00")
				time.Sleep(c.down)
				job.Run = second.note
				keep(t, j, "UTC", time.Minute, job)
				var want []string
				for _, w := range c.want {
					want = append(want, "01-02"+w[5:])
				}
				second.want(t, want...)
				keep(t, j, "UTC", time.Minute, job)
				second.want(t, want...)
			})
		})
	}
}

func TestARunTheProcessDiedOverIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		var r runs
		time.Sleep(9 * time.Hour)
		if _, err := j.StartRun(t.Context(), "daily", time.Now(), time.Now()); err != nil { // without FinishRun
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		job := jobs.Job{Name: "daily", When: at(t, "0 9 * * *"), Late: 6 * time.Hour, Run: r.note}
		keep(t, j, "UTC", time.Hour, job)
		keep(t, j, "UTC", time.Hour, job)
		r.want(t, "01-01 09:00")
	})
}

func TestAJobNeverOverlapsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		var slow, quick runs
		var busy atomic.Int32
		keep(t, j, "UTC", 61*time.Minute,
			jobs.Job{Name: "slow", When: at(t, "*/10 * * * *"), Late: time.Hour, Run: func(ctx context.Context, due time.Time) error {
				if busy.Add(1) > 1 {
					t.Error("it overlaps itself")
				}
				time.Sleep(25 * time.Minute)
				busy.Add(-1)
				return slow.note(ctx, due)
			}},
			jobs.Job{Name: "quick", When: at(t, "*/20 * * * *"), Late: time.Hour, Run: quick.note})
		slow.want(t, "01-01 00:10", "01-01 00:40") // 00:20 and 00:30 became due meanwhile
		quick.want(t, "01-01 00:20", "01-01 00:40", "01-01 01:00")
	})
}

func TestAPanicHarmsNeitherTheNextRunNorOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		var mad, sane runs
		keep(t, j, "UTC", 35*time.Minute,
			jobs.Job{Name: "mad", When: at(t, "*/10 * * * *"), Late: time.Hour, Run: func(ctx context.Context, due time.Time) error {
				_ = mad.note(ctx, due)
				panic("a bad day")
			}},
			jobs.Job{Name: "sane", When: at(t, "*/10 * * * *"), Late: time.Hour, Run: sane.note})
		mad.want(t, "01-01 00:10", "01-01 00:20", "01-01 00:30")
		sane.want(t, mad.due...)
		done, err := j.Runs(t.Context(), "mad", 1)
		if err != nil || len(done) != 1 || done[0].Error == "" || done[0].Finished.IsZero() {
			t.Errorf("the journal has %+v, %v", done, err)
		}
	})
}

// When clocks are put forward, 02:30 does not exist in Berlin on 26 March 2000,
// and on 29 October it occurs twice: each day has one digest nevertheless.
func TestClocksAreChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := enginetest.Journal(t)
		var r runs
		job := jobs.Job{Name: "daily", When: at(t, "30 2 * * *"), Late: 6 * time.Hour, Run: r.note}
		time.Sleep(time.Until(time.Date(2000, 3, 25, 0, 0, 0, 0, time.UTC)))
		keep(t, j, "Europe/Berlin", 72*time.Hour, job)
		r.want(t, "03-25 01:30", "03-26 01:00", "03-27 00:30")
		r.due = nil
		time.Sleep(time.Until(time.Date(2000, 10, 28, 12, 0, 0, 0, time.UTC)))
		keep(t, j, "Europe/Berlin", 48*time.Hour, job)
		r.want(t, "10-29 00:30", "10-30 01:30")
	})
}
