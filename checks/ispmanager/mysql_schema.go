package ispmanager

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// settledAfter is how old the last write to a table must be to be told from the
// next one: the server keeps the second in which the transaction began, not the
// one of its commit.
const settledAfter = 5 // seconds

// trusted is how long a table's unchanged mark is believed: a transaction that
// took longer than settledAfter may have been committed after another one of the
// same second.
const trusted = time.Hour

// look returns when each table was last written to. A server forgets that when
// it restarts, and of a table that it has not used for long; then what is in the
// table is compared by a digest, which the server works out.
func (d *mysqlDatabase) look(ctx context.Context) (stamps, error) {
	if err := d.open(ctx); err != nil {
		return stamps{}, err
	}
	return d.session.look(ctx, d.limit)
}

func (s *session) look(ctx context.Context, limit time.Duration) (stamps, error) {
	var all stamps
	ctx, cancel := context.WithTimeout(ctx, 2*limit)
	defer cancel()
	// The server looks at rights to a database when it is chosen only, so that a
	// revoked one would go unnoticed for as long as the connection lives.
	if _, err := s.conn.ExecContext(ctx, "USE "+quoted(s.schema)); err != nil {
		return all, fmt.Errorf("choosing the database: %w", err)
	}
	shape, err := s.columns(ctx)
	if err != nil {
		return all, err
	}
	if shape != s.shape {
		if err := s.fit(ctx, shape); err != nil {
			return all, err
		}
	}
	now := time.Now().Truncate(trusted).Unix()
	var forgotten []int
	query := `SELECT table_name, ifnull(update_time, ''), ifnull(update_time < now() - INTERVAL ` + fmt.Sprint(settledAfter) + ` SECOND, 0)
		FROM information_schema.tables WHERE table_schema = ? AND ` + namesWanted("table_name")
	err = s.each(ctx, query, []any{s.schema}, func(row []sql.RawBytes) error {
		for id, name := range s.real {
			if name != string(row[0]) {
				continue
			}
			switch settled := string(row[2]) == "1"; {
			case settled, id == letsencryptLog:
				all[id] = stamp(fmt.Sprint(string(row[1]), " ", now))
			case len(row[1]) == 0:
				forgotten = append(forgotten, id)
			}
		}
		return nil
	})
	if err != nil {
		return all, fmt.Errorf("reading when the tables were written to: %w", err)
	}
	for _, id := range forgotten {
		if all[id], err = s.digest(ctx, &s.found[id]); err != nil {
			return all, err
		}
	}
	for id := range all {
		if s.found[id].name == "" {
			all[id] = "none"
		}
	}
	if t := &s.found[letsencryptLog]; t.name != "" {
		// A line that was added is seen at once: it has a number of its own.
		last, err := s.newest(ctx, t)
		if err != nil {
			return all, err
		}
		all[letsencryptLog] += stamp(fmt.Sprint(" ", last))
	}
	return all, nil
}

// namesWanted is a condition for the names of the wanted tables, whatever their
// letter case.
func namesWanted(column string) string {
	var names []string
	for _, w := range wantedTables() {
		names = append(names, "'"+w.name+"'")
	}
	return "lower(" + column + ") IN (" + strings.Join(names, ", ") + ")"
}

// learn finds the wanted tables.
func (s *session) learn(ctx context.Context) error {
	shape, err := s.columns(ctx)
	if err != nil {
		return err
	}
	return s.fit(ctx, shape)
}

// columns lists the columns of the wanted tables that this user may read, as
// records of the table's name, the column's, its type and its key.
func (s *session) columns(ctx context.Context) (string, error) {
	var list strings.Builder
	err := s.each(ctx, `SELECT table_name, column_name, data_type, column_key FROM information_schema.columns
		WHERE table_schema = ? AND `+namesWanted("table_name")+` ORDER BY table_name, ordinal_position`, []any{s.schema},
		func(row []sql.RawBytes) error {
			for i, value := range row {
				list.Write(value)
				list.WriteString(map[bool]string{true: recordSeparator, false: unitSeparator}[i == len(row)-1])
			}
			return nil
		})
	if err != nil {
		return "", fmt.Errorf("reading the columns: %w", err)
	}
	return strings.TrimSuffix(list.String(), recordSeparator), nil
}

// fit matches the columns with the wanted ones.
func (s *session) fit(ctx context.Context, shape string) error {
	byTable := map[string][]found{}
	for field := range records(shape, 4) {
		primary := 0
		if field[3] == "PRI" {
			primary = 1
		}
		byTable[field[0]] = append(byTable[field[0]], found{name: field[1], kind: strings.ToLower(field[2]), primary: primary})
	}
	s.found, s.real = tables{}, [tableCount]string{}
	for id, w := range wantedTables() {
		for name := range byTable {
			if strings.EqualFold(name, w.name) && (s.real[id] == "" || name == w.name) {
				s.real[id] = name
			}
		}
		if name := s.real[id]; name != "" {
			s.found[id] = w.inServer(name, byTable[name], id == letsencryptLog)
		}
		hidden, err := s.hides(ctx, s.real[id], w, &s.found[id])
		if err != nil {
			return err
		}
		s.found[id].hidden = hidden
	}
	if s.found[webdomain].name == "" && s.found[letsencryptSSL].name == "" {
		return s.nothing(ctx)
	}
	s.shape = shape
	return nil
}

// hides reports whether what a table lacks may be there all the same: the server
// lists only what its user may read. One statement tells, since without a right
// to the whole table the server denies also what does not exist.
func (s *session) hides(ctx context.Context, name string, w wanted, t *table) (bool, error) {
	query := "SELECT 1 FROM " + quoted(w.name) + " LIMIT 0"
	if name != "" {
		lacks := 0
		for lacks < len(t.columns) && (t.columns[lacks] != "" || slices.Contains(w.guessed, lacks)) {
			lacks++
		}
		if lacks == len(t.columns) {
			return false, nil
		}
		query = "SELECT " + quoted(w.columns[lacks][0]) + " FROM " + quoted(name) + " LIMIT 0"
	}
	err := s.each(ctx, query, nil, nil)
	if err == nil {
		return false, nil
	}
	switch reasonOfCode(codeOf(err)) {
	case Permission:
		return true, nil
	case Shape, Malformed: // it is not there, or is a view or a table that is broken
		return false, nil
	}
	return false, fmt.Errorf("looking for %s: %w", w.name, err)
}

// nothing tells why there is no table: the user may see none, or there is none.
func (s *session) nothing(ctx context.Context) error {
	err := s.each(ctx, "SELECT 1 FROM "+quoted(wantedTables()[webdomain].name)+" LIMIT 0", nil, nil)
	if err != nil && codeOf(err) != noSuchTable {
		return err
	}
	n, err := s.number(ctx, "SELECT count(table_name) FROM information_schema.tables WHERE table_schema = ?", s.schema)
	if err != nil {
		return err
	}
	if n == 0 {
		return &Error{Reason: Empty}
	}
	return &Error{Reason: Shape, Detail: "neither webdomain nor letsencrypt_ssl is there"}
}

// inServer is fit, with the statement's parts in MySQL's form.
func (w wanted) inServer(name string, columns []found, isLog bool) table {
	kinds := map[string]string{}
	lower := make([]found, len(columns))
	var primary []string
	for i, c := range columns {
		lower[i] = c
		lower[i].name = strings.ToLower(c.name)
		kinds[lower[i].name] = c.kind
		if c.primary > 0 {
			primary = append(primary, quoted(c.name))
		}
	}
	t := w.fit(lower)
	for i, column := range t.columns {
		switch {
		case column == "":
			continue
		case kinds[column] == "timestamp":
			t.columns[i] = "concat(" + quoted(column) + ", 'Z')" // the session's zone is UTC
		case isLog && i == logText:
			t.columns[i] = fmt.Sprintf("left(%s, %d)", quoted(column), textLimit)
		default:
			t.columns[i] = quoted(column)
		}
	}
	if strings.HasSuffix(kinds["id"], "int") {
		t.key, t.strict = "`id`", true
	}
	if t.id = t.key; kinds["id"] != "" {
		t.id = "`id`"
	}
	t.queries = [2]string{t.batchOf(name, primary), t.digestOf(name)}
	if t.key != "" {
		t.ranges = [2]string{t.rangeDigestOf(name, kinds), t.rangeOf(name)}
	}
	return t
}

// batchOf is the statement for one batch. Without an integer id, rows have their
// position as key, as two of them may be in a table that only joins others.
func (t *table) batchOf(name string, primary []string) string {
	query := t.selectOf(name)
	if t.key != "" {
		return query + " WHERE " + t.key + " > ? ORDER BY " + t.key + " LIMIT ?"
	}
	if len(primary) > 0 {
		query += " ORDER BY " + strings.Join(primary, ", ")
	}
	return query + " LIMIT ?, ?"
}

// rangeOf is the statement for the first rows of a range of keys.
func (t *table) rangeOf(name string) string {
	return t.selectOf(name) + " WHERE " + t.key + " > ? AND " + t.key + " <= ? ORDER BY " + t.key + " LIMIT ?"
}

// selectOf selects the key, the id and the columns.
func (t *table) selectOf(name string) string {
	fields := make([]string, 0, len(t.columns)+2)
	for _, f := range append([]string{t.key, t.id}, t.columns...) {
		if f == "" {
			f = "NULL"
		}
		fields = append(fields, f)
	}
	return "SELECT " + strings.Join(fields, ", ") + " FROM " + quoted(name)
}
