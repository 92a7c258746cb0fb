// Package lab makes the database and the certificate files of an ISPmanager
// server for tests and the demo. It shares no code with the packages under
// test.
package lab

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Panel is an ISPmanager database that the lab writes. It is not safe for
// concurrent use; readers open Path themselves.
type Panel struct {
	path    string // of a file; or the name of a database in a server
	dialect dialect
	db      *sql.DB
	conn    *sql.Conn // the only one, so that BEGIN and COMMIT are on the same connection
	layout  layout
	owners  map[string]int64
	stmts   map[string]*sql.Stmt
	writing bool // inside Transaction
}

// NewPanel creates a database without rows; the file must not exist.
func NewPanel(path string, variants ...Variant) (*Panel, error) {
	if _, err := os.Stat(path); err == nil {
		return nil, fmt.Errorf("creating panel: %s exists", path)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, fmt.Errorf("creating panel: %w", err)
	}
	return newPanel(db, path, sqliteDialect(), variants)
}

// NewPanelIn creates a database without rows in a server, where its name must
// be new.
func NewPanelIn(server *MariaDB, name string, variants ...Variant) (*Panel, error) {
	l, err := newLayout(variants)
	if err == nil {
		err = server.Exec("", "CREATE DATABASE "+name+" CHARACTER SET "+l.charset)
	}
	if err != nil {
		return nil, fmt.Errorf("creating panel: %w", err)
	}
	return newPanel(server.Open(name), name, mysqlDialect(), variants)
}

func newLayout(variants []Variant) (layout, error) {
	l := layout{tables: parseSchema(schemaSQL), journal: "DELETE", charset: "utf8mb4", zone: time.UTC, addresses: [2]string{sampleIPv4, sampleIPv4b}}
	for _, vary := range variants {
		if err := vary(&l); err != nil {
			return l, fmt.Errorf("varying the panel: %w", err)
		}
	}
	return l, nil
}

func newPanel(db *sql.DB, path string, d dialect, variants []Variant) (*Panel, error) {
	l, err := newLayout(variants)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, fmt.Errorf("creating panel: %w", errors.Join(err, db.Close()))
	}
	p := &Panel{path: path, dialect: d, db: db, conn: conn, layout: l, owners: map[string]int64{}, stmts: map[string]*sql.Stmt{}}
	if err := p.create(); err != nil {
		return nil, fmt.Errorf("creating panel: %w", errors.Join(err, p.Close()))
	}
	return p, nil
}

func (p *Panel) create() error {
	statements := p.dialect.setUp(p.layout)
	for _, t := range p.layout.tables {
		statements = append(statements, p.dialect.create(t.create()))
	}
	for _, statement := range statements {
		if err := p.Exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// Path returns the path of the database, or its name in a server.
func (p *Panel) Path() string { return p.path }

// Zone returns the time zone of the dates in the database.
func (p *Panel) Zone() *time.Location { return p.layout.zone }

// Close ends writing; the file is kept.
func (p *Panel) Close() error {
	for _, stmt := range p.stmts {
		_ = stmt.Close() // no write is lost: all were executed
	}
	return errors.Join(p.conn.Close(), p.db.Close())
}

// Exec runs any statement, for unusual rows that have no method.
func (p *Panel) Exec(query string, args ...any) error {
	if _, err := p.conn.ExecContext(context.Background(), query, args...); err != nil {
		return fmt.Errorf("panel: %w", err)
	}
	return nil
}

// Transaction commits all writes of a function together, or none if it fails.
func (p *Panel) Transaction(write func() error) error {
	if p.writing {
		return write()
	}
	if err := p.Exec(p.dialect.begin); err != nil {
		return err
	}
	p.writing = true
	defer func() { p.writing = false }()
	if err := write(); err != nil {
		return errors.Join(err, p.Exec("ROLLBACK"))
	}
	return p.Exec("COMMIT")
}

// Lock locks the database for all readers, as the panel does for moments while
// it commits, until unlock is called. In WAL mode readers are not affected. In a
// server the tables are locked, as by a repair or a change of their shape.
func (p *Panel) Lock() (unlock func() error, err error) {
	begin, end := p.dialect.lock(p.layout)
	if err := p.Exec(begin); err != nil {
		return nil, err
	}
	return func() error { return p.Exec(end) }, nil
}

// prepared runs a statement that is used often.
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

// cell is a value for a column.
type cell struct {
	column string
	value  any
}

// insert writes the cells whose columns this panel has; the id is zero if the
// table itself is missing.
func (p *Panel) insert(tableName string, cells ...cell) (int64, error) {
	columns, values := p.present(tableName, cells)
	if len(columns) == 0 {
		return 0, nil
	}
	result, err := p.prepared(fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)",
		tableName, strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1)), values)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// update changes the rows whose column key equals value; it is an error if
// there are none: the caller mistyped a name.
func (p *Panel) update(tableName, key string, value any, cells ...cell) error {
	columns, values := p.present(tableName, cells)
	if len(columns) == 0 {
		return nil
	}
	return p.change(fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ?",
		tableName, strings.Join(columns, " = ?, "), key), append(values, value)...)
}

// change runs a statement that must change a row.
func (p *Panel) change(query string, args ...any) error {
	result, err := p.prepared(query, args)
	if err != nil {
		return err
	}
	if touched, err := result.RowsAffected(); err != nil || touched == 0 {
		return fmt.Errorf("panel: no row for %q: %v (%w)", query, args, err)
	}
	return nil
}

func (p *Panel) present(tableName string, cells []cell) (columns []string, values []any) {
	t, err := p.layout.find(tableName)
	if err != nil {
		return nil, nil // omitted by a variant
	}
	for _, c := range cells {
		if t.column(c.column) >= 0 {
			columns, values = append(columns, c.column), append(values, c.value)
		}
	}
	return columns, values
}

// date returns a time as the panel writes it; nil, which is NULL, for the zero
// time.
func (p *Panel) date(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.In(p.layout.zone).Format(time.DateTime)
}

// onOff returns a bool as the panel writes it.
func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// textOrNull returns NULL for an empty text, so that no row has an empty text.
func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

//go:embed schema.sql
var schemaSQL string

// Schema returns the best reconstruction of the panel's tables, with a comment
// on how certain each column is.
func Schema() string { return schemaSQL }

// table is one CREATE TABLE of the schema, split into lines.
type table struct {
	name    string
	columns []string // definitions, without comma or comment
}

func parseSchema(ddl string) []table {
	var tables []table
	for line := range strings.Lines(ddl) {
		line, _, _ = strings.Cut(line, "--")
		line = strings.TrimSuffix(strings.TrimSpace(line), ",")
		if name, found := strings.CutPrefix(line, "CREATE TABLE "); found {
			tables = append(tables, table{name: strings.TrimSuffix(name, " (")})
		} else if line != "" && line != ");" {
			last := &tables[len(tables)-1]
			last.columns = append(last.columns, line)
		}
	}
	return tables
}

func (t table) create() string {
	return fmt.Sprintf("CREATE TABLE %s (\n  %s\n)", t.name, strings.Join(t.columns, ",\n  "))
}

// column returns the index of a column, or -1.
func (t table) column(name string) int {
	return slices.IndexFunc(t.columns, func(definition string) bool {
		return strings.HasPrefix(definition, name+" ")
	})
}

// Variant changes how a panel differs from the reconstructed one: much about
// live panels is unknown.
type Variant func(*layout) error

// layout describes the database that NewPanel creates.
type layout struct {
	tables    []table
	journal   string
	charset   string // of a server's database
	zone      *time.Location
	bare      bool      // no certificate files
	addresses [2]string // of a Sample's server
}

func (l *layout) find(name string) (*table, error) {
	for i := range l.tables {
		if l.tables[i].name == name {
			return &l.tables[i], nil
		}
	}
	return nil, fmt.Errorf("the schema has no table %q", name)
}

// WithWAL uses write-ahead logging; the default is SQLite's own, DELETE.
func WithWAL() Variant {
	return func(l *layout) error {
		l.journal = "WAL"
		return nil
	}
}

// WithCharset gives a server's database another character set than utf8mb4.
func WithCharset(name string) Variant {
	return func(l *layout) error {
		l.charset = name
		return nil
	}
}

// WithZone writes dates as local text of this zone; the default is UTC.
func WithZone(zone *time.Location) Variant {
	return func(l *layout) error {
		l.zone = zone
		return nil
	}
}

// WithAddresses gives a Sample's server other IPv4 addresses, such as those of a
// laboratory: its sites have them, and the CA's texts name them.
func WithAddresses(first, second string) Variant {
	return func(l *layout) error {
		l.addresses = [2]string{first, second}
		return nil
	}
}

// WithoutFiles makes a Sample of rows only, for tests that do not read
// certificates: writing thousands of small files takes a slow disk seconds.
func WithoutFiles() Variant {
	return func(l *layout) error {
		l.bare = true
		return nil
	}
}

// WithoutTable omits a table, as on a panel whose module is not loaded. Later
// writes to it are dropped.
func WithoutTable(name string) Variant {
	return func(l *layout) error {
		if _, err := l.find(name); err != nil {
			return err
		}
		l.tables = slices.DeleteFunc(l.tables, func(t table) bool { return t.name == name })
		return nil
	}
}

// WithoutColumn omits a column. Later writes to it are dropped.
func WithoutColumn(tableName, column string) Variant {
	return func(l *layout) error {
		t, err := l.find(tableName)
		if err != nil {
			return err
		}
		at := t.column(column)
		if at < 0 {
			return fmt.Errorf("table %s has no column %q", tableName, column)
		}
		t.columns = slices.Delete(t.columns, at, at+1)
		return nil
	}
}

// WithPluginColumn adds an integer column at a position counted from zero, as a
// panel plugin may. It shifts the columns after it, so columns must not be read
// by position.
func WithPluginColumn(tableName, column string, position int) Variant {
	return func(l *layout) error {
		t, err := l.find(tableName)
		if err != nil {
			return err
		}
		if position < 0 || position > len(t.columns) {
			return fmt.Errorf("table %s has no position %d", tableName, position)
		}
		t.columns = slices.Insert(t.columns, position, column+" INTEGER DEFAULT 0")
		return nil
	}
}
