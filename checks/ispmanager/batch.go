package ispmanager

import (
	"context"
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
	t, old := &p.db.tables()[id], p.kept.chunks[id]
	if t.name == "" || t.useless {
		return nil, len(old) == 0, nil
	}
	var fresh []chunk
	same := true
	for after := int64(math.MinInt64); ; {
		c, err := p.db.batch(ctx, t, after, batchRows)
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
		if err := pace.Sleep(ctx, p.db.pause()); err != nil {
			return nil, false, err
		}
		if c.rows < batchRows {
			return fresh, same && len(fresh) == len(old), nil
		}
		after = c.last
	}
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
