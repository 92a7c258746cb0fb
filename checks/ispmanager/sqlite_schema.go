package ispmanager

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

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
		switch i {
		case webdomain:
			t.once(0, 1)
		case webdomainAlias:
			t.once(1, 2)
		case letsencryptLog:
			t.bound(logText)
		}
		t.queries = [2]string{t.query(false), t.query(true)}
		f.found[i] = t
	}
	if f.found[webdomain].name == "" && f.found[letsencryptSSL].name == "" {
		if f.info.Size() == 0 {
			return &Error{Reason: Empty}
		}
		return &Error{Reason: Shape, Detail: "neither webdomain nor letsencrypt_ssl is there"}
	}
	f.schema, f.wal = schema, mode == "wal"
	f.trees, f.seed = map[uint32]*tree{}, maphash.MakeSeed()
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
	t := w.fit(columns)
	t.pageBy(columns, kind == "table" && withoutRowID == 0)
	if t.id = t.key; hasColumn(columns, "id") {
		t.id = "id"
	}
	if t.key == "" {
		return table{}, nil
	}
	if t.strict {
		t.root, err = f.root(ctx, w.name)
	}
	return t, err
}

// root returns the first page of a table's b-tree. It is zero if the primary key
// has an index: a column that is the rowid has none, but one that is declared
// INTEGER PRIMARY KEY DESC is another (https://www.sqlite.org/lang_createtable.html#rowid).
func (f *file) root(ctx context.Context, name string) (page uint32, err error) {
	err = f.row(ctx, `SELECT ifnull(max(rootpage), 0) FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE
		AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')`, []any{name}, &page)
	return page, err
}

// pageBy chooses the key: the id where it is the whole primary key (a bare
// rowid may be renumbered by VACUUM), else the rowid, else any id.
func (t *table) pageBy(columns []found, hasRowID bool) {
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
	rowID := slices.IndexFunc([]string{"rowid", "_rowid_", "oid"}, func(name string) bool { return !hasColumn(columns, name) })
	switch {
	case hasRowID && rowID >= 0:
		t.key, t.strict = []string{"rowid", "_rowid_", "oid"}[rowID], true
	case hasColumn(columns, "id"):
		t.key = "id"
	}
}

// once leaves out the second form of a name where it is the same as the first, as
// nearly all are: the text of a table stays in memory.
func (t *table) once(name, idn int) {
	if t.has(name) && t.has(idn) {
		t.columns[idn] = fmt.Sprintf("nullif(%s, %s)", t.columns[idn], t.columns[name])
	}
}

// bound truncates a column's text: a log that keeps whole conversations must
// not fill the memory.
func (t *table) bound(i int) {
	if t.has(i) {
		t.columns[i] = fmt.Sprintf("substr(%s, 1, %d)", t.columns[i], textLimit)
	}
}
