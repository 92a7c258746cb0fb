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
	batchRows = 600                  // of the tables but the log: a quarter of a millisecond, in which a writer waits
	breath    = 2 * time.Millisecond // for the panel's writer, after as much reading
)

// A batch comes as one text: fetching a thousand rows one by one costs three
// times as much. Fields are parted by unit separators and rows by record
// separators, the control characters made for it.
const (
	unitSeparator   = "\x1f"
	recordSeparator = "\x1e"
	nullMark        = "\x02"
)

// chunk is one batch of a table as it was read. What is parsed from it points
// into its text.
type chunk struct {
	after, last int64 // keys: all rows in (after, last]
	rows        int
	text        string
}

// chunks gives a table's chunks, those that are the same as before as they were,
// and whether all are.
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
				c = old[n] // lets go of the second copy of its text
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

// pause is how long to let the panel's writer in: as long as it had to wait
// for us at most since the last pause, and not for every trifle, as going to
// sleep and waking costs as much as half a batch. With a write-ahead log
// readers do not stand in the writer's way.
func (f *file) pause() time.Duration {
	if f.wal || f.worked < breath {
		return 0
	}
	f.worked = 0
	return breath
}

// batch reads the rows whose keys follow after. Where a value contains a
// separator, it is read again with those made blanks.
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

// whole reports whether the text has as many separators as it must.
func (t *table) whole(c chunk) bool {
	return strings.Count(c.text, recordSeparator) == c.rows-1 &&
		strings.Count(c.text, unitSeparator) == c.rows*len(t.columns)
}

// query is the statement for one batch, with separators inside of values made
// blanks or not. An expression instead of a bare
// column also keeps the driver from making times of declared dates.
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

// records walks over the rows of a text. The slice of fields is used again for
// the next row.
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

// plain is a field's text; NULL is empty.
func plain(field string) string {
	if field == nullMark {
		return ""
	}
	return field
}

// number is a field as a whole number; what is none is zero, which no row has
// for its id.
func number(field string) int64 {
	n, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
