package journal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// migrations holds the scripts 0001.sql and following, without a gap. The file's
// user_version is the number of the last script that was run on it.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate runs the migrations that the file lacks, in one transaction: a process that
// dies in the middle leaves the file as it was, and the next begins again. It first
// copies a file that already has tables: if a migration is wrong, the copy is the
// way back. Copies of earlier migrations are deleted when this one is done.
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
	old := have > 0 && have < last
	if old {
		repacks := have < repacking && last >= repacking
		if err := j.roomToMigrate(repacks); err != nil {
			return err
		}
		if repacks {
			if err := j.tellAttempts(ctx); err != nil {
				return err
			}
		}
		if err := j.snapshot(ctx, have); err != nil {
			return fmt.Errorf("copying it before the migration: %w", err)
		}
	}
	if err := j.write.within(ctx, full, func(t *tx) error { return j.step(ctx, t, steps, last) }); err != nil || !old {
		return err
	}
	return dropSnapshots(j.path, func(version int, _ time.Time) bool { return version < have })
}

func (j *Journal) version(ctx context.Context) (int, error) {
	var v int
	err := j.write.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v)
	return v, err
}

// step runs the missing migrations up to number to. It reads the version again
// inside the transaction: another process may have migrated the file meanwhile.
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
		_, err = t.ExecContext(ctx, string(script))
		if err == nil && n == repacking {
			err = t.repack(ctx, j.progress)
		}
		if err != nil {
			return fmt.Errorf("migration %04d: %w", n, err)
		}
	}
	// This write happens even when no migration is missing, so that a read-only
	// file is an error at once: SQLite opens one, and begins a transaction on it,
	// without an error.
	_, err := t.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", to))
	return err
}

// snapshotName is the name of the copy of a file from before a migration; NNNN is
// the version that it has.
func snapshotName(path string, version int) string { return fmt.Sprintf("%s.v%04d", path, version) }

// snapshot copies the file. The copy is written to a temporary name first, so that
// it is complete or absent.
func (j *Journal) snapshot(ctx context.Context, version int) error {
	to := snapshotName(j.path, version)
	part, err := j.copyTo(ctx, to)
	if err != nil {
		return err
	}
	if now, err := j.version(ctx); err != nil || now != version {
		return errors.Join(err, os.Remove(part)) // another process was faster
	}
	return renamed(part, to)
}

// keepSnapshot is how long the copy from before the last migration is kept: by then
// a fault of the migration would have been found, and the copy is too old to go back
// to.
const keepSnapshot = 30 * 24 * time.Hour

// dropSnapshots deletes the copies from before migrations for which useless returns
// true: a copy's version, and when it was made.
func dropSnapshots(path string, useless func(version int, made time.Time) bool) error {
	copies, err := filepath.Glob(globbed(path) + ".v[0-9][0-9][0-9][0-9]")
	if err != nil {
		return err
	}
	for _, name := range copies {
		version, err := strconv.Atoi(name[len(name)-4:])
		if err != nil {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if useless(version, info.ModTime()) {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// globbed returns a pattern that matches a path only.
func globbed(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// smallFile is the size of a file, in bytes, for which there is always room.
const smallFile = 16 << 20

// roomToMigrate returns an error if the disk has too little room for a migration:
// the copy takes as much as the file. If attempts are repacked, they are written to
// the write-ahead log first and then into the file, and at the end the file is
// written once more without its free pages; each of these takes half of it.
func (j *Journal) roomToMigrate(repacks bool) error {
	info, err := os.Stat(j.path)
	if err != nil {
		return err
	}
	need, free := info.Size(), j.free(filepath.Dir(j.path))
	if repacks {
		need *= 3
	}
	if info.Size() < smallFile || free < 0 || free >= need {
		return nil
	}
	return fmt.Errorf("%s %w: to bring it up to date takes up to %d MB beside it, and its disk has %d MB: %w",
		j.path, ErrUnwritable, need>>20, free>>20, syscall.ENOSPC)
}

// freeOn returns how many bytes are free on a folder's disk; negative: it is not
// known.
func freeOn(folder string) int64 {
	var disk syscall.Statfs_t
	if syscall.Statfs(folder, &disk) != nil || disk.Blocks == 0 {
		return -1
	}
	return int64(disk.Bavail) * int64(disk.Bsize) //nolint:unconvert // its type depends on the system
}

// shrink returns a file's free pages to the disk if they are more than half of it,
// which is so after a migration that stores things in less room. That is no reason
// not to open a file: without room for it, or while another process uses the file,
// the next Open tries again.
func (j *Journal) shrink(ctx context.Context) error {
	var size, pages, unused int64
	if err := j.write.db.QueryRowContext(ctx, `SELECT page_size, page_count, freelist_count
		FROM pragma_page_size, pragma_page_count, pragma_freelist_count`).Scan(&size, &pages, &unused); err != nil {
		return err
	}
	if pages*size < smallFile || unused*2 < pages || j.free(filepath.Dir(j.path)) < 2*(pages-unused)*size {
		return nil
	}
	_, err := j.write.db.ExecContext(ctx, `VACUUM`)
	if err == nil {
		// Only a checkpoint makes the file shorter, and the write-ahead log, which
		// has all of it now.
		_, err = j.write.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	}
	if f := j.faultOf(err); busy(err) || f != nil && f.Reason == FaultFull {
		return nil
	}
	return err
}

// renamed renames a file, so that a power cut does not undo it.
func renamed(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return synced(filepath.Dir(to))
}

// copyTo copies the open file to a temporary name beside to, and returns that
// name. The caller has the turn of the connection that writes, or nobody else
// uses it yet.
func (j *Journal) copyTo(ctx context.Context, to string) (part string, err error) {
	part = to + ".part"
	// VACUUM INTO wants no file or an empty one; ours has the right mode.
	if err := removeAll(part); err != nil {
		return "", err
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	if _, err := j.write.db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return "", err
	}
	return part, synced(part) // which VACUUM does not do
}

// synced brings a file, or the names in a folder, to the disk.
func synced(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
