// Package lab is the world of a hosting server in small, made apart from our code so that tests can judge our code by it.
package lab

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Panel is an ISPmanager database that the lab writes. Not for concurrent use; readers open Path for themselves.
type Panel struct {
	path    string
	db      *sql.DB
	conn    *sql.Conn // the only one, so that BEGIN and COMMIT meet each other
	layout  layout
	owners  map[string]int64
	stmts   map[string]*sql.Stmt
	writing bool // inside Transaction
}

// NewPanel creates a database without rows; path must not exist.
func NewPanel(path string, variants ...Variant) (*Panel, error) {
	l := layout{tables: parseSchema(schemaSQL), journal: "DELETE", zone: time.UTC}
	for _, vary := range variants {
		if err := vary(&l); err != nil {
			return nil, fmt.Errorf("varying the panel: %w", err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		return nil, fmt.Errorf("creating panel: %s exists", path)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, fmt.Errorf("creating panel: %w", err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, fmt.Errorf("creating panel: %w", errors.Join(err, db.Close()))
	}
	p := &Panel{path: path, db: db, conn: conn, layout: l, owners: map[string]int64{}, stmts: map[string]*sql.Stmt{}}
	if err := p.create(); err != nil {
		return nil, fmt.Errorf("creating panel: %w", errors.Join(err, p.Close()))
	}
	return p, nil
}

func (p *Panel) create() error {
	statements := []string{
		"PRAGMA busy_timeout = 5000", // milliseconds
		"PRAGMA synchronous = OFF",   // nothing here must survive a power cut, readers see no difference
		"PRAGMA journal_mode = " + p.layout.journal,
	}
	for _, t := range p.layout.tables {
		statements = append(statements, t.create())
	}
	for _, statement := range statements {
		if err := p.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// Path is where the database lies.
func (p *Panel) Path() string { return p.path }

// Zone is the zone of the dates inside the database.
func (p *Panel) Zone() *time.Location { return p.layout.zone }

// Close ends writing; the file stays.
func (p *Panel) Close() error {
	for _, stmt := range p.stmts {
		_ = stmt.Close() // nothing is lost: every write was executed
	}
	return errors.Join(p.conn.Close(), p.db.Close())
}

// Exec runs any statement, for oddities that have no method.
func (p *Panel) Exec(query string, args ...any) error {
	if _, err := p.conn.ExecContext(context.Background(), query, args...); err != nil {
		return fmt.Errorf("panel: %w", err)
	}
	return nil
}

// Transaction makes all writes inside it one commit, or none of them.
func (p *Panel) Transaction(write func() error) error {
	if p.writing {
		return write()
	}
	if err := p.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	p.writing = true
	defer func() { p.writing = false }()
	if err := write(); err != nil {
		return errors.Join(err, p.Exec("ROLLBACK"))
	}
	return p.Exec("COMMIT")
}

// Lock keeps every reader out, as the panel does for moments while it commits; call unlock to let them in.
// In WAL mode readers are not disturbed by it.
func (p *Panel) Lock() (unlock func() error, err error) {
	if err := p.Exec("BEGIN EXCLUSIVE"); err != nil {
		return nil, err
	}
	return func() error { return p.Exec("ROLLBACK") }, nil
}

// prepared runs a statement that is run often.
func (p *Panel) prepared(query string, args []any) (sql.Result, error) {
	stmt, known := p.stmts[query]
	if !known {
		var err error
		if stmt, err = p.conn.PrepareContext(context.Background(), query); err != nil {
			return nil, fmt.Errorf("panel: %w", err)
		}
		p.stmts[query] = stmt
	}
	result, err := stmt.Exec(args...)
	if err != nil {
		return nil, fmt.Errorf("panel: %s: %w", strings.SplitN(query, "(", 2)[0], err)
	}
	return result, nil
}
