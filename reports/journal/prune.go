package journal

import (
	"context"
	"errors"
	"time"

	"domovoy/reports"
)

// How long things are kept that are of no use later. The audit is never
// pruned, nor is an incident that is not over.
const (
	keepAttempts   = 400 * 24 * time.Hour
	keepIncidents  = 2 * 365 * 24 * time.Hour
	keepDeliveries = 90 * 24 * time.Hour
	keepUpdates    = 7 * 24 * time.Hour
	keepActions    = 30 * 24 * time.Hour
	keepRuns       = 90 * 24 * time.Hour
	keepRenewals   = 400 * 24 * time.Hour
	keepHistory    = 2*366*24*time.Hour + reports.Reach // two years of weekly reports, and what the first of them looks back on
	keepPlans      = 7 * 24 * time.Hour                 // to tell one that was used from one that never was
	keepTasks      = 90 * 24 * time.Hour
)

// pruneBatch bounds how many attempts one transaction deletes, so that nobody
// waits long for the file.
const pruneBatch = 5000

// Prune forgets what is too old to be of use.
func (j *Journal) Prune(ctx context.Context, now time.Time) error {
	return errors.Join(
		j.PruneAttempts(ctx, now.Add(-keepAttempts)),
		j.PruneMetrics(ctx, now),
		j.pruneRows(ctx, now),
	)
}

// pruneRows deletes from the small tables. A delivery stays while its
// incident is open, for it may have to be edited, and while an edit of it
// waits, which would become a message of its own.
func (j *Journal) pruneRows(ctx context.Context, now time.Time) error {
	rules := []struct {
		query string
		keep  time.Duration
	}{
		{`DELETE FROM incident WHERE resolved > 0 AND resolved < ?`, keepIncidents},
		{`DELETE FROM delivery WHERE created < ? AND state <> 'pending'
			AND (incident IS NULL OR incident NOT IN (SELECT id FROM incident WHERE resolved = 0))
			AND id NOT IN (SELECT edits FROM delivery WHERE edits IS NOT NULL AND state = 'pending')`, keepDeliveries},
		{`DELETE FROM inbox WHERE handled > 0 AND handled < ?`, keepUpdates},
		{`DELETE FROM action WHERE created < ?`, keepActions},
		{`DELETE FROM job_run WHERE due < ? AND due < (SELECT max(due) FROM job_run newer WHERE newer.job = job_run.job)`, keepRuns},
		{`DELETE FROM renewal WHERE not_before < ?`, keepRenewals},
		{`DELETE FROM spell WHERE until > 0 AND until < ?`, keepHistory},
		{`DELETE FROM tally WHERE at < ?`, keepHistory},
		{`DELETE FROM plan WHERE expires < ?`, keepPlans},
		{`DELETE FROM task WHERE finished > 0 AND finished < ?`, keepTasks},
	}
	return j.change(ctx, "pruning", func(t *tx) error {
		for _, r := range rules {
			if _, err := t.exec(ctx, r.query, millis(now.Add(-r.keep))); err != nil {
				return err
			}
		}
		return nil
	})
}

// PruneAttempts forgets attempts older than before, but keeps the latest of
// each certificate and, so that no log is read from its beginning again, the
// highest row of each server.
func (j *Journal) PruneAttempts(ctx context.Context, before time.Time) error {
	for {
		var n int
		err := j.change(ctx, "pruning attempts", func(t *tx) (err error) {
			n, err = t.pruneAttempts(ctx, before)
			return err
		})
		if err != nil || n < pruneBatch {
			return err
		}
	}
}

// pruneAttempts takes rows without a time along once all rows that follow
// them are old too; they have no better age.
func (t *tx) pruneAttempts(ctx context.Context, before time.Time) (int, error) {
	servers, err := all(ctx, t, single[string], `SELECT DISTINCT server FROM certificate`)
	if err != nil {
		return 0, err
	}
	most := 0
	for _, server := range servers {
		n, err := t.exec(ctx, `DELETE FROM attempt WHERE id IN (SELECT a.id FROM attempt a JOIN certificate c ON c.id = a.certificate
			WHERE a.server = ?1 AND a.time < ?2
			AND (a.time > 0 OR a.row < (SELECT min(row) FROM attempt WHERE server = ?1 AND time >= ?2))
			AND a.row <> c.last_row AND a.row <> (SELECT max(row) FROM attempt WHERE server = ?1) LIMIT ?3)`,
			server, millis(before), pruneBatch)
		if err != nil {
			return 0, err
		}
		most = max(most, n)
	}
	return most, nil
}
