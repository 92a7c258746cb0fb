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
	partSpans = 4                    // pages of a part of a table, some 200 rows in all
	partRows  = 2 * batchRows        // of a part of a table at most
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
	mark        uint64
	rows        int
	text        string
}

// same reports whether two chunks have the same rows.
func (c *chunk) same(d *chunk) bool {
	return c.after == d.after && c.last == d.last && c.rows == d.rows && c.text == d.text
}

// paged is a database that can tell which parts of a table were written to.
type paged interface {
	// spans divides all keys of a table into ranges, each with a mark of the rows
	// in it, in such a way that as many as possible end where a chunk of the last
	// reading ended. None: it cannot be told of this table, or not yet.
	spans(ctx context.Context, t *table, old []chunk) ([]span, error)

	// within reads the first rows whose keys are in a range.
	within(ctx context.Context, t *table, keys span, limit int) (chunk, error)
}

// span is a range of keys of a table.
type span struct {
	after, last int64  // keys in (after, last]
	mark        uint64 // the same mark: the same rows; 0: tells nothing
}

// chunks returns a table's chunks and whether all are the same as before.
// Unchanged chunks are the values of the last reading.
func (p *Panel) chunks(ctx context.Context, id int) ([]chunk, bool, error) {
	t := &p.db.tables()[id]
	r := tableReading{panel: p, table: t, old: p.kept.chunks[id], same: true}
	if t.name == "" || t.useless {
		return nil, len(r.old) == 0, nil
	}
	var parts []span
	var err error
	db, known := p.db.(paged)
	if known {
		parts, err = db.spans(ctx, t, r.old)
	}
	if len(parts) > 0 && err == nil {
		err = r.readParts(ctx, db, parts)
	} else if err == nil {
		err = r.readAll(ctx)
	}
	return r.fresh, r.same && len(r.fresh) == len(r.old), err
}

// tableReading reads one table.
type tableReading struct {
	panel *Panel
	table *table
	old   []chunk // of the last reading
	fresh []chunk
	same  bool // so far
}

// keep adds a chunk; if it is as before, it is the one of before, whose text is
// in use already.
func (r *tableReading) keep(c chunk) {
	if n := len(r.fresh); n < len(r.old) && r.old[n].same(&c) {
		c.text = r.old[n].text
	} else {
		r.same = false
	}
	r.fresh = append(r.fresh, c)
}

// readAll reads all rows.
func (r *tableReading) readAll(ctx context.Context) error {
	for after := int64(math.MinInt64); ; {
		c, err := r.panel.db.batch(ctx, r.table, after, batchRows)
		if err != nil {
			return err
		}
		next := c.last
		if c.rows < batchRows {
			c.last = math.MaxInt64
		}
		r.keep(c)
		if err := pace.Sleep(ctx, r.panel.db.pause()); err != nil {
			return err
		}
		if c.rows < batchRows {
			return nil
		}
		after = next
	}
}

// readParts reads the parts of a table whose marks are not those of before.
func (r *tableReading) readParts(ctx context.Context, db paged, parts []span) error {
	old := r.old
	for _, part := range parts {
		for len(old) > 0 && old[0].after < part.after {
			old = old[1:]
		}
		if len(old) > 0 && part.mark != 0 && old[0].after == part.after && old[0].last == part.last && old[0].mark == part.mark {
			r.keep(old[0])
			continue
		}
		if err := r.readPart(ctx, db, part); err != nil {
			return err
		}
	}
	return nil
}

// readPart reads one part of a table as one chunk. Should it have grown a lot
// meanwhile, it is read as several, which are read again the next time.
func (r *tableReading) readPart(ctx context.Context, db paged, part span) error {
	for {
		c, err := db.within(ctx, r.table, part, partRows)
		if err != nil {
			return err
		}
		if err := pace.Sleep(ctx, r.panel.db.pause()); err != nil {
			return err
		}
		if c.rows < partRows {
			c.last, c.mark = part.last, part.mark
			r.keep(c)
			return nil
		}
		r.keep(c)
		part.after, part.mark = c.last, 0
	}
}

// joined makes parts of several spans: reading those one by one takes longer.
// Where the chunks of before ended, a part ends too, so that a row that moves to
// another page does not move all that follows to other parts.
func joined(spans []span, old []chunk) []span {
	var parts []span
	n := 0 // spans in the last part; 0: it has ended
	for _, s := range spans {
		if n == 0 {
			parts = append(parts, s)
		} else {
			parts[len(parts)-1] = parts[len(parts)-1].join(s)
		}
		n++
		for len(old) > 0 && old[0].last < s.last {
			old = old[1:]
		}
		if n == partSpans || len(old) > 0 && old[0].last == s.last {
			n = 0
		}
	}
	return parts
}

// join returns the range of two that follow each other.
func (s span) join(next span) span {
	mark := uint64(0)
	if s.mark != 0 && next.mark != 0 {
		mark = max(1, s.mark*0x9e3779b97f4a7c15+next.mark) // an odd factor loses nothing of the first
	}
	return span{s.after, next.last, mark}
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
