package ispmanager

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"modernc.org/sqlite"
)

const (
	busyTimeout      = 200 * time.Millisecond // the panel's commits take a few milliseconds
	statementTimeout = 5 * time.Second        // a batch takes a few milliseconds, a slow disk a hundred
)

// sqliteDatabase is a panel's database in a file of SQLite.
type sqliteDatabase struct {
	path    string
	*file          // nil: not open
	opened  int    // how often; data_version means nothing on another connection
	version int64  // data_version at the last look
	seen    *int64 // data_version at the last complete reading; nil: there was none on this connection
}

// file is an open database.
type file struct {
	db     *sql.DB
	conn   *sql.Conn // the only one: data_version counts writes of other connections, per connection
	info   os.FileInfo
	wal    bool          // write-ahead log: readers and writers do not block each other
	worked time.Duration // reading time since the last pause
	schema int64         // schema_version when the tables were looked up
	found  tables
	stmts  map[string]*sql.Stmt

	trees  map[uint32]*tree // of the tables that were read, by their first page
	seed   maphash.Seed     // of marks; a new one whenever the tables are looked up, so that none is taken for one of before
	usable int              // bytes of a page that are used
}

func (d *sqliteDatabase) tables() *tables { return &d.found }

// look returns data_version as the stamp of every table: it counts writes to any
// of them. It was queried before the tables are read, so that a write in between
// makes the next Poll read again.
func (d *sqliteDatabase) look(ctx context.Context) (stamps, error) {
	var all stamps
	if err := d.open(ctx); err != nil {
		return all, err
	}
	for id := range all {
		all[id] = stamp(fmt.Sprint(d.opened, " ", d.version))
	}
	return all, nil
}

func (d *sqliteDatabase) done() { d.seen = new(d.version) }

// open opens the database and looks up its tables if necessary, and queries
// data_version.
func (d *sqliteDatabase) open(ctx context.Context) error {
	info, failure := stat(d.path)
	if failure != nil {
		return failure
	}
	if reopen, err := d.known(ctx, info); err != nil || !reopen {
		return err
	}
	if err := d.close(); err != nil {
		return err
	}
	f, err := open(d.path, info)
	if err != nil {
		return err
	}
	d.file, d.opened = f, d.opened+1
	if d.version, err = f.number(ctx, "PRAGMA data_version"); err != nil {
		return err
	}
	return f.learn(ctx)
}

// known queries data_version of the open file, or reports that it has to be
// opened again.
func (d *sqliteDatabase) known(ctx context.Context, info os.FileInfo) (reopen bool, err error) {
	f := d.file
	if f == nil || !os.SameFile(f.info, info) {
		return true, nil
	}
	if d.version, err = f.number(ctx, "PRAGMA data_version"); err != nil {
		return false, err
	}
	if d.seen != nil && d.version == *d.seen {
		// The file was written by something other than SQLite: cp, truncate.
		// With a write-ahead log this cannot be detected, because a checkpoint
		// moves pages without a change.
		return !f.wal && (info.Size() != f.info.Size() || !info.ModTime().Equal(f.info.ModTime())), nil
	}
	f.info = info
	schema, err := f.number(ctx, "PRAGMA schema_version")
	if err != nil {
		return false, err
	}
	if schema != f.schema {
		return false, f.learn(ctx)
	}
	return false, nil
}

// newest returns the highest key of a table.
func (f *file) newest(ctx context.Context, t *table) (row int64, err error) {
	err = f.row(ctx, fmt.Sprintf("SELECT ifnull(max(%s), 0) FROM %s", t.key, t.name), nil, &row)
	return row, err
}

// lost is never the case: what fails in a file would fail again.
func (d *sqliteDatabase) lost(error) bool { return false }

func (d *sqliteDatabase) explain(err error) *Error { return explain(d.path, err) }

// close closes the file if it is open.
func (d *sqliteDatabase) close() error {
	f := d.file
	d.file, d.seen = nil, nil
	if f == nil {
		return nil
	}
	return f.close()
}

// open connects. SQLite itself opens the file only at the first statement.
func open(path string, info os.FileInfo) (*file, error) {
	dsn, err := dsn(path)
	if err != nil {
		return nil, err
	}
	sqlite.StrictPragmas(true) // the path comes from a configuration
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("opening: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	return &file{db: db, info: info, stmts: map[string]*sql.Stmt{}}, nil
}

// dsn returns the database's path as a URI: with a bare path "mode=ro" is
// ignored and the file opened for writing.
func dsn(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("opening: %w", err)
	}
	query := url.Values{"mode": {"ro"}, "_dqs": {"0"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"query_only(1)", "trusted_schema(0)",
		"mmap_size(0)",     // a file truncated under a mapping kills the process
		"cache_size(-500)", // KiB; the panel's next commit invalidates it anyway
	}}
	uri := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	return uri.String(), nil
}

// row runs a statement that returns one row, and closes it. Each statement is
// prepared once a connection.
func (f *file) row(ctx context.Context, query string, args []any, into ...any) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	stmt, err := f.prepared(ctx, query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(into...)
}

func (f *file) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := f.stmts[query]; stmt != nil {
		return stmt, nil
	}
	if f.conn == nil {
		conn, err := f.db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		f.conn = conn
	}
	stmt, err := f.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	f.stmts[query] = stmt
	return stmt, nil
}

func (f *file) number(ctx context.Context, query string) (int64, error) {
	var n int64
	if err := f.row(ctx, query, nil, &n); err != nil {
		return 0, fmt.Errorf("%s: %w", query, err)
	}
	return n, nil
}

// writes returns the file change counter of the database's header
// (https://www.sqlite.org/fileformat2.html#file_change_counter), which SQLite
// raises with every transaction, or now and then with a write-ahead log. Zero:
// it cannot be read, which matters to nothing else.
func (f *file) writes(ctx context.Context) int64 {
	var hex string
	err := f.row(ctx, "SELECT hex(substr(data, 25, 4)) FROM sqlite_dbpage WHERE pgno = 1", nil, &hex)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(hex, 16, 64) // zero is what is wanted of anything else
	return n
}

// close closes the database, its statements first: with one that is not
// finalized, SQLite keeps the connection and its file open
// (https://www.sqlite.org/c3ref/close.html). After a panic inside the driver its
// locks may never be released, so close waits only briefly.
func (f *file) close() error {
	done := make(chan error, 1)
	go func() {
		done <- guarded(func() error {
			var errs []error
			for _, stmt := range f.stmts {
				errs = append(errs, stmt.Close())
			}
			if f.conn != nil {
				errs = append(errs, f.conn.Close())
			}
			return errors.Join(append(errs, f.db.Close())...)
		})
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(statementTimeout):
		return errors.New("closing the database takes too long")
	}
}
