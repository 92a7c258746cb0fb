package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrFinished is what EnqueueFor says of a run whose messages are in the
// outbox already.
var ErrFinished = errors.New("was finished before")

// Run is one run of a job of the schedule.
type Run struct {
	Job      string
	Due      time.Time
	Started  time.Time
	Finished time.Time // zero: under way, or the process died
	Error    string    // empty: it went well
}

// LastRun is the newest due moment that was started; false: the job never ran.
func (j *Journal) LastRun(ctx context.Context, job string) (due time.Time, ok bool, err error) {
	runs, err := j.Runs(ctx, job, 1)
	if err != nil || len(runs) == 0 {
		return time.Time{}, false, err
	}
	return runs[0].Due, true, nil
}

// StartRun notes the start of a job's run; false: the run of that due moment
// was finished before, and is not to be started again. One that was started
// and not finished is started anew: the process died over it. That no other
// process is at it now is for Lock to guarantee.
func (j *Journal) StartRun(ctx context.Context, job string, due, at time.Time) (started bool, err error) {
	err = j.change(ctx, "starting a job", func(t *tx) error {
		n, err := t.exec(ctx, `INSERT INTO job_run (job, due, started) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET started = excluded.started WHERE finished = 0`, job, millis(due), millis(at))
		started = n == 1
		return err
	})
	return started && err == nil, err
}

// FinishRun notes the end of a run; errText is empty when it went well.
func (j *Journal) FinishRun(ctx context.Context, job string, due, at time.Time, errText string) error {
	return j.change(ctx, "finishing a job", func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE job_run SET finished = ?, error = ? WHERE job = ? AND due = ?`,
			millis(at), errText, job, millis(due))
		if err == nil && n == 0 {
			err = fmt.Errorf("%s was not started for %s", job, due.Format(time.RFC3339))
		}
		return err
	})
}

// EnqueueFor puts what a job's run has to tell into the outbox and notes the
// run's end: both or neither, so that no crash between has it told twice.
func (j *Journal) EnqueueFor(ctx context.Context, job string, due time.Time, deliveries []Delivery) (ids []int64, err error) {
	err = j.change(ctx, "enqueueing for "+job, func(t *tx) error {
		now := time.Now()
		n, err := t.exec(ctx, `INSERT INTO job_run (job, due, started, finished) VALUES (?1, ?2, ?3, ?3)
			ON CONFLICT DO UPDATE SET finished = excluded.finished, error = '' WHERE finished = 0`, job, millis(due), millis(now))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("the run of %s %w", due.Format(time.RFC3339), ErrFinished)
		}
		ids, err = t.enqueue(ctx, now, deliveries)
		return err
	})
	return ids, err
}

// Runs lists the newest runs of a job, newest first.
func (j *Journal) Runs(ctx context.Context, job string, limit int) (runs []Run, err error) {
	scan := func(s scanner) (r Run, err error) {
		err = s.Scan(&r.Job, stamp{&r.Due}, stamp{&r.Started}, stamp{&r.Finished}, &r.Error)
		return r, err
	}
	err = j.look(ctx, "reading a job's runs", func(t *tx) error {
		runs, err = all(ctx, t, scan, `SELECT job, due, started, finished, error FROM job_run
			WHERE job = ? ORDER BY due DESC LIMIT ?`, job, limit)
		return err
	})
	return runs, err
}
