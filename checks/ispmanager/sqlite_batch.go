package ispmanager

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"domovoy/checks/pace"
)

// pause returns how long to let the panel's writer in: as long as the writer
// may have waited for us since the last pause. It is zero while that is short,
// because going to sleep and waking up costs as much as half a batch, and with
// a write-ahead log, where readers do not block the writer.
func (f *file) pause() time.Duration {
	if f.wal || f.worked < breath {
		return 0
	}
	f.worked = 0
	return breath
}

// breathe lets the panel's writer in.
func (f *file) breathe(ctx context.Context) error { return pace.Sleep(ctx, f.pause()) }

// batch reads the rows whose keys follow after.
func (f *file) batch(ctx context.Context, t *table, after int64, limit int) (chunk, error) {
	return f.within(ctx, t, span{after: after, last: math.MaxInt64}, limit)
}

// within reads the first rows whose keys are in a range. If a value contains a
// separator, the batch is read again with separators in values replaced by
// blanks.
func (f *file) within(ctx context.Context, t *table, keys span, limit int) (chunk, error) {
	begun := time.Now()
	defer func() { f.worked += time.Since(begun) }()
	for _, query := range t.queries {
		c := chunk{after: keys.after, last: keys.after}
		err := f.row(ctx, query, []any{keys.after, keys.last, limit}, &c.rows, &c.last, &c.text)
		if err != nil {
			return chunk{}, fmt.Errorf("reading %s: %w", t.name, err)
		}
		if c.rows > 0 && c.last <= keys.after {
			return chunk{}, &Error{Reason: Malformed, Detail: "rows of " + t.name + " are out of order"}
		}
		if c.rows == 0 || t.whole(c) {
			return c, nil
		}
	}
	return chunk{}, &Error{Reason: Malformed, Detail: "rows of " + t.name + " do not come in one piece"}
}

// whole reports whether the text has the expected number of separators.
func (t *table) whole(c chunk) bool {
	return strings.Count(c.text, recordSeparator) == c.rows-1 &&
		strings.Count(c.text, unitSeparator) == c.rows*len(t.columns)
}

// query is the statement for one batch, with separators inside of values
// replaced by blanks or not. Because it selects an expression instead of a bare
// column, the driver does not convert columns that are declared as dates.
func (t *table) query(blank bool) string {
	var fields strings.Builder
	for _, column := range t.columns {
		value := "ifnull(" + column + ", '" + nullMark + "')"
		if column == "" {
			value = "'" + nullMark + "'"
		} else if blank {
			value = "replace(replace(" + value + ", '" + unitSeparator + "', ' '), '" + recordSeparator + "', ' ')"
		}
		fields.WriteString(", " + value)
	}
	where := t.key + " > ? AND " + t.key + " <= ?"
	if !t.strict {
		where += " AND typeof(" + t.key + ") = 'integer'"
	}
	return fmt.Sprintf("SELECT count(*), ifnull(max(k), 0), ifnull(group_concat(r, '%s'), '') FROM "+
		"(SELECT %s AS k, concat_ws('%s', ifnull(%s, 0)%s) AS r FROM %s WHERE %s ORDER BY %s LIMIT ?+0)",
		recordSeparator, t.key, unitSeparator, t.id, fields.String(), t.name, where, t.key)
}
