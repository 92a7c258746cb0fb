// Package jobs runs jobs on a schedule: each run once, late if it was missed.
package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"domovoy/bot/internal/work"
	"domovoy/checks/guard"
	"domovoy/checks/pace"
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
	// runs at the start too, before any job that is not, and leaves no trace
	// in the journal.
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

// New makes a schedule whose cron fields are read in zone.
func New(j *journal.Journal, zone *time.Location, log *slog.Logger) *Schedule {
	return &Schedule{journal: j, zone: zone, log: log}
}

// Run keeps the schedule until the context ends, and waits for the jobs.
func (s *Schedule) Run(ctx context.Context, jobs []Job) error {
	begun := time.Now()
	var all, first sync.WaitGroup
	for _, j := range jobs {
		if j.Late == 0 {
			first.Add(1)
			all.Go(func() {
				_ = s.run(ctx, j, begun) // logged
				first.Done()
				s.keep(ctx, j)
			})
		}
	}
	for _, j := range jobs {
		if j.Late != 0 {
			all.Go(func() {
				first.Wait() // a digest of panels that were not read would say nothing
				if due, ok := s.missed(ctx, j, begun); ok && ctx.Err() == nil {
					s.once(ctx, j, due)
				}
				s.keep(ctx, j)
			})
		}
	}
	all.Wait()
	return ctx.Err()
}

// keep runs one job again and again. What falls due while a run lasts is
// left out: the run that follows does it.
func (s *Schedule) keep(ctx context.Context, j Job) {
	for {
		due := j.next(time.Now().In(s.zone))
		if due.IsZero() {
			return
		}
		if pace.Until(ctx, due) != nil {
			return
		}
		s.once(ctx, j, due)
	}
}

// missed finds the last due moment that passed without a finished run. A job
// that never ran missed nothing before the schedule began.
func (s *Schedule) missed(ctx context.Context, j Job, begun time.Time) (due time.Time, ok bool) {
	runs, err := s.journal.Runs(ctx, j.Name, 1)
	if err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "cannot read the schedule", "job", j.Name, "error", err)
	}
	now := time.Now()
	oldest := now.Add(-j.Late) // earlier ones are not worth doing any more
	after := begun
	if len(runs) > 0 {
		after = runs[0].Due
		if runs[0].Finished.IsZero() && !after.Before(oldest) {
			due = after // the process died over it
		}
	}
	if after.Before(oldest) {
		after = oldest
	}
	for t := j.next(after.In(s.zone)); !t.IsZero() && !t.After(now); t = j.next(t) {
		due = t
	}
	return due, !due.IsZero()
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
			s.log.ErrorContext(ctx, "cannot start the job", "job", j.Name, "error", err)
		}
		return
	}
	text := ""
	if err := s.persist(ctx, j, due); err != nil {
		text = err.Error()
		if ctx.Err() != nil {
			return // shutting down: unfinished, so the next start does it
		}
	}
	err = work.Store(ctx, func(ctx context.Context) error { return s.journal.FinishRun(ctx, j.Name, due, time.Now(), text) })
	if err != nil {
		s.log.ErrorContext(ctx, "cannot record the job run", "job", j.Name, "error", err)
	}
}

// persist does a run, and does it again where it failed: a few times, ever
// later, while it is worth doing and before the next is due. A panic would
// come again.
func (s *Schedule) persist(ctx context.Context, j Job, due time.Time) error {
	last := due.Add(j.Late)
	if next := j.next(due.In(s.zone)); !next.IsZero() && next.Before(last) {
		last = next
	}
	for _, wait := range []time.Duration{time.Minute, 5 * time.Minute, 20 * time.Minute, time.Hour} {
		err := s.run(ctx, j, due)
		_, bug := errors.AsType[*guard.Panic](err)
		if err == nil || bug || ctx.Err() != nil || !time.Now().Add(wait).Before(last) {
			return err
		}
		if pace.Sleep(ctx, wait) != nil {
			return err
		}
	}
	return s.run(ctx, j, due)
}

// run does a job; a failure is logged.
func (s *Schedule) run(ctx context.Context, j Job, due time.Time) error {
	err := guard.Run(func() error { return j.Run(ctx, due) })
	if p, ok := errors.AsType[*guard.Panic](err); ok {
		s.log.ErrorContext(ctx, "job panicked", "job", j.Name, "panic", p.Value, "stack", p.Trace())
	} else if err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "job failed", "job", j.Name, "error", err)
	}
	return err
}
