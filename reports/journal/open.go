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
