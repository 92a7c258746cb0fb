package journal

import (
	"context"
	"errors"
	"strings"
	"time"

	"domovoy/reports"
)

// How long rows are kept. The audit is never pruned, and neither are incidents that
// are not resolved.
const (
	keepAttempts   = 400 * 24 * time.Hour
	keepIncidents  = 2 * 365 * 24 * time.Hour
	keepDeliveries = 90 * 24 * time.Hour
	keepAnswers    = keepActions // whose buttons do nothing any more
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

// pruneBatch is the number of rows that one transaction deletes at most of a table that
// may have many, so that other writers do not wait long.
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

// done is what may be deleted of deliveries: none of them waits, nor does an edit of
// them, which would become a message of its own.
const done = `state <> 'pending' AND NOT EXISTS (SELECT 1 FROM delivery edit WHERE edit.edits = d.id AND edit.state = 'pending')`

// pruneRows deletes from all tables but those of attempts and counts. A delivery stays
// while its problem is open, because it may have to be edited, with what stands in its
// thread.
func (j *Journal) pruneRows(ctx context.Context, now time.Time) error {
	rules := []struct {
		query string // ?1 is the time, and ?2 how many rows it deletes at most; without it there are not many
		keep  time.Duration
	}{
		{`DELETE FROM incident WHERE id IN (SELECT id FROM incident WHERE resolved > 0 AND resolved < ?1 LIMIT 0 + ?2)`, keepIncidents},
		{`DELETE FROM problem WHERE resolved > 0 AND resolved < ? AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.problem = problem.id)
			AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.problem = problem.id)`, keepIncidents},
		{`DELETE FROM silence WHERE until < ?`, keepIncidents},
		{`DELETE FROM greeting WHERE delivery IN (SELECT id FROM delivery WHERE created < ? AND state = 'dropped')`, keepDeliveries},
		{`DELETE FROM canary WHERE id < ?`, keepDeliveries}, // before the messages, without which it would look like one that arrived
		{`DELETE FROM delivery WHERE id IN (SELECT id FROM delivery d WHERE created < ?1 AND ` + done + `
			AND ifnull(ifnull(problem, (SELECT problem FROM delivery main WHERE main.id = d.under)), 0) NOT IN (SELECT id FROM problem WHERE resolved = 0) LIMIT 0 + ?2)`, keepDeliveries},
		{`DELETE FROM delivery WHERE id IN (SELECT id FROM delivery d WHERE created < ?1 AND kind = '` + AnswerKind + `' AND problem IS NULL AND under IS NULL AND ` + done + `
			AND NOT EXISTS (SELECT 1 FROM task WHERE task.delivery = d.id) LIMIT 0 + ?2)`, keepAnswers},
		{`DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE handled > 0 AND handled < ?1 LIMIT 0 + ?2)`, keepUpdates},
		{`DELETE FROM action WHERE id IN (SELECT id FROM action WHERE created < ?1 LIMIT 0 + ?2)`, keepActions},
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
	for _, r := range rules {
		args := []any{millis(now.Add(-r.keep))}
		many := strings.Contains(r.query, "?2")
		if many {
			args = append(args, pruneBatch)
		}
		for more := true; more; {
			err := j.copy(ctx, "pruning", func(t *tx) error {
				deleted, err := t.exec(ctx, r.query, args...)
				more = many && deleted == pruneBatch
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return j.copy(ctx, "pruning", func(t *tx) error { return t.pruneFiles(ctx) })
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
