package lab

import (
	"fmt"
	"strings"
	"time"
)

// cell is one value on its way into a column.
type cell struct {
	column string
	value  any
}

// insert writes the cells whose columns this panel has; the id is zero where the table itself is absent.
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

// update changes the rows whose column key equals value; there must be one, else the caller has mistyped a name.
func (p *Panel) update(tableName, key string, value any, cells ...cell) error {
	columns, values := p.present(tableName, cells)
	if len(columns) == 0 {
		return nil
	}
	return p.change(fmt.Sprintf("UPDATE %s SET %s = ? WHERE %s = ?",
		tableName, strings.Join(columns, " = ?, "), key), append(values, value)...)
}

// change runs a statement that must touch a row.
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
		return nil, nil // left out by a variant
	}
	for _, c := range cells {
		if t.column(c.column) >= 0 {
			columns, values = append(columns, c.column), append(values, c.value)
		}
	}
	return columns, values
}

// date is a time as the panel writes it; nil, which is NULL, for the zero time.
func (p *Panel) date(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.In(p.layout.zone).Format(time.DateTime)
}

// onOff is a bool as the panel writes it.
func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// textOrNull spares rows the difference between an empty text and no text.
func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
