package ispmanager

import (
	"context"
	"time"
)

// database is how a kind of database is read. It has no goroutines of its own;
// its methods are called one at a time. After an error it is closed, and the
// next call opens it again.
type database interface {
	// open connects and finds the tables, where that is not done yet.
	open(ctx context.Context) error

	// look is open, and returns what tells whether a table was written to. It
	// also finds the tables again if their shape has changed.
	look(ctx context.Context) (stamps, error)

	// done is called when a reading that began with the last look was complete.
	done()

	// tables are the tables as they were found; they are valid after open.
	tables() *tables

	// batch reads the rows that follow a key, in its order.
	batch(ctx context.Context, t *table, after int64, limit int) (chunk, error)

	// newest returns the highest key of a table; zero: it has no rows.
	newest(ctx context.Context, t *table) (int64, error)

	// pause returns how long to let the panel's writer in after a batch.
	pause() time.Duration

	// writes returns how often the database was written to; zero: not known.
	writes(ctx context.Context) int64

	// lost reports whether an error means only that the connection or what was
	// known about the tables is no longer good, so that the work can be done
	// again at once.
	lost(err error) bool

	// explain finds the reason of an error.
	explain(err error) *Error

	close() error
}

// stamp is a mark of a table's content: if it is the same as before, nothing was
// written to the table in between. An empty one tells nothing.
type stamp string

// stamps are the stamps of all tables.
type stamps [tableCount]stamp

// same reports whether a table has not been written to.
func (s *stamps) same(then *stamps, id int) bool { return s[id] != "" && s[id] == then[id] }
