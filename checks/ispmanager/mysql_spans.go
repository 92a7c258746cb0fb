package ispmanager

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"domovoy/checks/pace"
)

// Of a table that was written to, the server works out a digest of each range of
// keys, and only the rows of ranges whose digest is another one are read. A digest
// costs the server a quarter more than sending the rows (of 10,000 certificates 8 ms
// instead of 6), and us next to nothing instead of 15 ms.
//
// A digest of 32 bits takes a third of the time of one of 64. A change that it does
// not show, one of four billion, is seen with the next change in its range, or when
// the hour is over at the latest: then all rows are read (see trusted).

// spans returns the ranges of the last reading's chunks, each with its digest. It
// returns none before the first reading.
//
// A digest is worked out before its rows are read, so that a write in between is
// seen the next time.
func (s *session) spans(ctx context.Context, t *table, old []chunk) ([]span, error) {
	if t.key == "" {
		return nil, nil
	}
	hour := uint64(time.Now().Unix()) / uint64(trusted.Seconds())
	all := rangesOf(old)
	for i := range all {
		err := s.each(ctx, t.ranges[0], []any{all[i].after, all[i].last}, func(row []sql.RawBytes) error {
			sum, err := strconv.ParseUint(string(row[1]), 10, 64)
			all[i].mark = max(1, hour<<44+uint64(number(string(row[0])))<<32+sum)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("comparing %s: %w", t.name, err)
		}
		if err := pace.Sleep(ctx, s.pause()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// rangesOf divides all keys where chunks end. Small ones that follow each other,
// of which rows were deleted, become one.
func rangesOf(chunks []chunk) []span {
	var all []span
	rows := 0 // in the last range
	for _, c := range chunks {
		if n := len(all); n > 0 && rows+c.rows <= batchRows/2 {
			all[n-1].last = c.last
			rows += c.rows
			continue
		}
		all = append(all, span{after: c.after, last: c.last})
		rows = c.rows
	}
	if n := len(all); n > 0 {
		all[n-1].last = math.MaxInt64
	}
	return all
}

// rangeDigestOf is the statement for how many rows are in a range of keys, and for
// a digest of them. Texts are compared by their bytes, whatever their character
// sets are. The checksum of a checksum keeps the same change in two rows from
// cancelling itself out.
func (t *table) rangeDigestOf(name string, kinds map[string]string) string {
	values := []string{t.key}
	for i, column := range t.columns {
		switch kind := kinds[t.names[i]]; {
		case column == "":
			continue
		case strings.HasSuffix(kind, "int"), strings.HasPrefix(kind, "date"), kind == "timestamp":
		default:
			column = "cast(" + column + " AS BINARY)"
		}
		values = append(values, "ifnull("+column+", 0x02)") // nullMark
	}
	return "SELECT count(1), ifnull(bit_xor(crc32(crc32(concat_ws(0x1f, " + strings.Join(values, ", ") + ")))), 0) FROM " + quoted(name) +
		" WHERE " + t.key + " > ? AND " + t.key + " <= ?"
}
