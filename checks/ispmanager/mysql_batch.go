package ispmanager

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// batch reads the rows whose keys follow after.
func (s *session) batch(ctx context.Context, t *table, after int64, limit int) (chunk, error) {
	c := chunk{after: after, last: after}
	if t.key == "" {
		after = max(after, 0)
		c.last = after
	}
	return s.read(ctx, t, c, t.queries[0], after, limit)
}

// within reads the first rows whose keys are in a range.
func (s *session) within(ctx context.Context, t *table, keys span, limit int) (chunk, error) {
	return s.read(ctx, t, chunk{after: keys.after, last: keys.after}, t.ranges[1], keys.after, keys.last, limit)
}

// read adds the rows of a statement to a chunk.
func (s *session) read(ctx context.Context, t *table, c chunk, query string, args ...any) (chunk, error) {
	var text strings.Builder
	err := s.each(ctx, query, args, func(row []sql.RawBytes) error {
		last := c.last + 1
		if t.key != "" {
			if last = number(string(row[0])); last <= c.last {
				return &Error{Reason: Malformed, Detail: "rows of " + t.name + " are out of order"}
			}
		}
		if c.rows > 0 {
			text.WriteString(recordSeparator)
		}
		c.rows, c.last = c.rows+1, last
		if row[1] == nil {
			row[1] = strconv.AppendInt(nil, last, 10)
		}
		appendRow(&text, row[1:])
		return nil
	})
	if err != nil {
		return chunk{}, fmt.Errorf("reading %s: %w", t.name, err)
	}
	c.text = text.String()
	return c, nil
}

// appendRow writes a row as records reads it: values end at a NUL, as those of
// SQLite do, and separators in them become blanks.
func appendRow(text *strings.Builder, row []sql.RawBytes) {
	for i, value := range row {
		if i > 0 {
			text.WriteString(unitSeparator)
		}
		if value == nil {
			text.WriteString(nullMark)
			continue
		}
		if end := bytes.IndexByte(value, 0); end >= 0 {
			value = value[:end]
		}
		for _, separator := range []string{unitSeparator, recordSeparator} {
			if bytes.Contains(value, []byte(separator)) {
				value = bytes.ReplaceAll(value, []byte(separator), []byte(" "))
			}
		}
		text.Write(value)
	}
}

// newest returns the highest key of a table, or how many rows it has if their
// position is their key.
func (s *session) newest(ctx context.Context, t *table) (int64, error) {
	name := quoted(s.real[letsencryptLog])
	if t.key == "" {
		return s.number(ctx, "SELECT count(1) FROM "+name)
	}
	return s.number(ctx, "SELECT ifnull(max("+t.key+"), 0) FROM "+name)
}
