package lab

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed schema.sql
var schemaSQL string

// Schema is the best reconstruction of the panel's tables, each column with a comment telling how surely it is known.
func Schema() string { return schemaSQL }

// table is one CREATE TABLE of the schema, taken apart by lines.
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

// column tells where a column stands, or -1.
func (t table) column(name string) int {
	return slices.IndexFunc(t.columns, func(definition string) bool {
		return strings.HasPrefix(definition, name+" ")
	})
}
