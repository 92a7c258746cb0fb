package lab

import (
	"regexp"
	"strings"
)

// dialect is how the lab writes to one kind of database.
type dialect struct {
	begin  string // of a transaction
	setUp  func(layout) []string
	create func(ddl string) string // from SQLite's form
	lock   func(layout) (lock, unlock string)
}

func sqliteDialect() dialect {
	return dialect{
		begin: "BEGIN IMMEDIATE",
		setUp: func(l layout) []string {
			return []string{
				"PRAGMA busy_timeout = 5000", // milliseconds
				"PRAGMA synchronous = OFF",   // nothing here need survive a power failure; readers see no difference
				"PRAGMA journal_mode = " + l.journal,
			}
		},
		create: func(ddl string) string { return ddl },
		lock:   func(layout) (string, string) { return "BEGIN EXCLUSIVE", "ROLLBACK" },
	}
}

var references = regexp.MustCompile(` REFERENCES \w+\(\w+\)`)

func mysqlDialect() dialect {
	return dialect{
		begin: "START TRANSACTION",
		setUp: func(layout) []string { return nil },
		create: func(ddl string) string {
			// SQLite does not enforce foreign keys unless it is told to.
			return references.ReplaceAllString(strings.ReplaceAll(ddl, "AUTOINCREMENT", "AUTO_INCREMENT"), "")
		},
		lock: func(l layout) (string, string) {
			var names []string
			for _, t := range l.tables {
				names = append(names, t.name+" WRITE")
			}
			return "LOCK TABLES " + strings.Join(names, ", "), "UNLOCK TABLES"
		},
	}
}
