package journal

import (
	"context"
	"errors"
	"time"

	"domovoy/reports"
)

// How long rows are kept. The audit is never pruned, and neither are incidents that
// are not resolved.
const (
	keepAttempts   = 400 * 24 * time.Hour
	keepIncidents  = 2 * 365 * 24 * time.Hour
	keepDeliveries = 90 * 24 * time.Hour
	keepUpdates    = 7 * 24 * time.Hour
	keepActions    = 30 * 24 * time.Hour
	keepRuns       = 90 * 24 * time.Hour
	keepRenewals   = 400 * 24 * time.Hour
	keepHistory    = 2*366*24*time.Hour + reports.Reach // for two years of weekly reports, with the time that the first of them covers
	keepPlans      = 7 * 24 * time.Hour                 // after they expired, to tell a used plan from an unknown one
	keepTasks      = 90 * 24 * time.Hour

	keepQuestions     = 25 * time.Hour       // to registries: the longest of their limits is a day
	keepRegistrations = 100 * 24 * time.Hour // since they were last asked about: the longest period is a month
)

// pruneBatch is the number of attempts that one transaction deletes at most, so that
// other writers do not wait long.
const pruneBatch = 5000

// Prune deletes rows that are not kept any longer at now. It is many transactions.
func (j *Journal) Prune(ctx context.Context, now time.Time) error {
	return errors.Join(
		j.PruneAttempts(ctx, now.Add(-keepAttempts)),
		j.PruneMetrics(ctx, now),
		j.pruneRows(ctx, now),
		dropSnapshots(j.path, func(_ int, made time.Time) bool { return made.Before(now.Add(-keepSnapshot)) }),
	)
}

// pruneRows deletes from the small tables. A delivery stays while its problem is
// open, because it may have to be edited, with what stands in its thread, and while
// an edit of it waits, because that would become a message of its own.
func (j *Journal) pruneRows(ctx context.Context, now time.Time) error {
	rules := []struct {
		query string
		keep  time.Duration
	}{
		{`DELETE FROM incident WHERE resolved > 0 AND resolved < ?`, keepIncidents},
		{`DELETE FROM problem WHERE resolved > 0 AND resolved < ? AND id NOT IN (SELECT problem FROM incident WHERE problem IS NOT NULL)
			AND id NOT IN (SELECT problem FROM delivery WHERE problem IS NOT NULL)`, keepIncidents},
		{`DELETE FROM silence WHERE until < ?`, keepIncidents},
		{`DELETE FROM greeting WHERE delivery IN (SELECT id FROM delivery WHERE created < ? AND state = 'dropped')`, keepDeliveries},
		{`DELETE FROM canary WHERE id < ?`, keepDeliveries}, // before the messages, without which it would look like one that arrived
		{`DELETE FROM delivery WHERE created < ? AND state <> 'pending'
			AND ifnull(ifnull(problem, (SELECT problem FROM delivery main WHERE main.id = delivery.under)), 0) NOT IN (SELECT id FROM problem WHERE resolved = 0)
			AND id NOT IN (SELECT edits FROM delivery WHERE edits IS NOT NULL AND state = 'pending')`, keepDeliveries},
		{`DELETE FROM inbox WHERE handled > 0 AND handled < ?`, keepUpdates},
		{`DELETE FROM action WHERE created < ?`, keepActions},
		{`DELETE FROM job_run WHERE due < ? AND due < (SELECT max(due) FROM job_run newer WHERE newer.job = job_run.job)`, keepRuns},
		{`DELETE FROM renewal WHERE not_before < ?`, keepRenewals},
		{`DELETE FROM spell WHERE until > 0 AND until < ?`, keepHistory},
		{`DELETE FROM tally WHERE at < ?`, keepHistory},
		{`DELETE FROM blind WHERE at < ?`, keepHistory},
		{`DELETE FROM ending WHERE at < ?`, keepHistory},
		{`DELETE FROM plan WHERE expires < ?`, keepPlans},
		{`DELETE FROM share WHERE ended > 0 AND ended < ?`, keepTasks},
		{`DELETE FROM task WHERE finished > 0 AND finished < ?`, keepTasks},
		{`DELETE FROM registry_question WHERE at < ?`, keepQuestions},
		{`DELETE FROM registry_pause WHERE until < ?`, keepQuestions},
		{`DELETE FROM registration WHERE due < ?`, keepRegistrations},
	}
	return j.copy(ctx, "pruning", func(t *tx) error {
		for _, r := range rules {
			if _, err := t.exec(ctx, r.query, millis(now.Add(-r.keep))); err != nil {
				return err
			}
		}
		return t.pruneFiles(ctx)
	})
}

// PruneAttempts deletes attempts older than before, except the latest of each
// certificate and the highest row of each server, without which NextRow would
// start at 0 again; and then the wordings that none of the rest has. It is many
// transactions.
func (j *Journal) PruneAttempts(ctx context.Context, before time.Time) error {
	for {
		var n int
		err := j.copy(ctx, "pruning attempts", func(t *tx) (err error) {
			if n, err = t.pruneAttempts(ctx, before); err == nil && n < pruneBatch {
				err = t.pruneWordings(ctx, before)
			}
			return err
		})
		if err != nil || n < pruneBatch {
			return err
		}
	}
}

// pruneAttempts deletes one batch and returns the largest number of rows that it
// deleted of one server. A row without a time counts as old when all rows with a
// higher number are old.
func (t *tx) pruneAttempts(ctx context.Context, before time.Time) (int, error) {
	servers, err := all(ctx, t, single[int64], `SELECT id FROM server`)
	if err != nil {
		return 0, err
	}
	if _, err := t.exec(ctx, `DELETE FROM successes WHERE since < ?`, millis(before)); err != nil {
		return 0, err
	}
	most := 0
	for _, server := range servers {
		if err := t.settleAttempts(ctx, server); err != nil {
			return 0, err
		}
		n, err := t.exec(ctx, `DELETE FROM attempt WHERE id IN (SELECT a.id FROM attempt a JOIN certificate c ON c.id = a.certificate
			WHERE a.server = ?1 AND a.time < ?2
			AND (a.time > 0 OR a.id < (SELECT min(id) FROM attempt WHERE server = ?1 AND time >= ?2))
			AND a.id <> c.last AND a.id <> (SELECT max(id) FROM attempt WHERE id >= ?1 << ?4 AND id < (?1 + 1) << ?4) LIMIT 0 + ?3)`,
			server, millis(before), pruneBatch, rowBits)
		if err != nil {
			return 0, err
		}
		if n > 0 {
			if err := t.noteChange(ctx, server); err != nil {
				return 0, err
			}
		}
		most = max(most, n)
	}
	return most, nil
}

// pruneWordings deletes those that no attempt uses any more. Of attempts that are
// older than before only a few are left: the last of each certificate.
func (t *tx) pruneWordings(ctx context.Context, before time.Time) error {
	n, err := t.exec(ctx, `DELETE FROM wording WHERE used < ?1
		AND id NOT IN (SELECT a.wording FROM server s CROSS JOIN attempt a ON a.server = s.id AND a.time < ?1)`, millis(before))
	if err == nil && n > 0 {
		_, err = t.exec(ctx, `UPDATE server SET changes = changes + 1`) // who remembers their ids
	}
	return err
}
