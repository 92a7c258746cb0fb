package ispmanager

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domovoy/checks"
)

// The tables that are read, as indices.
const (
	users = iota
	webdomain
	webdomainAlias
	webdomainIPAddr
	ipaddr
	ipaddrWebdomain // the Business edition's form of webdomain_ipaddr
	letsencryptSSL
	letsencryptLog
	tableCount
)

// wanted describes a table that is read: each column with the other names that
// it may have. Only a few names of the two letsencrypt tables are known from
// real panels, the others are guesses.
type wanted struct {
	name    string
	columns [][]string
	point   []int // indices of columns; without all of them the table is useless
}

func wantedTables() [tableCount]wanted {
	return [tableCount]wanted{
		users:           {"users", [][]string{{"name"}}, []int{0}},
		webdomain:       {"webdomain", [][]string{{"name"}, {"name_idn"}, {"users"}, {"active"}, {"secure"}, {"ssl_cert"}, {"redirect_http"}}, []int{0, 1}},
		webdomainAlias:  {"webdomain_alias", [][]string{{"webdomain"}, {"name"}, {"name_idn"}}, []int{1, 2}},
		webdomainIPAddr: {"webdomain_ipaddr", [][]string{{"webdomain"}, {"value", "name", "ipaddr"}}, []int{1}},
		ipaddr:          {"ipaddr", [][]string{{"name", "value"}}, []int{0}},
		ipaddrWebdomain: {"ipaddr_webdomain", [][]string{{"webdomain"}, {"ipaddr"}}, []int{1}},
		letsencryptSSL: {"letsencrypt_ssl", [][]string{
			{"certname", "crtname", "cert_name", "name"}, {"users", "user", "owner"}, {"domain_name", "domain"},
			{"processing"}, {"failed"}, {"time_started"}}, nil},
		letsencryptLog: {"letsencrypt_log", [][]string{
			{"certname", "crtname", "cert_name", "name"}, {"status"}, {"date", "datetime", "time"},
			{"message", "msg", "text", "info", "error", "log"}}, nil},
	}
}

// table is a wanted table as this panel has it. Its names come from the schema
// and match wanted names, so they are safe in SQL.
type table struct {
	name    string   // empty: the panel has no such table
	key     string   // column for paging: unique, ascending in order of insertion
	strict  bool     // the key holds integers only
	id      string   // column that other tables refer to
	columns []string // expressions in the order of wanted.columns; empty: no such column
	useless bool     // it lacks the columns for which it is read
	queries [2]string
}

// found is a column of a table in the schema.
type found struct {
	name, kind string // upper-case type
	primary    int    // position in the primary key from 1; 0: not in it
}

// learn finds the wanted tables.
func (f *file) learn(ctx context.Context) error {
	schema, err := f.number(ctx, "PRAGMA schema_version")
	if err != nil {
		return err
	}
	var mode string
	if err := f.row(ctx, "PRAGMA journal_mode", nil, &mode); err != nil {
		return fmt.Errorf("reading the journal mode: %w", err)
	}
	for i, w := range wantedTables() {
		t, err := f.find(ctx, w)
		if err != nil {
			return fmt.Errorf("reading the columns of %s: %w", w.name, err)
		}
		if i == letsencryptLog {
			t.bound(logText)
		}
		t.queries = [2]string{t.query(false), t.query(true)}
		f.tables[i] = t
	}
	if f.tables[webdomain].name == "" && f.tables[letsencryptSSL].name == "" {
		if f.info.Size() == 0 {
			return &Error{Reason: Empty}
		}
		return &Error{Reason: Shape, Detail: "neither webdomain nor letsencrypt_ssl is there"}
	}
	f.schema, f.wal = schema, mode == "wal"
	return nil
}

// find looks up a table; one without a key for paging counts as absent.
func (f *file) find(ctx context.Context, w wanted) (table, error) {
	var kind string
	var withoutRowID, n int
	var list string
	err := f.row(ctx, `SELECT count(*), ifnull(max(type), ''), ifnull(max(wr), 0) FROM pragma_table_list
		WHERE schema = 'main' AND name = ? COLLATE NOCASE`, []any{w.name}, &n, &kind, &withoutRowID)
	if err != nil || n == 0 {
		return table{}, err
	}
	err = f.row(ctx, `SELECT ifnull(group_concat(lower(name) || char(31) || upper(type) || char(31) || pk, char(30)), '')
		FROM pragma_table_info(?)`, []any{w.name}, &list)
	if err != nil {
		return table{}, err
	}
	var columns []found
	for field := range records(list, 3) {
		columns = append(columns, found{name: field[0], kind: field[1], primary: int(number(field[2]))})
	}
	return w.fit(columns, kind == "table" && withoutRowID == 0), nil
}

// fit matches the columns of a table with the wanted ones.
func (w wanted) fit(columns []found, hasRowID bool) table {
	t := table{name: w.name}
	has := func(name string) bool {
		return slices.ContainsFunc(columns, func(c found) bool { return c.name == name })
	}
	for _, names := range w.columns {
		at := slices.IndexFunc(names, has)
		if at < 0 {
			t.columns = append(t.columns, "")
			continue
		}
		t.columns = append(t.columns, names[at])
	}
	t.useless = len(w.point) > 0 && !slices.ContainsFunc(w.point, t.has)
	t.pageBy(columns, hasRowID, has)
	if t.id = t.key; has("id") {
		t.id = "id"
	}
	if t.key == "" {
		return table{}
	}
	return t
}

// pageBy chooses the key: the id where it is the whole primary key (a bare
// rowid may be renumbered by VACUUM), else the rowid, else any id.
func (t *table) pageBy(columns []found, hasRowID bool, has func(string) bool) {
	var primary []found
	for _, c := range columns {
		if c.primary > 0 {
			primary = append(primary, c)
		}
	}
	if len(primary) == 1 && primary[0].name == "id" && strings.Contains(primary[0].kind, "INT") {
		t.key, t.strict = "id", hasRowID && primary[0].kind == "INTEGER" // then id is the rowid
		return
	}
	rowID := slices.IndexFunc([]string{"rowid", "_rowid_", "oid"}, func(name string) bool { return !has(name) })
	switch {
	case hasRowID && rowID >= 0:
		t.key, t.strict = []string{"rowid", "_rowid_", "oid"}[rowID], true
	case has("id"):
		t.key = "id"
	}
}

// has reports whether the panel has the wanted column.
func (t *table) has(i int) bool { return t.name != "" && t.columns[i] != "" }

// bound truncates a column's text: a log that keeps whole conversations must
// not fill the memory.
func (t *table) bound(i int) {
	if t.has(i) {
		t.columns[i] = fmt.Sprintf("substr(%s, 1, %d)", t.columns[i], textLimit)
	}
}

// missing lists the wanted tables and columns that this panel lacks.
func (f *file) missing() []checks.Missing {
	var list []checks.Missing
	business := f.tables[ipaddrWebdomain].name != "" && f.tables[ipaddr].name != ""
	for i, w := range wantedTables() {
		switch {
		case i == ipaddrWebdomain, i == webdomainIPAddr && business:
			continue // one of the two is enough
		case f.tables[i].name == "":
			list = append(list, checks.Missing{Table: w.name})
			continue
		}
		for j, column := range f.tables[i].columns {
			if column == "" {
				list = append(list, checks.Missing{Table: w.name, Column: w.columns[j][0]})
			}
		}
	}
	return list
}
