package journal

import (
	"context"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// growing are the tables that get longer the longer the program runs. The counts of
// panels (metric) are thinned out, and the rest has a row for each thing that there is.
const growing = `delivery|delivery_file|inbox|action|audit|audit_name|incident|problem|attempt|spell|task`

// waiting are the indexes of rows that wait or are open: there are few of them however
// many there were.
const waiting = `delivery_pending|delivery_next|inbox_waiting|incident_open|incident_held|problem_open|spell_open|task_open|attempt_unsettled`

// walks are the statements that may go through all of a table that grows, by a part of
// them, and why.
var walks = map[string]string{
	"FROM audit ORDER BY id DESC LIMIT":     "it stops at the limit",
	"SELECT id FROM audit LIMIT 1":          "it stops at the first",
	"result, hash FROM audit ORDER BY id":   "all is verified, once a day and when somebody asks",
	"SELECT max(time) FROM attempt":         "the maximum is the last of the index",
	"SELECT max(sent_at) FROM delivery":     "the maximum is the last of the index",
	"UPDATE action SET chat = ?2":           "a chat moves once",
	"DELETE FROM task WHERE finished":       "a task is begun by a person; once a day",
	"state = 'sent' AND edits IS NULL":      "of a day",
	"FROM delivery WHERE created >= ?2 UNI": "of a day",
}

// No query may take longer because of what was delivered, asked or done long ago. SQLite
// plans by the indexes alone: no file has statistics.
func TestNoStatementWalksThroughWhatIsPast(t *testing.T) {
	j, err := Open(t.Context(), t.TempDir()+"/state.db")
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	found := statements(t)
	if len(found) < 200 {
		t.Fatalf("%d statements found", len(found))
	}
	excused := map[string]bool{}
	for _, s := range found {
		plan, err := planOf(t.Context(), j, s.query)
		if err != nil {
			t.Errorf("%s: %v: %s", s.at, err, s.query)
		}
		for _, line := range plan {
			if !walk(s.query, line) {
				continue
			}
			why := ""
			for part, reason := range walks {
				if strings.Contains(s.query, part) {
					why, excused[part] = reason, true
				}
			}
			if why == "" {
				t.Errorf("%s: %s, in\n%s", s.at, line, s.query)
			}
		}
	}
	for part := range walks {
		if !excused[part] {
			t.Errorf("no statement with %q walks through a table: it needs no excuse", part)
		}
	}
}

var (
	looked = regexp.MustCompile(`^(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?(?:INDEX (\w+)|\w+ ?PRIMARY KEY|PRIMARY KEY))?(?: \((.*)\))?`)
	grows  = regexp.MustCompile(`^(` + growing + `)$`)
	waits  = regexp.MustCompile(`^(` + waiting + `)$`)
	coarse = regexp.MustCompile(`^(server|messenger|chat|place|kind|state)=\?$`) // which a great part of a table may have in common
)

// walk reports whether a line of a statement's plan means that the past is gone through.
func walk(query, line string) bool {
	m := looked.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	how, table, index, by := m[1], m[2], m[3], m[4]
	if !grows.MatchString(table) && !regexp.MustCompile(`\b(`+growing+`)\s+(AS\s+)?`+table+`\b`).MatchString(query) {
		return false
	}
	if waits.MatchString(index) {
		return false
	}
	return how == "SCAN" || by == "" || coarse.MatchString(by) || index == "delivery_created" && strings.HasPrefix(by, "created>")
}

// planOf lists the lines of a statement's plan.
func planOf(ctx context.Context, j *Journal, query string) (lines []string, err error) {
	rows, err := j.write.db.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, make([]any, 16)...) // more arguments than any has
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, rows.Err()
}

// A statement is a query of this package.
type statement struct {
	query string
	at    token.Position
}

var verb = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH)\s`)

// unplanned are the files whose statements are not planned: they read a table that only
// old files have.
var unplanned = map[string]bool{"repack.go": true}

// statements lists the queries of this package: its constant strings, where they are used.
// A query that is put together while the program runs fails the test, but for rows of
// values.
func statements(t *testing.T) (found []statement) {
	files, info := token.NewFileSet(), &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var sources []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || unplanned[name] {
			continue
		}
		source, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, source)
	}
	config := types.Config{Error: func(error) {}, Importer: nothing{}} // the values of strings do not need what is imported
	_, _ = config.Check("journal", files, sources, info)               // what it misses is in other packages
	text := func(e ast.Expr) (string, bool) {
		v := info.Types[e].Value
		if v == nil || v.Kind() != constant.String {
			return "", false
		}
		return constant.StringVal(v), true
	}
	for _, source := range sources {
		ast.Inspect(source, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
				return false // it is seen where it is used
			}
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			if query, ok := text(e); ok {
				if verb.MatchString(query) && !strings.HasSuffix(query, "VALUES ") {
					found = append(found, statement{query, files.Position(e.Pos())})
				}
				return false
			}
			sum, ok := e.(*ast.BinaryExpr)
			for ok && sum.Op == token.ADD {
				if query, constant := text(sum.X); constant && verb.MatchString(query) {
					t.Errorf("%s: the query %q… is not constant, so that its plan cannot be looked at", files.Position(e.Pos()), query)
				}
				sum, ok = sum.X.(*ast.BinaryExpr)
			}
			return true
		})
	}
	return found
}

// nothing imports nothing.
type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, fs.ErrNotExist }
