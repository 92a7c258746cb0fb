package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// glance is a view of one query that takes no time. It needs no transaction, and the
// end of the context does not interrupt it: beginning and ending one, and the goroutines
// that watch the context, cost several times as much as such a query.
func glance[T any](ctx context.Context, j *Journal, doing string, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, release, err := j.read.query(ctx, query, args...)
	if err == nil {
		defer release()
		var found []T
		if found, err = collect(rows, scan); err == nil {
			return found, nil
		}
	}
	j.note(err)
	return nil, fmt.Errorf("%s: %w", doing, err)
}

// query runs a query outside of a transaction; release is to be called after the rows
// were closed.
func (p *pool) query(ctx context.Context, query string, args ...any) (rows *sql.Rows, release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if release, err = p.turn(ctx); err != nil {
		return nil, nil, err
	}
	ctx = context.WithoutCancel(ctx)
	if err = p.prepareWanted(ctx); err == nil {
		if s := p.statement(query); s != nil { //nolint:sqlclosecheck // it is prepared once
			rows, err = s.QueryContext(ctx, args...) //nolint:sqlclosecheck // the caller closes them
		} else {
			rows, err = p.db.QueryContext(ctx, query, args...) //nolint:sqlclosecheck // the caller closes them
		}
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return rows, release, nil
}

// firstOf is the first of what was found; false: nothing was.
func firstOf[T any](found []T, err error) (v T, ok bool, _ error) {
	if err == nil && len(found) > 0 {
		v, ok = found[0], true
	}
	return v, ok, err
}
