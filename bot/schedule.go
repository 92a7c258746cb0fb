package bot

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"domovoy/reports/journal"
)

// Clock is when a job is due: a cron schedule in a zone. Next is the zero
// time when it never is again.
type Clock interface {
	Next(after time.Time) time.Time
}

// Job is something done on a schedule.
type Job struct {
	Name string
	When Clock
	// Late is how much later than due a missed run is still worth doing,
	// once. Zero is for a job whose next run makes up for all before it: it
	// runs at the start too, and leaves no trace in the journal.
	Late time.Duration
	// Run does it. due is when it should have been.
	Run func(ctx context.Context, due time.Time) error
}

// Schedule runs jobs when they are due. A run missed while the program was
// down happens once, late; a job never overlaps itself; one that panics harms
// neither its next run nor another job.
type Schedule struct {
	journal *journal.Journal
	zone    *time.Location
	log     *slog.Logger
}

// NewSchedule makes a schedule whose cron fields are read in zone.
func NewSchedule(j *journal.Journal, zone *time.Location, log *slog.Logger) *Schedule {
	return &Schedule{journal: j, zone: zone, log: log}
}

// Run keeps the schedule until the context ends, and waits for the jobs.
func (s *Schedule) Run(ctx context.Context, jobs []Job) error {
	var all sync.WaitGroup
	for _, j := range jobs {
		all.Go(func() { s.keep(ctx, j) })
	}
	all.Wait()
	return ctx.Err()
}

// keep runs one job again and again. What falls due while a run lasts is
// left out: the run that follows does it.
func (s *Schedule) keep(ctx context.Context, j Job) {
	if j.Late == 0 {
		_ = s.run(ctx, j, time.Now()) // logged
	} else if due, ok := s.missed(ctx, j); ok {
		s.once(ctx, j, due)
	}
	for {
		due := j.next(time.Now().In(s.zone))
		if due.IsZero() {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
			s.once(ctx, j, due)
		}
	}
}

// missed finds the last due moment that passed without a finished run. A job
// that never ran missed nothing.
func (s *Schedule) missed(ctx context.Context, j Job) (time.Time, bool) {
	runs, err := s.journal.Runs(ctx, j.Name, 1)
	if err != nil {
		s.log.ErrorContext(ctx, "schedule not readable", "job", j.Name, "error", err)
	}
	if len(runs) == 0 {
		return time.Time{}, false
	}
	now := time.Now()
	oldest := now.Add(-j.Late) // earlier ones are not worth doing any more
	var due time.Time
	if last := runs[0]; last.Finished.IsZero() && !last.Due.Before(oldest) {
		due = last.Due // the process died over it
	}
	after := runs[0].Due
	if after.Before(oldest) {
		after = oldest
	}
	for t := j.next(after.In(s.zone)); !t.IsZero() && !t.After(now); t = j.next(t) {
		due = t
	}
	return due, !due.IsZero()
}

// next is when the job is due after t. Clocks that are put back show an hour
// twice, and cron means both; one run is enough for a job that is missed when
// it does not run.
func (j Job) next(t time.Time) time.Time {
	due := j.When.Next(t)
	for j.Late > 0 && !due.IsZero() && shownTwice(due) {
		due = j.When.Next(due)
	}
	return due
}

// shownTwice reports whether the clocks of t's zone showed t before. They are put
// back at night by an hour or less.
func shownTwice(t time.Time) bool {
	_, was := t.Add(-3 * time.Hour).Zone()
	_, is := t.Zone()
	_, first := t.Add(time.Duration(is-was) * time.Second).Zone()
	return was > is && first == was
}

// once does one run and notes it. The journal knows each finished run once,
// so that a clock set back repeats nothing.
func (s *Schedule) once(ctx context.Context, j Job, due time.Time) {
	if j.Late == 0 {
		_ = s.run(ctx, j, due) // logged; the next run makes up for it
		return
	}
	started, err := s.journal.StartRun(ctx, j.Name, due, time.Now())
	if err != nil || !started {
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "job not started", "job", j.Name, "error", err)
		}
		return
	}
	err = s.run(ctx, j, due)
	if ctx.Err() != nil && err != nil {
		return // shutting down: unfinished, so the next start does it
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.journal.FinishRun(note, j.Name, due, time.Now(), text); err != nil {
		s.log.ErrorContext(ctx, "job not noted", "job", j.Name, "error", err)
	}
}

// run does a job; a failure is logged.
func (s *Schedule) run(ctx context.Context, j Job, due time.Time) error {
	err := guarded(ctx, j, due)
	if err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "job failed", "job", j.Name, "error", err)
	}
	return err
}

// guarded turns a panic into an error.
func guarded(ctx context.Context, j Job, due time.Time) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the job panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return j.Run(ctx, due)
}
