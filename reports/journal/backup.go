package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrDamaged is the error of a backup that is not whole.
var ErrDamaged = errors.New("is damaged")

// Backup copies the state file at path to a new file, while the program may run: the
// copy is the state at one moment, with mode 0600, whole or absent. A file that is
// there already is not replaced (fs.ErrExist). It is read by SQLite as any other
// reader would, so a writer is not held up.
func Backup(ctx context.Context, path, to string) error {
	if err := inspectExisting(ctx, path); err != nil {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	}
	part, err := copied(ctx, path, to)
	if err != nil {
		return errors.Join(err, removeAll(to+".part"))
	}
	if err := os.Link(part, to); err != nil { // unlike a rename it replaces nothing
		return errors.Join(err, removeAll(part))
	}
	return errors.Join(os.Remove(part), synced(filepath.Dir(to)))
}

// copied copies a state file to a temporary name beside to, checks the copy and
// brings it to the disk.
func copied(ctx context.Context, from, to string) (part string, err error) {
	part = to + ".part"
	if err := removeAll(part, part+"-journal"); err != nil {
		return "", err
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // VACUUM INTO takes an empty file, and keeps its mode
	if err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	if err := onFile(ctx, from, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "VACUUM INTO ?", part)
		return err
	}); err != nil {
		return "", wrong(from, err)
	}
	if err := whole(ctx, part); err != nil {
		return "", err
	}
	return part, synced(part)
}

// onFile opens a state file by one connection, which changes nothing by itself.
func onFile(ctx context.Context, path string, do func(*sql.DB) error) error {
	db, err := sql.Open("sqlite", dsn(path, "", "busy_timeout(5000)"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return errors.Join(err, db.Close())
	}
	return errors.Join(do(db), db.Close())
}

// inspectExisting is inspect for a file that has to be there and have tables.
func inspectExisting(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s %w", path, ErrDirectory)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return fmt.Errorf("%s %w", path, ErrForeign)
	}
	if err := inspect(ctx, path); err != nil {
		return wrong(path, err)
	}
	return nil
}

// wrong is explain, and says of a damaged file that it is one.
func wrong(path string, err error) error {
	refusal, ok := errors.AsType[*sqlite.Error](err)
	if ok && refusal.Code()&0xff == sqlite3.SQLITE_CORRUPT {
		return fmt.Errorf("%s %w: %w", path, ErrDamaged, err)
	}
	return explain(path, err)
}

// whole has SQLite check a file (https://www.sqlite.org/pragma.html#pragma_quick_check).
func whole(ctx context.Context, path string) error {
	return onFile(ctx, path, func(db *sql.DB) error {
		var said string
		if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
			return fmt.Errorf("%s %w: %w", path, ErrDamaged, err)
		}
		if said != "ok" {
			return fmt.Errorf("%s %w: %s", path, ErrDamaged, said)
		}
		return nil
	})
}

// RestoreCommand is the command of the audit's entry about a restored backup.
const RestoreCommand = "restore"

// RestoreBackup puts a backup in the place of the state file at path, which may be
// missing. No other process may run on it (ErrLocked). What was there is moved aside
// and not deleted; aside is empty if nothing was. The backup is checked first, and if
// anything fails the state is as it was.
//
// The audit goes on after the backup's last entry with an entry of that person, which
// has the end of the audit that was replaced. What waited to be sent when the backup was
// made may have been sent since: it is sent with a note that it may be a repetition.
func RestoreBackup(ctx context.Context, path, backup string, by AuditEntry) (aside string, err error) {
	if err := inspectExisting(ctx, backup); err != nil {
		return "", err
	}
	if err := onFile(ctx, backup, notNewer(ctx, backup)); err != nil {
		return "", wrong(backup, err)
	}
	release, err := (&Journal{path: path}).Lock(ctx, "run")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, release()) }()
	part, err := copied(ctx, backup, path)
	if err != nil {
		return "", errors.Join(err, removeAll(path+".part"))
	}
	// A broken file beside the state says nothing of the audit that is replaced.
	head, _ := (&Journal{path: path}).keptHead()
	by.Command, by.Result = RestoreCommand, "ok"
	by.Args = fmt.Sprintf("entries=%d head=%s", head.Entry, head.Hash)
	if err := resume(ctx, part, by); err != nil {
		return "", errors.Join(err, removeAll(part, part+"-wal", part+"-shm", part+HeadFile))
	}
	if _, err := os.Lstat(path); err == nil {
		if aside, err = moveAside(path, "replaced", by.At); err != nil {
			return "", errors.Join(err, rename(aside, path))
		}
	}
	if err := renamed(part, path); err != nil && aside != "" {
		return "", errors.Join(err, rename(aside, path))
	} else if err != nil {
		return "", err
	}
	return aside, renamed(part+HeadFile, path+HeadFile)
}

// resume opens a copy of a backup, which brings its tables up to date, and notes in it
// that it is used again. Afterwards it is one file, and one with the audit's end.
func resume(ctx context.Context, part string, by AuditEntry) error {
	j, err := Open(ctx, part)
	if err != nil {
		return err
	}
	err = j.change(ctx, "resuming a backup", func(t *tx) error {
		if _, err := t.exec(ctx, `UPDATE delivery SET begun = ? WHERE state = 'pending' AND edits IS NULL AND begun = 0`, millis(by.At)); err != nil {
			return err
		}
		return t.audit(ctx, by)
	})
	return errors.Join(err, j.Close()) // the last connection removes the write-ahead log
}

// notNewer refuses a file of a newer version than this one.
func notNewer(ctx context.Context, path string) func(*sql.DB) error {
	return func(db *sql.DB) error {
		var version int
		if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		steps, err := fs.ReadDir(migrations, "migrations")
		if err == nil && version > len(steps) {
			err = fmt.Errorf("%s %w", path, ErrNewer)
		}
		return err
	}
}
