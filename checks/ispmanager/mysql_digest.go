package ispmanager

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// digestRows is how many rows a statement of a digest covers: the server takes
// some 20 ms for them.
const digestRows = 5000

// digest returns a stamp of a table's content, which the server works out: what
// crosses the wire is a number, not the rows. It is empty for a table without an
// integer id, and where a statement takes too long.
func (s *session) digest(ctx context.Context, t *table) (stamp, error) {
	if t.name == "" || t.useless || t.key == "" {
		return "", nil
	}
	var rows int64
	var sum uint64
	for after := int64(math.MinInt64); ; {
		var n int64
		err := s.each(ctx, t.queries[1], []any{after, digestRows}, func(row []sql.RawBytes) error {
			n, after = number(string(row[0])), number(string(row[1]))
			part, err := strconv.ParseUint(string(row[2]), 10, 64)
			sum ^= part
			return err
		})
		if err != nil && reasonOfCode(codeOf(err)) == Timeout {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("comparing %s: %w", t.name, err)
		}
		if rows += n; n < digestRows {
			return stamp(fmt.Sprintf("digest %d %x", rows, sum)), nil
		}
	}
}

// digestOf is the statement for one part of a digest. Values are compared by
// their bytes, whatever their character sets are.
func (t *table) digestOf(name string) string {
	if t.key == "" {
		return ""
	}
	values := []string{"hex(" + t.key + ")"}
	for _, column := range t.columns {
		if column != "" {
			values = append(values, "ifnull(hex("+column+"), 'N')")
		}
	}
	return "SELECT count(1), ifnull(max(k), 0), ifnull(bit_xor(h), 0) FROM (SELECT " + t.key + " AS k, cast(conv(left(md5(concat_ws(',', " + strings.Join(values, ", ") +
		")), 16), 16, 10) AS UNSIGNED) AS h FROM " + quoted(name) + " WHERE " + t.key + " > ? ORDER BY " + t.key + " LIMIT ?) AS part"
}
