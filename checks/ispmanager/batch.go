package ispmanager

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"domovoy/checks/pace"
)

const (
	batchRows = 600                  // of all tables but the log: takes about 0.25 ms, for which a writer waits
	breath    = 2 * time.Millisecond // pause for the panel's writer after as much reading time
)

// A batch is fetched as one text: fetching a thousand rows one by one takes
// three times as long. Fields are separated by unit separators and rows by
// record separators, the control characters for this purpose.
const (
	unitSeparator   = "\x1f"
	recordSeparator = "\x1e"
	nullMark        = "\x02"
)

// chunk is one batch of a table as it was read. Strings parsed from it share
// its memory.
type chunk struct {
	after, last int64 // all rows with keys in (after, last]
	rows        int
	text        string
}

// chunks returns a table's chunks and whether all are the same as before.
// Unchanged chunks are the values of the last reading.
func (p *Panel) chunks(ctx context.Context, id int) ([]chunk, bool, error) {
	t, old := &p.file.tables[id], p.kept.chunks[id]
	if t.name == "" || t.useless {
		return nil, len(old) == 0, nil
	}
	var fresh []chunk
	same := true
	for after := int64(math.MinInt64); ; {
		c, err := p.file.batch(ctx, t, after, batchRows)
		if err != nil {
			return nil, false, err
		}
		if c.rows > 0 {
			if n := len(fresh); n < len(old) && old[n] == c {
				c = old[n] // frees the second copy of the text
			} else {
				same = false
			}
			fresh = append(fresh, c)
		}
		if err := pace.Sleep(ctx, p.file.pause()); err != nil {
			return nil, false, err
		}
		if c.rows < batchRows {
			return fresh, same && len(fresh) == len(old), nil
		}
		after = c.last
	}
}

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

// batch reads the rows whose keys follow after. If a value contains a
// separator, the batch is read again with separators in values replaced by
// blanks.
func (f *file) batch(ctx context.Context, t *table, after int64, limit int) (chunk, error) {
	begun := time.Now()
	defer func() { f.worked += time.Since(begun) }()
	for _, query := range t.queries {
		c := chunk{after: after, last: after}
		err := f.row(ctx, query, []any{after, limit}, &c.rows, &c.last, &c.text)
		if err != nil {
			return chunk{}, fmt.Errorf("reading %s: %w", t.name, err)
		}
		if c.rows > 0 && c.last <= after {
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
	where := t.key + " > ?"
	if !t.strict {
		where += " AND typeof(" + t.key + ") = 'integer'"
	}
	return fmt.Sprintf("SELECT count(*), ifnull(max(k), 0), ifnull(group_concat(r, '%s'), '') FROM "+
		"(SELECT %s AS k, concat_ws('%s', ifnull(%s, 0)%s) AS r FROM %s WHERE %s ORDER BY %s LIMIT ?+0)",
		recordSeparator, t.key, unitSeparator, t.id, fields.String(), t.name, where, t.key)
}

// records yields the rows of a text. The slice of fields is reused for the next
// row.
func records(text string, width int) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		fields := make([]string, width)
		for more := text != ""; more; {
			var row string
			row, text, more = strings.Cut(text, recordSeparator)
			for i := range fields {
				fields[i], row, _ = strings.Cut(row, unitSeparator)
			}
			if !yield(fields) {
				return
			}
		}
	}
}

// plain returns a field's text; empty for NULL.
func plain(field string) string {
	if field == nullMark {
		return ""
	}
	return field
}

// number returns a field as an integer; zero, which is not the id of any row,
// if it is not one.
func number(field string) int64 {
	n, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
