package journal

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// An attempt changes more than its own row: its certificate's sum, and the index by
// certificate, both on pages all over the file. A panel that is read every second and
// orders a hundred certificates in that time would have a megabyte written for twenty
// kilobytes of log, on the disk that the panel writes to. So AddAttempts only appends
// rows, and settles many at once: it brings the sums and the index up to date after
// settleRows or settleEvery, and before it changes a stored row. What needs either
// settles first.
const (
	settleRows  = 5000
	settleEvery = 15 * time.Minute
)

// tails are what AddAttempts remembers of the attempts that are not settled, by server.
type tails struct {
	mu sync.Mutex
	of map[string]*tail
}

// tail is the book of a server whose sums include the attempts that are not settled.
type tail struct {
	book    *book
	changes int64 // server.changes of when it was right
	rows    int
	begun   time.Time
}

// take returns what is remembered of a server, which the caller alone has from then on;
// nil: nothing is.
func (s *tails) take(server string) *tail {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.of[server]
	delete(s.of, server)
	return l
}

// mostSums is how many sums are remembered of all servers together, apart from one
// server's: those of fifty would take 80 MB.
const mostSums = 4 * settleRows

// keep remembers a tail; nil: nothing. It forgets those that were begun first if they are
// too much together: what is forgotten is settled when it is needed again.
func (s *tails) keep(server string, l *tail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]*tail{}
	}
	delete(s.of, server)
	if l == nil {
		return
	}
	sums := len(l.book.sums)
	for _, other := range s.of {
		sums += len(other.book.sums)
	}
	for sums > mostSums && len(s.of) > 0 {
		oldest := ""
		for name, other := range s.of {
			if oldest == "" || other.begun.Before(s.of[oldest].begun) {
				oldest = name
			}
		}
		sums -= len(s.of[oldest].book.sums)
		delete(s.of, oldest)
	}
	s.of[server] = l
}

// full reports whether it is time to settle.
func (l *tail) full(now time.Time) bool {
	return l.rows >= settleRows || len(l.book.sums) >= 2*settleRows || now.Sub(l.begun) >= settleEvery
}

// settleAttempts settles those of a server, in a transaction of its own.
func (j *Journal) settleAttempts(ctx context.Context, server string) error {
	return j.settleSome(ctx, unsettled, server)
}

// settleAttemptsOf settles those of these certificates; nil: of all.
func (j *Journal) settleAttemptsOf(ctx context.Context, server string, certificates []string) error {
	if certificates == nil {
		return j.settleAttempts(ctx, server)
	}
	return j.settleSome(ctx, unsettledOf, server, jsonText(certificates))
}

// What is not settled, of all certificates or of some.
const (
	unsettled = `SELECT id, certificate, time FROM attempt INDEXED BY attempt_unsettled
		WHERE server = ` + serverID + ` AND settled = 0`
	unsettledOf = `SELECT a.id, a.certificate, a.time
		FROM json_each(?2) n CROSS JOIN certificate c ON c.server = ?1 AND c.name = n.value
		CROSS JOIN attempt a INDEXED BY attempt_unsettled ON a.server = ` + serverID + ` AND a.certificate = c.id AND a.settled = 0`
)

// settleSome settles the attempts that a query returns. What is remembered of them stays
// right.
func (j *Journal) settleSome(ctx context.Context, query string, args ...any) error {
	const doing = "settling attempts"
	some, err := glance(ctx, j, doing, scanUnsettled, query, args...)
	if err != nil || len(some) == 0 {
		return err
	}
	return j.copy(ctx, doing, func(t *tx) error {
		rows, err := all(ctx, t, scanUnsettled, query, args...)
		if err != nil {
			return err
		}
		return t.settleThese(ctx, rows)
	})
}

func scanUnsettled(s scanner) (k kept, err error) {
	return k, s.Scan(&k.id, &k.certificate, &k.time)
}

// settleAtOnce is how many attempts one statement settles. They are in the order of the
// index, so that each of its pages is written once.
const settleAtOnce = 200

// settleAttempts settles those of a server, and recounts more certificates.
func (t *tx) settleAttempts(ctx context.Context, server int64, more ...int64) error {
	rows, err := all(ctx, t, scanUnsettled, `SELECT id, certificate, time FROM attempt INDEXED BY attempt_unsettled WHERE server = ? AND settled = 0`, server)
	if err == nil {
		err = t.settleThese(ctx, rows, more...)
	}
	return err
}

// settleThese settles attempts, and recounts more certificates.
func (t *tx) settleThese(ctx context.Context, rows []kept, more ...int64) error {
	if len(rows)+len(more) == 0 {
		return nil
	}
	if _, err := t.ExecContext(ctx, byCertificate); err != nil { // an import may have put it off
		return err
	}
	slices.SortFunc(rows, func(a, b kept) int {
		return cmp.Or(cmp.Compare(a.certificate, b.certificate), cmp.Compare(a.time, b.time))
	})
	for some := range slices.Chunk(rows, settleAtOnce) {
		ids, certificates := make([]int64, len(some)), make([]int64, len(some))
		for i, k := range some {
			ids[i], certificates[i] = k.id, k.certificate
		}
		if _, err := t.exec(ctx, `UPDATE attempt SET settled = 1 WHERE id IN (SELECT value FROM json_each(?))`, jsonText(ids)); err != nil {
			return err
		}
		if err := t.recount(ctx, slices.Compact(certificates)); err != nil {
			return err
		}
	}
	if len(more) == 0 {
		return nil
	}
	return t.recount(ctx, more)
}

// noteChange counts a change of the attempts of a server. To settle them is none: their sums
// stay what they are.
func (t *tx) noteChange(ctx context.Context, server int64) error {
	_, err := t.exec(ctx, `UPDATE server SET changes = changes + 1 WHERE id = ?`, server)
	return err
}
