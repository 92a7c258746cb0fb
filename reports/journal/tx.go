package journal

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// pool is a set of connections with the statements prepared on them.
type pool struct {
	db     *sql.DB
	mu     sync.Mutex
	kept   map[string]*sql.Stmt // by query; nil: wanted, to be prepared before the next transaction
	wanted []string
}

func newPool(db *sql.DB, size int) *pool {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return &pool{db: db, kept: map[string]*sql.Stmt{}}
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

// within runs do in a transaction that is committed if do returns nil.
func (p *pool) within(ctx context.Context, readOnly bool, do func(*tx) error) error {
	if err := p.prepareWanted(ctx); err != nil {
		return err
	}
	sqlTx, err := p.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: readOnly})
	if err != nil {
		return err
	}
	defer sqlTx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	if err := do(&tx{Tx: sqlTx, pool: p, stmts: map[string]*sql.Stmt{}}); err != nil {
		return err
	}
	return sqlTx.Commit()
}

// prepareWanted keeps the statements that earlier transactions had to prepare
// for themselves. It happens between transactions, because preparing for the
// pool needs a connection, and a transaction of the writer holds the only one.
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

// statement gives the kept statement, or notes that it is worth keeping.
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

// tx is a transaction whose queries are prepared once for many transactions.
type tx struct {
	*sql.Tx
	pool  *pool
	stmts map[string]*sql.Stmt
}

func (t *tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := t.stmts[query]; s != nil {
		return s, nil
	}
	if kept := t.pool.statement(query); kept != nil {
		t.stmts[query] = t.StmtContext(ctx, kept)
		return t.stmts[query], nil
	}
	s, err := t.PrepareContext(ctx, query)
	if err == nil {
		t.stmts[query] = s
	}
	return s, err
}

// exec runs a query and gives the number of rows it changed.
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

// scanner is a row, alone or one of many.
type scanner interface{ Scan(...any) error }

// all reads every row of a query.
func all[T any](ctx context.Context, t *tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	s, err := t.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
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

// one reads the first row of a query; false: there is none.
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
