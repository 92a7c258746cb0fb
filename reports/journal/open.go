package journal

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What can be wrong with a state file. The errors of Open wrap one of these.
var (
	ErrDirectory  = errors.New("is a directory, not a file")
	ErrUnwritable = errors.New("cannot be written")
	ErrForeign    = errors.New("is not a state file of Domovoy")
	ErrNewer      = errors.New("was written by a newer Domovoy")
)

// applicationID marks our files in the header ("Domo"), so that no other
// program's database is ever migrated by mistake.
const applicationID = 0x446f6d6f

// place makes an empty file where there is none. An existing file is not
// opened: closing it again would drop the locks that this process may hold on
// it through SQLite.
func place(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s %w", path, ErrDirectory)
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s %w", path, ErrForeign)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s %w: %w", path, ErrUnwritable, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist): // another process was faster
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s %w: there is no directory %s", path, ErrUnwritable, filepath.Dir(path))
	case err != nil:
		return fmt.Errorf("%s %w: %w", path, ErrUnwritable, err)
	}
	return f.Close()
}

// inspect looks whether the file is ours before anything changes it, the
// journal mode included.
func inspect(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path, "", "busy_timeout(5000)", "query_only(1)"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var id, objects int
	if err := db.QueryRowContext(ctx, `SELECT application_id, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id`).Scan(&id, &objects); err != nil {
		return err
	}
	if id != applicationID && (id != 0 || objects != 0) {
		return fmt.Errorf("%s %w: it belongs to another program", path, ErrForeign)
	}
	return nil
}

// restrict takes the file from everybody but its owner; SQLite gives the -wal
// and -shm files beside it the same mode.
func restrict(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(path, 0o600)
}

// explain puts SQLite's refusals into words; other errors stay as they are.
func explain(path string, err error) error {
	var refusal *sqlite.Error
	if !errors.As(err, &refusal) {
		return err
	}
	switch refusal.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s %w: it is no SQLite database", path, ErrForeign)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%s %w, or its directory: %w", path, ErrUnwritable, err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("%s is held by another process for more than 5 s: %w", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

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

// ErrLocked is what Lock says when another process holds the lock.
var ErrLocked = errors.New("is already running on this state file")

// Lock takes the one lock of that name beside the state file, such as "run",
// or says at once who holds it. It is an advisory lock (flock) on a file of
// its own, so the kernel releases it however the process ends, and the
// database itself stays open to others.
func (j *Journal) Lock(ctx context.Context, name string) (release func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(j.path+"."+name+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("%s%s %w", name, holder(f), ErrLocked), f.Close())
	}
	if err == nil {
		err = sign(f)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", name, err), f.Close())
	}
	return f.Close, nil // which releases the lock; the file stays, to be locked again
}

// sign leaves the process id for the next one's error.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder is " (process 123)", or empty when the file does not tell.
func holder(f *os.File) string {
	text := make([]byte, 20)
	n, _ := f.ReadAt(text, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}
