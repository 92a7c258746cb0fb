// Package journal stores the bot's state in one SQLite file: attempts from the
// panels' issuance logs, incidents, counts, probe results, received updates,
// outgoing messages, tasks and the audit.
//
// Every exported method is one transaction, unless its comment says otherwise.
// Times are stored in milliseconds and returned in UTC; the zero time stands
// for "none". A Journal is safe for concurrent use, also by several processes
// on one file (an `ask` beside a `run`).
package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite" // also the driver of that name
	sqlite3 "modernc.org/sqlite/lib"
)

// Journal is an open state file. Open makes one; Close ends its use.
type Journal struct {
	path   string
	write  *pool // one connection: SQLite has one writer at a time
	read   *pool // query_only
	open   openSet
	failed failedSet
	group  group

	imports  imports
	tails    tails
	progress Progress                  // of Open
	free     func(folder string) int64 // see freeOn

	faults faults
	locks  locks
	heads  auditHeads
	lost   int64 // see Lost
}

// Open opens the state file at path and brings its tables up to this build's
// version. It creates a file that does not exist, readable by its owner only.
// The error wraps one of the Err variables where one of them is the reason.
func Open(ctx context.Context, path string, options ...Option) (*Journal, error) {
	began := time.Now()
	j, err := open(ctx, path, migrations, options...)
	// When several processes open a new file at once, SQLite refuses some of
	// them without waiting: busy_timeout does not apply to the switch to WAL.
	for busy(err) && ctx.Err() == nil && time.Since(began) < patience {
		time.Sleep(20 * time.Millisecond)
		j, err = open(ctx, path, migrations, options...)
	}
	if err == nil {
		if err = errors.Join(j.finishImports(ctx), j.shrink(ctx), j.opened(), j.continueAudit(ctx)); err != nil {
			err = errors.Join(err, j.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("opening the state file: %w", explain(path, err))
	}
	return j, nil
}

// patience is how long Open waits for another process to release the file; it
// equals the busy_timeout of the connections.
const patience = 5 * time.Second

// busy reports whether another process holds the file.
func busy(err error) bool {
	refusal, ok := errors.AsType[*sqlite.Error](err)
	return ok && refusal.Code()&0xff == sqlite3.SQLITE_BUSY
}

// Option changes how Open works.
type Option func(*Journal)

// Progress is told how far a migration is that takes long: done of all rows.
type Progress func(done, all int)

// WithProgress has Open call progress during a migration that takes long: before it
// begins, with 0 done, and then about every thousand rows.
func WithProgress(progress Progress) Option { return func(j *Journal) { j.progress = progress } }

func open(ctx context.Context, path string, steps fs.FS, options ...Option) (*Journal, error) {
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
	for _, option := range options {
		option(j)
	}
	if err := j.migrate(ctx, steps); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// walSize is the number of pages (16 MB) after which SQLite copies the
// write-ahead log into the file. Pages that change in every transaction are
// then copied once instead of many times, which is a quarter of the work for
// the disk that the panel may use too.
const walSize = "wal_autocheckpoint(4000)"

// writeCache is the cache of the connection that writes: 1500 KiB.
const writeCache = "-1500"

// pools makes the two connection pools without touching the file.
func pools(path string) (*Journal, error) {
	pragmas := []string{"busy_timeout(5000)", "foreign_keys(1)", "synchronous(FULL)", "journal_mode(WAL)", walSize}
	write, err := sql.Open("sqlite", dsn(path, "immediate", append(pragmas, "cache_size("+writeCache+")")...))
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", dsn(path, "", "busy_timeout(5000)", "query_only(1)", "cache_size(-500)"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return &Journal{path: path, progress: func(int, int) {}, free: freeOn, write: newPool(write, 1), read: newPool(read, 4)}, nil
}

// dsn returns the URI of a file that must exist. SQLite respects mode only in
// the file: form, and a question mark in the path must be escaped.
func dsn(path, lock string, pragmas ...string) string {
	q := url.Values{"mode": {"rw"}, "_pragma": pragmas}
	if lock != "" {
		q.Set("_txlock", lock)
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// Size is the size of the state file in bytes, without what waits in SQLite's log
// (-wal).
func (j *Journal) Size() (int64, error) {
	info, err := os.Stat(j.path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Close waits for running transactions to end and closes the file.
func (j *Journal) Close() error {
	return errors.Join(j.read.close(), j.write.close())
}

// change runs do in one writing transaction, which is on the disk when it
// returns: what was confirmed to somebody, and what is about to be done outside,
// survives a power cut. doing names the operation in the error.
func (j *Journal) change(ctx context.Context, doing string, do func(*tx) error) error {
	return j.commit(ctx, full, doing, do)
}

// copy is change for what can be read again: of the panel, or of the sites. A
// power cut may undo it, but leaves the file whole; the next change brings it to
// the disk too.
func (j *Journal) copy(ctx context.Context, doing string, do func(*tx) error) error {
	return j.commit(ctx, normal, doing, do)
}

func (j *Journal) commit(ctx context.Context, sync durability, doing string, do func(*tx) error) error {
	var head auditHead
	err := j.write.within(ctx, sync, func(t *tx) error {
		t.known = j.knownHead
		err := do(t)
		head = t.audited
		return err
	})
	if err != nil {
		j.note(err)
		return fmt.Errorf("%s: %w", doing, err)
	}
	if head.Entry > 0 {
		j.heads.learn(head)
		j.noteHead(j.keepHead(head))
	}
	return nil
}

// durability is how much of a commit is on the disk when it returns
// (https://www.sqlite.org/pragma.html#pragma_synchronous).
type durability string

const (
	reading durability = ""       // a transaction that writes nothing
	normal  durability = "NORMAL" // written, to be synced with a later one
	full    durability = "FULL"   // synced
)

// view runs do in one reading transaction: all its queries see the same state.
func (j *Journal) view(ctx context.Context, doing string, do func(*tx) error) error {
	if err := j.read.within(ctx, reading, do); err != nil {
		j.note(err)
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// pool is a set of connections with the statements prepared on them.
type pool struct {
	turns  chan struct{} // one for each connection; its user takes a turn
	sync   durability    // of the one connection that writes; used in its turn
	mu     sync.Mutex
	db     *sql.DB
	kept   map[string]*sql.Stmt // by query; nil: not prepared yet, see wanted
	wanted []string             // queries to prepare before the next transaction
}

func newPool(db *sql.DB, size int) *pool {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size) // one that is closed and opened again could meet another file at the path
	return &pool{turns: make(chan struct{}, size), sync: full, db: db, kept: map[string]*sql.Stmt{}}
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, s := range p.kept {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	clear(p.kept)
	return errors.Join(append(errs, p.db.Close())...)
}

// within runs do in a transaction that is committed if do returns nil. Once the
// context has ended, whatever fails says so too: database/sql ends the transaction
// beside, and then do finds a closed statement or no transaction.
func (p *pool) within(ctx context.Context, sync durability, do func(*tx) error) error {
	err := p.transact(ctx, sync, do)
	if ended := ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w: %w", ended, err)
	}
	return err
}

func (p *pool) transact(ctx context.Context, sync durability, do func(*tx) error) error {
	release, err := p.turn(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := p.prepareWanted(ctx); err != nil {
		return err
	}
	if err := p.set(ctx, sync); err != nil {
		return err
	}
	sqlTx, err := p.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: sync == reading})
	if err != nil {
		return err
	}
	defer sqlTx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	if err := do(&tx{Tx: sqlTx, pool: p, stmts: map[string]*sql.Stmt{}}); err != nil {
		return err
	}
	return sqlTx.Commit()
}

// turn waits for a connection to be free; release gives it back.
func (p *pool) turn(ctx context.Context) (release func(), err error) {
	select {
	case p.turns <- struct{}{}:
		return func() { <-p.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// set changes the durability of the connection that writes. A new connection has
// the full one.
func (p *pool) set(ctx context.Context, sync durability) error {
	if sync == reading || sync == p.sync {
		return nil
	}
	if _, err := p.db.ExecContext(ctx, "PRAGMA synchronous = "+string(sync)); err != nil {
		return err
	}
	p.sync = sync
	return nil
}

// prepareWanted prepares the statements that earlier transactions needed. It
// runs between transactions, because preparing needs a connection and a writing
// transaction holds the only one of its pool.
func (p *pool) prepareWanted(ctx context.Context) error {
	p.mu.Lock()
	wanted := p.wanted
	p.wanted = nil
	p.mu.Unlock()
	for _, query := range wanted {
		s, err := p.db.PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.kept[query] = s
		p.mu.Unlock()
	}
	return nil
}

// statement returns the prepared statement of a query. It returns nil, and asks
// for the query to be prepared, when there is none yet.
func (p *pool) statement(query string) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, noted := p.kept[query]
	if !noted {
		p.kept[query] = nil
		p.wanted = append(p.wanted, query)
	}
	return s
}

// tx is a transaction that uses the prepared statements of its pool.
type tx struct {
	*sql.Tx
	pool    *pool // nil: its statements are not kept for later transactions
	stmts   map[string]*sql.Stmt
	audited auditHead // the last entry of the audit that it stores

	known func() (auditHead, error) // the end of the audit as it was known before; nil where none is stored
}

func (t *tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := t.stmts[query]; s != nil {
		return s, nil
	}
	if t.pool != nil {
		if kept := t.pool.statement(query); kept != nil {
			t.stmts[query] = t.StmtContext(ctx, kept)
			return t.stmts[query], nil
		}
	}
	s, err := t.PrepareContext(ctx, query)
	if err == nil {
		t.stmts[query] = s
	}
	return s, err
}

// exec runs a query and returns the number of rows it changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int, error) {
	s, err := t.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// scanner is a row of a result.
type scanner interface{ Scan(...any) error }

// all returns what scan makes of every row of a query. A query that has "LIMIT ?" is
// planned again at each use, because SQLite's plan depends on the value of a parameter
// that stands there alone; "LIMIT 0 + ?" is planned once.
func all[T any](ctx context.Context, t *tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	s, err := t.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, scan)
}

// collect closes the rows.
func collect[T any](rows *sql.Rows, scan func(scanner) (T, error)) ([]T, error) {
	defer rows.Close()
	var found []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	return found, rows.Err()
}

// until passes the rows of a query to visit, until that returns false or an error.
func until(ctx context.Context, t *tx, visit func(scanner) (more bool, err error), query string, args ...any) error {
	s, err := t.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for more := true; more && rows.Next(); {
		if more, err = visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one returns what scan makes of the first row of a query; false: there is no row.
func one[T any](ctx context.Context, t *tx, scan func(scanner) (T, error), query string, args ...any) (T, bool, error) {
	var none T
	s, err := t.prepare(ctx, query)
	if err != nil {
		return none, false, err
	}
	v, err := scan(s.QueryRowContext(ctx, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return none, false, nil
	}
	return v, err == nil, err
}

// single scans a row of one column.
func single[T any](s scanner) (T, error) {
	var v T
	err := s.Scan(&v)
	return v, err
}

// millis is the stored form of a time: Unix milliseconds, and 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment is the time that millis stored, in UTC.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// stamp scans a stored time into to.
type stamp struct{ to *time.Time }

// Scan reads an integer column.
func (s stamp) Scan(v any) error {
	ms, _ := v.(int64) // NULL: an aggregate over no rows
	*s.to = moment(ms)
	return nil
}

// when scans a row whose only column is a time.
func when(s scanner) (time.Time, error) {
	var t time.Time
	err := s.Scan(stamp{&t})
	return t, err
}
