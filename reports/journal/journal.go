package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"time"

	"modernc.org/sqlite" // also the driver of that name
	sqlite3 "modernc.org/sqlite/lib"
)

// Journal is an open state file.
type Journal struct {
	path  string
	write *pool // one connection: SQLite has one writer at a time
	read  *pool // query_only
	open  openSet
}

// Open opens the state file and brings its tables up to this build's version;
// a file that does not exist yet is made, readable by its owner only. The
// error says in one sentence what is wrong with the path.
func Open(ctx context.Context, path string) (*Journal, error) {
	began := time.Now()
	j, err := open(ctx, path, migrations)
	// Of several who open a fresh file at once SQLite refuses some without
	// waiting: no lock may be waited for while the file becomes a WAL one.
	for busy(err) && ctx.Err() == nil && time.Since(began) < patience {
		time.Sleep(20 * time.Millisecond)
		j, err = open(ctx, path, migrations)
	}
	if err == nil {
		if err = j.index(ctx, byCertificate); err != nil {
			err = errors.Join(err, j.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening the state file: %w", explain(path, err))
	}
	return j, nil
}

// patience is how long a file may be held by another process, as SQLite's own
// busy_timeout has it.
const patience = 5 * time.Second

// busy reports whether another process holds the file.
func busy(err error) bool {
	refusal, ok := errors.AsType[*sqlite.Error](err)
	return ok && refusal.Code()&0xff == sqlite3.SQLITE_BUSY
}

func open(ctx context.Context, path string, steps fs.FS) (*Journal, error) {
	if path == "" {
		return nil, errors.New("no path is given")
	}
	path, err := filepath.Abs(path) // the working directory may change
	if err != nil {
		return nil, err
	}
	if err := place(path); err != nil {
		return nil, err
	}
	if err := inspect(ctx, path); err != nil {
		return nil, err
	}
	if err := restrict(path); err != nil {
		return nil, err
	}
	j, err := pools(path)
	if err != nil {
		return nil, err
	}
	if err := j.migrate(ctx, steps); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// walSize is after how many pages, 16 MB, the write-ahead log is brought into
// the file. Pages that change every time go there once instead of many times,
// and the disk, which may be the panel's too, has a quarter of the work.
const walSize = "wal_autocheckpoint(4000)"

// pools makes the two pools without touching the file.
func pools(path string) (*Journal, error) {
	pragmas := []string{"busy_timeout(5000)", "foreign_keys(1)", "synchronous(NORMAL)", "journal_mode(WAL)", walSize}
	write, err := sql.Open("sqlite", dsn(path, "immediate", append(pragmas, "cache_size(-1500)")...))
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", dsn(path, "", "busy_timeout(5000)", "query_only(1)", "cache_size(-500)"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return &Journal{path: path, write: newPool(write, 1), read: newPool(read, 4)}, nil
}

// dsn is the URI of a file that must exist. Only the file: form makes SQLite
// heed mode, and only an escaped path may hold a question mark.
func dsn(path, lock string, pragmas ...string) string {
	q := url.Values{"mode": {"rw"}, "_pragma": pragmas}
	if lock != "" {
		q.Set("_txlock", lock)
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// Close waits for the transactions under way.
func (j *Journal) Close() error {
	return errors.Join(j.read.close(), j.write.close())
}

// change runs do in one writing transaction. The error is prefixed with what
// was being done.
func (j *Journal) change(ctx context.Context, doing string, do func(*tx) error) error {
	if err := j.write.within(ctx, false, do); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// look runs do in one reading transaction: all its queries see one state.
func (j *Journal) look(ctx context.Context, doing string, do func(*tx) error) error {
	if err := j.read.within(ctx, true, do); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
