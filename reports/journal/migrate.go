package journal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// migrations are numbered from 0001 without a gap; the file's user_version is
// the number of the last one it has seen.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables to this build's version. A file that holds
// something is copied first: a migration may be wrong, and the copy beside it
// is the way back.
func (j *Journal) migrate(ctx context.Context, steps fs.FS) error {
	files, err := fs.ReadDir(steps, "migrations")
	if err != nil {
		return err
	}
	last := len(files)
	have, err := j.version(ctx)
	if err != nil {
		return err
	}
	if have > 0 && have < last {
		if err := j.snapshot(ctx, have); err != nil {
			return fmt.Errorf("copying it before the migration: %w", err)
		}
	}
	return j.write.within(ctx, false, func(t *tx) error { return j.step(ctx, t, steps, last) })
}

func (j *Journal) version(ctx context.Context) (int, error) {
	var v int
	err := j.write.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v)
	return v, err
}

// step takes the steps that are missing. The version is read again inside
// the transaction: another process may have been faster.
func (j *Journal) step(ctx context.Context, t *tx, steps fs.FS, to int) error {
	var have int
	if err := t.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	if have > to {
		return fmt.Errorf("%s %w: its tables have version %d, and this program knows up to %d", j.path, ErrNewer, have, to)
	}
	for n := have + 1; n <= to; n++ {
		script, err := fs.ReadFile(steps, fmt.Sprintf("migrations/%04d.sql", n))
		if err != nil {
			return err
		}
		script = fmt.Appendf(script, "\nPRAGMA application_id = %d;\n", applicationID)
		if _, err := t.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("migration %04d: %w", n, err)
		}
	}
	// Also without a step to take, so that a file that cannot be written shows
	// at once: SQLite opens it, and even begins a transaction, without a word.
	_, err := t.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", to))
	return err
}

// snapshot copies the file beside itself, under the version it has. An older
// copy of that version is replaced only by a whole one.
func (j *Journal) snapshot(ctx context.Context, version int) error {
	to := fmt.Sprintf("%s.v%04d", j.path, version)
	part := to + ".part"
	// VACUUM INTO wants no file or an empty one; ours has the right mode.
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := j.write.db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return err
	}
	return os.Rename(part, to)
}
