package lab

import (
	"fmt"
	"slices"
	"time"
)

// Variant makes a panel differ from the reconstructed one: much about live panels is unknown.
type Variant func(*layout) error

// layout is what NewPanel builds from.
type layout struct {
	tables  []table
	journal string
	zone    *time.Location
	bare    bool // no certificate files
}

func (l *layout) find(name string) (*table, error) {
	for i := range l.tables {
		if l.tables[i].name == name {
			return &l.tables[i], nil
		}
	}
	return nil, fmt.Errorf("the schema has no table %q", name)
}

// WithWAL keeps the database in write-ahead mode; the default is SQLite's own, DELETE.
func WithWAL() Variant {
	return func(l *layout) error {
		l.journal = "WAL"
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

// WithoutFiles makes a Sample of rows only, for tests that do not look at certificates: thousands of small files
// take a slow disk seconds.
func WithoutFiles() Variant {
	return func(l *layout) error {
		l.bare = true
		return nil
	}
}

// WithoutTable leaves a table out, as on a panel whose module is not loaded. Later writes to it are dropped.
func WithoutTable(name string) Variant {
	return func(l *layout) error {
		if _, err := l.find(name); err != nil {
			return err
		}
		l.tables = slices.DeleteFunc(l.tables, func(t table) bool { return t.name == name })
		return nil
	}
}

// WithoutColumn leaves a column out. Later writes to it are dropped.
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

// WithPluginColumn adds an integer column at a position counted from zero, as a panel plugin may:
// it shifts all that stands behind it, so nothing may be read by position.
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
