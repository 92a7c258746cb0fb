package journal

import (
	"context"
	"database/sql"

	"domovoy/checks"
)

// repacking is the number of the migration that stores attempts in another form.
const repacking = 16

// repackBatch is how many attempts are moved at a time.
const repackBatch = 1000

// tellAttempts tells progress that repack is to begin.
func (j *Journal) tellAttempts(ctx context.Context) error {
	var all int
	if err := j.write.db.QueryRowContext(ctx, `SELECT count(*) FROM attempt`).Scan(&all); err != nil {
		return err
	}
	j.progress(0, all)
	return nil
}

// repack moves attempts from the table of before that migration, in which each had
// its server's name and its whole text, into the new one.
func (t *tx) repack(ctx context.Context, progress Progress) error {
	t = &tx{Tx: t.Tx, stmts: map[string]*sql.Stmt{}} // the old table's statements are of no use later
	total, _, err := one(ctx, t, single[int], `SELECT count(*) FROM old_attempt`)
	if err != nil {
		return err
	}
	servers, err := all(ctx, t, single[string], `SELECT DISTINCT server FROM certificate ORDER BY server`)
	if err != nil {
		return err
	}
	done := 0
	for _, server := range servers {
		err := t.repackServer(ctx, server, func(rows int) {
			done += rows
			progress(done, total)
		})
		if err != nil {
			return err
		}
	}
	// The latest attempt was known by its row.
	_, err = t.ExecContext(ctx, `UPDATE certificate SET last = last | ((SELECT s.id FROM server s WHERE s.name = certificate.server) << 44) WHERE last >= 0;
		DROP TABLE old_attempt`)
	return err
}

func (t *tx) repackServer(ctx context.Context, server string, moved func(rows int)) error {
	b, err := t.openBook(ctx, server)
	if err != nil {
		return err
	}
	scan := func(s scanner) (a checks.Attempt, err error) {
		return a, s.Scan(&a.Row, &a.Certificate, &a.Outcome, &a.Status, stamp{&a.Time}, &a.Text)
	}
	for next := int64(0); ; {
		batch, err := all(ctx, t, scan, `SELECT a.row, c.name, a.outcome, a.status, a.time, a.text
			FROM old_attempt a CROSS JOIN certificate c ON c.id = a.certificate
			WHERE a.server = ? AND a.row >= ? ORDER BY a.row LIMIT 0 + ?`, server, next, repackBatch)
		if err != nil || len(batch) == 0 {
			return err
		}
		rows, err := b.encode(ctx, t, batch)
		if err != nil {
			return err
		}
		if err := t.insertAttempts(ctx, rows, false); err != nil {
			return err
		}
		next = batch[len(batch)-1].Row + 1
		moved(len(batch))
	}
}
