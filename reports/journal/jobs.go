package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrFinished is the error of EnqueueFor when the messages of that run are in the
// outbox already.
var ErrFinished = errors.New("was finished before")

// Run is one run of a scheduled job.
type Run struct {
	Job      string
	Due      time.Time // the time on the schedule
	Started  time.Time
	Finished time.Time // zero: it is running, or the process died during it
	Error    string    // empty: no error
}

// StartRun records the start of a job's run; false: the run of that due time was
// finished before and must not be repeated. A run that was started and not
// finished starts again: the process died during it. The caller holds a Lock, so
// that no other process is running it.
func (j *Journal) StartRun(ctx context.Context, job string, due, at time.Time) (started bool, err error) {
	err = j.change(ctx, "starting a job", func(t *tx) error {
		n, err := t.exec(ctx, `INSERT INTO job_run (job, due, started) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET started = excluded.started WHERE finished = 0`, job, millis(due), millis(at))
		started = n == 1
		return err
	})
	return started && err == nil, err
}

// FinishRun records the end of a run; errText is empty when there was no error.
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

// EnqueueFor puts the messages of a job's run into the outbox and records the end of
// the run, both or neither, so that a crash cannot send them twice. It returns the
// IDs of the deliveries.
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

// Runs lists at most limit runs of a job, newest first.
func (j *Journal) Runs(ctx context.Context, job string, limit int) (runs []Run, err error) {
	scan := func(s scanner) (r Run, err error) {
		err = s.Scan(&r.Job, stamp{&r.Due}, stamp{&r.Started}, stamp{&r.Finished}, &r.Error)
		return r, err
	}
	err = j.view(ctx, "reading a job's runs", func(t *tx) error {
		runs, err = all(ctx, t, scan, `SELECT job, due, started, finished, error FROM job_run
			WHERE job = ? ORDER BY due DESC LIMIT 0 + ?`, job, limit)
		return err
	})
	return runs, err
}
