package journal

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// KeepAttempts stores rows of a panel's issuance log. A row that is stored already
// is overwritten, because a panel changes rows in place and a replaced panel
// database starts its row numbers again; the sums of the certificates concerned
// are then recounted. Rows that disappeared from the panel are kept.
func (j *Journal) KeepAttempts(ctx context.Context, server string, attempts []checks.Attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	return j.copy(ctx, "keeping attempts", func(t *tx) error { return t.keepAttempts(ctx, server, attempts) })
}

// saneFuture limits how far after reread an attempt's time may lie for NextRow to
// consider it, so that one row dated 2099 does not become the start of every
// later reading.
const saneFuture = 7 * 24 * time.Hour

// NextRow returns the row from which the panel's log is to be read next: the
// lowest row with a time at or after reread, since such rows may still change;
// if there is none, the row after the newest; 0 when nothing is stored. If the
// panel's highest row is lower than NextRow-1, its log was restarted and must be
// read from 0.
func (j *Journal) NextRow(ctx context.Context, server string, reread time.Time) (row int64, err error) {
	err = j.view(ctx, "finding the next attempt", func(t *tx) error {
		row, err = t.nextRow(ctx, server, reread)
		return err
	})
	return row, err
}

func (t *tx) nextRow(ctx context.Context, server string, reread time.Time) (int64, error) {
	row, ok, err := one(ctx, t, single[*int64], `SELECT min(row) FROM attempt WHERE server = ? AND time >= ? AND time < ?`,
		server, millis(reread), millis(reread.Add(saneFuture)))
	if err != nil || ok && row != nil {
		return deref(row), err
	}
	// The newest by time, not the highest row: the log may have been restarted.
	newest, ok, err := one(ctx, t, single[int64], `SELECT row FROM attempt WHERE server = ? AND time < ?
		ORDER BY time DESC, row DESC LIMIT 1`, server, millis(reread))
	if err != nil || !ok {
		return 0, err
	}
	return newest + 1, nil
}

func deref(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}

// FailingCertificate is a certificate with its number of failed attempts.
type FailingCertificate struct {
	Certificate string
	Times       int
}

// Failing lists the certificates of a server that have at least times failed
// attempts at or after since, most failures first.
func (j *Journal) Failing(ctx context.Context, server string, since time.Time, times int) (found []FailingCertificate, err error) {
	scan := func(s scanner) (f FailingCertificate, err error) {
		err = s.Scan(&f.Certificate, &f.Times)
		return f, err
	}
	err = j.view(ctx, "counting failing certificates", func(t *tx) error {
		found, err = all(ctx, t, scan, `SELECT c.name, f.n FROM
			(SELECT certificate, count(*) n FROM attempt WHERE server = ? AND time >= ? AND outcome = ?
				GROUP BY certificate HAVING n >= ?) f
			JOIN certificate c ON c.id = f.certificate ORDER BY f.n DESC, c.name`,
			server, millis(since), checks.OutcomeFailed, times)
		return err
	})
	return found, err
}

const attemptColumns = `a.server, a.row, c.name, a.outcome, a.status, a.time, a.text`

func scanAttempt(s scanner) (a checks.Attempt, err error) {
	err = s.Scan(&a.Server, &a.Row, &a.Certificate, &a.Outcome, &a.Status, stamp{&a.Time}, &a.Text)
	return a, err
}

// AttemptsOf lists the newest attempts, at most limit, of all these certificates
// together, newest first. Attempts without a time come last.
func (j *Journal) AttemptsOf(ctx context.Context, server string, certificates []string, limit int) (found []checks.Attempt, err error) {
	err = j.view(ctx, "reading attempts", func(t *tx) error {
		found, err = all(ctx, t, scanAttempt, `SELECT `+attemptColumns+` FROM certificate c JOIN attempt a ON a.certificate = c.id
			WHERE c.server = ? AND c.name IN (SELECT value FROM json_each(?))
			ORDER BY a.time DESC, a.row DESC LIMIT 0 + ?`, server, jsonText(certificates), limit)
		return err
	})
	return found, err
}

// LastAttempt is the state of issuing one certificate.
type LastAttempt struct {
	Attempt     checks.Attempt // the latest by time
	Failures    int            // failed attempts since the last success
	FirstFailed time.Time      // the first of Failures; zero: there is none, or it has no time
	LastIssued  time.Time      // zero: no success is known
}

// LastAttempts calls each with the state of every certificate of a server, or
// only of the named ones if certificates is not nil. Each named certificate costs
// one look-up: CROSS JOIN makes SQLite go through the names instead of through
// all certificates.
func (j *Journal) LastAttempts(ctx context.Context, server string, certificates []string, each func(LastAttempt)) error {
	from, args := `certificate c`, []any{server}
	if certificates != nil {
		from, args = `json_each(?2) n CROSS JOIN certificate c ON c.name = n.value`, append(args, jsonText(certificates))
	}
	scan := func(s scanner) (struct{}, error) {
		var l LastAttempt
		a := &l.Attempt
		err := s.Scan(&a.Server, &a.Row, &a.Certificate, &a.Outcome, &a.Status, stamp{&a.Time}, &a.Text,
			&l.Failures, stamp{&l.FirstFailed}, stamp{&l.LastIssued})
		if err == nil {
			each(l)
		}
		return struct{}{}, err
	}
	return j.view(ctx, "reading the last attempts", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT `+attemptColumns+`, c.failures, c.first_failed, c.last_issued
			FROM `+from+` JOIN attempt a ON a.server = c.server AND a.row = c.last_row WHERE c.server = ?1`, args...)
		return err
	})
}

// LastAttemptTime returns the newest time in a server's issuance log; zero: no
// attempt is stored.
func (j *Journal) LastAttemptTime(ctx context.Context, server string) (at time.Time, err error) {
	err = j.view(ctx, "reading the time of the last attempt", func(t *tx) error {
		at, _, err = one(ctx, t, when, `SELECT max(time) FROM attempt WHERE server = ?`, server)
		return err
	})
	return at, err
}

// attemptSum is the stored sum of a certificate's attempts. Each new attempt is
// added to it, so that importing a million rows reads no row twice.
type attemptSum struct {
	id          int64 // of the certificate
	row         int64 // of its latest attempt
	time        int64
	failures    int
	firstFailed int64
	lastIssued  int64
	changed     bool // to be stored
	stale       bool // to be recounted from the stored attempts
}

// noRow is lower than every row, so that even row 0 without a time follows it.
const noRow = -1

// follows reports whether an attempt is newer than all that were added.
func (s *attemptSum) follows(row, at int64) bool {
	return at > s.time || at == s.time && row > s.row
}

// add counts one more attempt. An outcome that is neither a success nor a failure
// changes only the newest row.
func (s *attemptSum) add(row, at int64, outcome checks.AttemptOutcome) {
	s.row, s.time = row, at
	switch outcome {
	case checks.OutcomeIssued:
		s.failures, s.firstFailed, s.lastIssued = 0, 0, at
	case checks.OutcomeFailed:
		if s.failures == 0 {
			s.firstFailed = at
		}
		s.failures++
	}
}

// keeper stores one batch of attempts.
type keeper struct {
	*tx
	server  string
	sums    map[string]*attemptSum   // by certificate
	stored  map[int64]checks.Attempt // rows of the batch that are in the journal
	indexed bool                     // the index by certificate exists
}

func (t *tx) keepAttempts(ctx context.Context, server string, attempts []checks.Attempt) error {
	// The batch is small, and database/sql's goroutine per call that watches the
	// context costs more than storing a row. The transaction as a whole still
	// ends with the context.
	ctx = context.WithoutCancel(ctx)
	attempts = slices.Clone(attempts)
	for i := range attempts {
		// Names go to SQLite as JSON, which must be valid UTF-8.
		attempts[i].Certificate = strings.ToValidUTF8(attempts[i].Certificate, "\uFFFD")
	}
	k := &keeper{tx: t, server: server}
	if err := k.load(ctx, attempts); err != nil {
		return err
	}
	for _, a := range attempts {
		if err := k.keep(ctx, a); err != nil {
			return err
		}
	}
	for _, s := range k.sums {
		if err := k.saveSum(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// load reads the stored rows with the batch's numbers, and the sums of the
// certificates in the batch and in these rows.
func (k *keeper) load(ctx context.Context, attempts []checks.Attempt) error {
	k.sums = make(map[string]*attemptSum, len(attempts))
	low, high := attempts[0].Row, attempts[0].Row
	for i := range attempts {
		a := &attempts[i]
		k.sums[a.Certificate] = nil
		low, high = min(low, a.Row), max(high, a.Row)
	}
	known, err := all(ctx, k.tx, scanAttempt, `SELECT `+attemptColumns+` FROM attempt a JOIN certificate c ON c.id = a.certificate
		WHERE a.server = ? AND a.row BETWEEN ? AND ?`, k.server, low, high)
	if err != nil {
		return err
	}
	k.stored = make(map[int64]checks.Attempt, len(known))
	for _, a := range known {
		k.stored[a.Row] = a
		k.sums[a.Certificate] = nil
	}
	return k.loadSums(ctx)
}

func (k *keeper) loadSums(ctx context.Context) error {
	names := make([]string, 0, len(k.sums))
	for name := range k.sums {
		names = append(names, name)
	}
	_, err := all(ctx, k.tx, func(s scanner) (struct{}, error) {
		var name string
		var known attemptSum
		err := s.Scan(&name, &known.id, &known.row, &known.time, &known.failures, &known.firstFailed, &known.lastIssued)
		k.sums[name] = &known
		return struct{}{}, err
	}, `SELECT c.name, c.id, c.last_row, c.last_time, c.failures, c.first_failed, c.last_issued
		FROM json_each(?) named CROSS JOIN certificate c ON c.server = ? AND c.name = named.value`, jsonText(names), k.server)
	return err
}

// keep stores one attempt unless it is known as it is.
func (k *keeper) keep(ctx context.Context, a checks.Attempt) error {
	a.Server, a.Time = k.server, moment(millis(a.Time)) // as it will be read
	s, err := k.sum(ctx, a.Certificate)
	if err != nil {
		return err
	}
	old, known := k.stored[a.Row]
	switch {
	case known && old == a:
		return nil
	case known:
		was, err := k.sum(ctx, old.Certificate)
		if err != nil {
			return err
		}
		was.changed, was.stale, s.stale = true, true, true
	case s.follows(a.Row, millis(a.Time)):
		s.add(a.Row, millis(a.Time), a.Outcome)
	default:
		s.stale = true
	}
	s.changed = true
	k.stored[a.Row] = a
	_, err = k.exec(ctx, `INSERT INTO attempt (server, row, certificate, outcome, status, time, text) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (server, row) DO UPDATE SET certificate = excluded.certificate, outcome = excluded.outcome,
			status = excluded.status, time = excluded.time, text = excluded.text`,
		a.Server, a.Row, s.id, int64(a.Outcome), a.Status, millis(a.Time), a.Text)
	return err
}

// sum returns the sum of a certificate, which it adds if it is new.
func (k *keeper) sum(ctx context.Context, name string) (*attemptSum, error) {
	if s := k.sums[name]; s != nil {
		return s, nil
	}
	s := &attemptSum{row: noRow}
	var err error
	s.id, _, err = one(ctx, k.tx, single[int64], `INSERT INTO certificate (server, name) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET name = name RETURNING id`, k.server, name)
	k.sums[name] = s
	return s, err
}

// saveSum stores a changed sum; a stale one is recounted first.
func (k *keeper) saveSum(ctx context.Context, s *attemptSum) error {
	if s == nil || !s.changed {
		return nil
	}
	if s.stale {
		if err := k.recount(ctx, s); err != nil {
			return err
		}
	}
	_, err := k.exec(ctx, `UPDATE certificate SET last_row = ?, last_time = ?, failures = ?, first_failed = ?, last_issued = ?
		WHERE id = ?`, s.row, s.time, s.failures, s.firstFailed, s.lastIssued, s.id)
	return err
}

// recount computes a certificate's sum from all its stored attempts.
func (k *keeper) recount(ctx context.Context, s *attemptSum) error {
	if !k.indexed {
		if _, err := k.ExecContext(ctx, byCertificate); err != nil {
			return err
		}
		k.indexed = true
	}
	*s = attemptSum{id: s.id, row: noRow}
	_, err := all(ctx, k.tx, func(r scanner) (struct{}, error) {
		var row, at int64
		var outcome checks.AttemptOutcome
		err := r.Scan(&row, &at, &outcome)
		s.add(row, at, outcome)
		return struct{}{}, err
	}, `SELECT row, time, outcome FROM attempt WHERE certificate = ? ORDER BY time, row`, s.id)
	return err
}

// jsonText is a list as json_each reads it from a query's argument.
func jsonText[T string | int64](list []T) string {
	text, _ := json.Marshal(list) // strings and numbers always marshal
	return string(text)
}

// byCertificate creates the index of attempts by certificate. Its entries go to
// pages all over the file, while everything else of an attempt is appended:
// keeping the index up to date is half the work of a first import. So Import
// drops it and creates it once at the end. Code that needs it before that creates
// it, and so does Open after a process that died during an import.
const (
	byCertificate = `CREATE INDEX IF NOT EXISTS attempt_certificate ON attempt (certificate, time, row, outcome)`
	putOff        = `DROP INDEX IF EXISTS attempt_certificate`
)

// Import calls store, which stores many attempts by KeepAttempts, without the
// index by certificate, and creates the index afterwards. AttemptsOf is slow
// meanwhile. It is not one transaction: attempts that store has stored stay when
// it fails.
func (j *Journal) Import(ctx context.Context, store func() error) error {
	if err := j.index(ctx, putOff); err != nil {
		return err
	}
	err := store()
	// Also when the context has ended: otherwise the next Open has to do it.
	if failed := j.index(context.WithoutCancel(ctx), byCertificate); err == nil {
		err = failed
	}
	return err
}

func (j *Journal) index(ctx context.Context, statement string) error {
	return j.change(ctx, "indexing the attempts", func(t *tx) error {
		_, err := t.ExecContext(ctx, statement)
		return err
	})
}
