package journal

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"domovoy/checks"
)

// KeepAttempts stores rows of a panel's issuance log. A row that is stored already
// is overwritten, because a panel changes rows in place and a replaced panel
// database starts its row numbers again; the sums of the certificates concerned
// are then recounted. Rows that disappeared from the panel are kept. Rows whose
// number no panel can have, below 0 or above 17 million million, are left out.
func (j *Journal) KeepAttempts(ctx context.Context, server string, attempts []checks.Attempt) error {
	_, err := j.AddAttempts(ctx, server, attempts)
	return err
}

// AddAttempts is KeepAttempts, and returns what became of each certificate of the
// attempts. Within an Import it returns nothing.
func (j *Journal) AddAttempts(ctx context.Context, server string, attempts []checks.Attempt) ([]Moved, error) {
	if len(attempts) == 0 {
		return nil, nil
	}
	i := j.imports.of(server)
	if i != nil && !i.add(attempts) {
		return nil, nil
	}
	k := keeping{tail: j.tails.take(server)}
	err := j.copy(ctx, "keeping attempts", func(t *tx) error {
		// The batch is small, and the goroutine per statement that watches the
		// context costs more than storing a row. The transaction as a whole still
		// ends with the context.
		ctx := context.WithoutCancel(ctx)
		if i != nil {
			return i.flush(ctx, t)
		}
		return k.keep(ctx, t, server, attempts)
	})
	if err != nil || i != nil {
		j.failed.forget(server) // also after an error: the commit may have succeeded nevertheless
		return nil, err
	}
	j.tails.keep(server, k.tail)
	j.failed.note(server, &k)
	return k.moved, nil
}

// kept is an attempt as it is stored.
type kept struct {
	id          int64 // see rowBits
	certificate int64
	outcome     checks.AttemptOutcome
	time        int64
	wording     int64
	parts       string
}

func (k kept) follows(s *attemptSum) bool {
	return k.time > s.time || k.time == s.time && k.id > s.last
}

// attemptSum is the sum of a certificate's attempts. Each new attempt is added to it, so
// that a poll reads no old row.
type attemptSum struct {
	certificate int64  // its id; 0: not known yet
	name        string // of the certificate
	last        int64  // id of its latest attempt; noAttempt: it has none
	time        int64
	failures    int
	firstFailed int64
	lastIssued  int64
	failedBy    int64 // no failure is later

	// Of what a batch added:
	changed        bool                  // there is something
	stale          bool                  // the sum is wrong: it has to be recounted from the stored attempts
	outcome        checks.AttemptOutcome // of the latest attempt, if it changed
	issued, failed bool                  // a success, a failure is among it
	passed         bool                  // the last success ended failures of which some may be in lookBack
	pattern, parts string                // of the latest attempt's text, if it failed
}

// settled forgets what a batch added; it is in the sum.
func (s *attemptSum) settled() {
	s.changed, s.stale, s.outcome = false, false, 0
	s.issued, s.failed, s.passed = false, false, false
	s.pattern, s.parts = "", "" // the memory of the whole batch
}

// noAttempt is lower than every id, so that even row 0 without a time follows it.
const noAttempt = -1

// add counts one more attempt with its wording. An outcome that is neither a success
// nor a failure changes only the newest one.
func (s *attemptSum) add(k kept, w *word) {
	s.last, s.time, s.changed = k.id, k.time, true
	s.pattern, s.parts = "", ""
	s.outcome = k.outcome
	switch k.outcome {
	case checks.OutcomeIssued:
		s.passed = s.failures > 0 && s.failedBy >= k.time-lookBack.Milliseconds()
		s.failures, s.firstFailed, s.lastIssued = 0, 0, k.time
		s.issued = true
	case checks.OutcomeFailed:
		if s.failures == 0 {
			s.firstFailed = k.time
		}
		s.failures++
		s.failed, s.failedBy = true, k.time
		s.pattern, s.parts = w.key[w.status+1:], k.parts
	}
}

// keeping stores a batch that is not part of an import.
type keeping struct {
	tail  *tail                 // nil: nothing is remembered
	sums  map[int64]*attemptSum // of the batch, by certificate
	fresh []kept                // what was not stored before as it is
	moved []Moved               // see AddAttempts
}

func (p *keeping) keep(ctx context.Context, t *tx, server string, attempts []checks.Attempt) error {
	if err := p.open(ctx, t, server); err != nil {
		return err
	}
	b := p.tail.book
	rows, err := b.encode(ctx, t, attempts)
	if err != nil || len(rows) == 0 {
		return err
	}
	stored, err := t.storedBetween(ctx, rows)
	if err != nil {
		return err
	}
	p.sums = make(map[int64]*attemptSum, len(rows))
	before := make(map[int64]LastAttempt, len(rows))
	for _, r := range b.refs {
		p.sums[r.sum.certificate] = r.sum
		before[r.sum.certificate] = r.sum.lastAttempt()
	}
	p.fresh = rows[:0]
	changed := int64(math.MaxInt64) // the first success that changes
	var stale []int64               // certificates
	for i, k := range rows {
		s := b.refs[i].sum
		old, known := stored[k.id]
		if known && old == k {
			continue
		}
		switch {
		case known:
			if was := p.sums[old.certificate]; was != nil {
				was.stale = true
			}
			s.stale = true
			stale = append(stale, old.certificate, k.certificate)
		case k.follows(s):
			s.add(k, b.refs[i].word)
		default:
			s.stale = true
			stale = append(stale, k.certificate)
		}
		changed = min(changed, firstSuccess(k, old)) // old is no success if it is not known
		stored[k.id] = k
		p.fresh = append(p.fresh, k)
	}
	if changed < math.MaxInt64 {
		if err := t.forgetSuccesses(ctx, b.server, changed); err != nil {
			return err
		}
	}
	if err := t.insertAttempts(ctx, p.fresh, true); err != nil {
		return err
	}
	for id, s := range p.sums {
		p.moved = append(p.moved, s.moved(before[id]))
		s.settled()
	}
	return p.close(ctx, t, stale)
}

// open finds out whether the tail is right, and begins a new one if it is not, or if
// there is none.
func (p *keeping) open(ctx context.Context, t *tx, server string) error {
	if p.tail != nil {
		changes, _, err := one(ctx, t, single[int64], `SELECT changes FROM server WHERE id = ? AND name = ?`, p.tail.book.server, server)
		if err != nil || changes == p.tail.changes {
			return err
		}
	}
	b, err := t.openBook(ctx, server)
	if err != nil {
		return err
	}
	if err := t.settleAttempts(ctx, b.server); err != nil {
		return err
	}
	p.tail = &tail{book: b, begun: time.Now()}
	p.tail.changes, _, err = one(ctx, t, single[int64], `SELECT changes FROM server WHERE id = ?`, b.server)
	return err
}

// close ends a batch. It settles the tail, which is then of no more use, if it is full, or
// if certificates are stale.
func (p *keeping) close(ctx context.Context, t *tx, stale []int64) error {
	if len(p.fresh) == 0 {
		return nil
	}
	p.tail.rows += len(p.fresh)
	p.tail.changes++
	server := p.tail.book.server
	if err := t.noteChange(ctx, server); err != nil || len(stale) == 0 && !p.tail.full(time.Now()) {
		return err
	}
	p.tail = nil
	return t.settleAttempts(ctx, server, stale...)
}

// storedBetween returns, by id, the attempts that are stored from the lowest to the
// highest id of rows.
func (t *tx) storedBetween(ctx context.Context, rows []kept) (map[int64]kept, error) {
	low, high := idsOf(rows)
	stored := make(map[int64]kept, len(rows))
	_, err := all(ctx, t, func(s scanner) (struct{}, error) {
		var k kept
		err := s.Scan(&k.id, &k.certificate, &k.outcome, &k.time, &k.wording, &k.parts)
		stored[k.id] = k
		return struct{}{}, err
	}, `SELECT id, certificate, outcome, time, wording, parts FROM attempt WHERE id BETWEEN ? AND ?`, low, high)
	return stored, err
}

// idsOf returns the lowest and the highest id of rows, of which there is at least one.
func idsOf(rows []kept) (low, high int64) {
	low, high = rows[0].id, rows[0].id
	for _, k := range rows {
		low, high = min(low, k.id), max(high, k.id)
	}
	return low, high
}

// rowsAtOnce is how many rows one statement inserts: with many, a row costs a
// third.
const rowsAtOnce = 100

// insertAttempts stores rows of one server, in place of those with the same ids. New ones
// are to be settled later, or not.
func (t *tx) insertAttempts(ctx context.Context, rows []kept, later bool) error {
	const (
		settled = `INSERT INTO attempt (id, server, certificate, outcome, time, wording, parts) VALUES `
		tail    = `INSERT INTO attempt (settled, id, server, certificate, outcome, time, wording, parts) VALUES `
		replace = ` ON CONFLICT (id) DO UPDATE SET certificate = excluded.certificate, outcome = excluded.outcome,
			time = excluded.time, wording = excluded.wording, parts = excluded.parts`
	)
	if len(rows) == 0 {
		return nil
	}
	into, row := settled, fmt.Sprintf(`(?, %d, ?, ?, ?, ?, ?)`, rows[0].id>>rowBits) // the server is that of all
	if later {
		into, row = tail, `(0, `+row[1:]
	}
	args := make([]any, 0, 6*rowsAtOnce)
	for len(rows) > 0 {
		n, query := 1, into+row+replace
		if len(rows) >= rowsAtOnce {
			n, query = rowsAtOnce, into+row+strings.Repeat(", "+row, rowsAtOnce-1)+replace
		}
		args = args[:0]
		for _, k := range rows[:n] {
			args = append(args, k.id, k.certificate, int64(k.outcome), k.time, k.wording, k.parts)
		}
		if _, err := t.exec(ctx, query, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// recount computes the sums of certificates from their stored attempts. It reads
// only the last of each, and those that failed after its last success.
func (t *tx) recount(ctx context.Context, certificates []int64) error {
	_, err := t.exec(ctx, `WITH counted AS MATERIALIZED (SELECT c.value AS id,
			(SELECT a.id FROM attempt a WHERE a.certificate = c.value AND a.settled = 1 ORDER BY a.time DESC, a.id DESC LIMIT 1) AS last,
			(SELECT a.id FROM attempt a WHERE a.certificate = c.value AND a.settled = 1 AND a.outcome = ?2 ORDER BY a.time DESC, a.id DESC LIMIT 1) AS issued
			FROM json_each(?1) c)
		UPDATE certificate AS c SET last = coalesce(n.last, ?4), last_time = coalesce(l.time, 0), last_issued = coalesce(i.time, 0),
			failures = (SELECT count(*) FROM attempt f WHERE f.certificate = n.id AND f.settled = 1 AND f.outcome = ?3
				AND (f.time, f.id) > (coalesce(i.time, -1), coalesce(i.id, -1))),
			first_failed = coalesce((SELECT min(f.time) FROM attempt f WHERE f.certificate = n.id AND f.settled = 1 AND f.outcome = ?3
				AND (f.time, f.id) > (coalesce(i.time, -1), coalesce(i.id, -1))), 0)
		FROM counted n LEFT JOIN attempt l ON l.id = n.last LEFT JOIN attempt i ON i.id = n.issued WHERE c.id = n.id`,
		jsonText(certificates), checks.OutcomeIssued, checks.OutcomeFailed, noAttempt)
	return err
}
