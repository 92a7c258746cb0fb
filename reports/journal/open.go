package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Reasons why a state file cannot be used. Errors of Open wrap one of them.
var (
	ErrDirectory  = errors.New("is a directory, not a file")
	ErrUnwritable = errors.New("cannot be written")
	ErrForeign    = errors.New("is not a state file of Domovoy")
	ErrNewer      = errors.New("was written by a newer Domovoy")
)

// applicationID ("Domo") marks our files in SQLite's file header, so that Open
// refuses another program's database instead of migrating it.
const applicationID = 0x446f6d6f

// place creates an empty file at path if there is none. It does not open an
// existing file: closing it would drop the POSIX locks that SQLite may hold on
// it in this process (https://sqlite.org/howtocorrupt.html, section 2.2).
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
		return fmt.Errorf("%s %w: there is no directory %s: %w", path, ErrUnwritable, filepath.Dir(path), fs.ErrNotExist)
	case err != nil:
		return fmt.Errorf("%s %w: %w", path, ErrUnwritable, err)
	}
	return f.Close()
}

// inspect checks that the file is ours before anything, even the journal mode,
// is changed in it.
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

// restrict makes the file accessible to its owner only. SQLite gives the -wal
// and -shm files beside it the same mode.
func restrict(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(path, 0o600)
}

// explain adds to an error of SQLite what it means for the file at path.
func explain(path string, err error) error {
	var refusal *sqlite.Error
	if !errors.As(err, &refusal) {
		return err
	}
	switch refusal.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s %w: it is not a SQLite database", path, ErrForeign)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%s %w, or its directory: %w", path, ErrUnwritable, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%s %w: its disk is full: %w", path, ErrUnwritable, err)
	case sqlite3.SQLITE_IOERR:
		if f := (&Journal{path: path}).faultOf(err); f.Reason == FaultFull {
			return fmt.Errorf("%s %w: its disk is full: %w", path, ErrUnwritable, err)
		}
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("%s is held by another process for more than 5 s: %w", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// ErrLocked is the error of Lock when another process holds the lock.
var ErrLocked = errors.New("is already running on this state file")

// Lock takes the lock of that name, such as "run". It does not wait: when
// another process holds the lock, the error wraps ErrLocked and names that
// process. The lock is an advisory one (flock(2)) on a file beside the state
// file, so the kernel releases it however the process ends, and other processes
// can still use the database. Restore takes it again if its file is gone.
func (j *Journal) Lock(ctx context.Context, name string) (release func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := lockFile(j.path, name)
	if err != nil {
		return nil, err
	}
	j.locks.mu.Lock()
	defer j.locks.mu.Unlock()
	if j.locks.held == nil {
		j.locks.held = map[string]*os.File{}
	}
	j.locks.held[name] = f
	return func() error {
		j.locks.mu.Lock()
		defer j.locks.mu.Unlock()
		f := j.locks.held[name]
		delete(j.locks.held, name)
		if f == nil {
			return nil
		}
		return f.Close() // which releases the lock; the file stays, to be locked again
	}, nil
}

// locks are the locks that this process holds, by name.
type locks struct {
	mu   sync.Mutex
	held map[string]*os.File
}

// again takes the locks again whose files are gone.
func (l *locks) again(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var failed error
	for name, old := range l.held {
		if _, err := os.Stat(lockPath(path, name)); err == nil {
			continue
		}
		f, err := lockFile(path, name)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		_ = old.Close() // nothing was written to it
		l.held[name] = f
	}
	return failed
}

func lockPath(path, name string) string { return path + "." + name + ".lock" }

// lockFile opens the file of a lock and locks it.
func lockFile(path, name string) (*os.File, error) {
	f, err := os.OpenFile(lockPath(path, name), os.O_CREATE|os.O_RDWR, 0o600)
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
	return f, nil
}

// sign writes our process id into the lock file, for the error of others.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder returns " (process 123)", or "" when the lock file has no process id.
func holder(f *os.File) string {
	text := make([]byte, 20)
	n, _ := f.ReadAt(text, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}
