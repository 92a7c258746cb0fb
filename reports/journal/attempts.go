package journal

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// KeepAttempts stores rows of a panel's issuing log. The panel may change a
// row in place, and a replaced panel database numbers its rows anew: the row
// that comes last wins, and what it changed is counted again for the
// certificates concerned. A row that vanished from the panel is kept.
func (j *Journal) KeepAttempts(ctx context.Context, server string, attempts []checks.Attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	return j.change(ctx, "keeping attempts", func(t *tx) error { return t.keepAttempts(ctx, server, attempts) })
}

// saneFuture bounds how far after the moment asked for a time is believed, so
// that one row dated 2099 does not make every reading start at it for ever.
const saneFuture = 7 * 24 * time.Hour

// NextRow is the row at which the next reading of the panel's log begins: the
// lowest with a time at or after reread, whose rows may still change; else
// the row after the newest; else 0. If the panel's own highest row is lower
// than NextRow-1, its log was begun anew and must be read from 0.
func (j *Journal) NextRow(ctx context.Context, server string, reread time.Time) (row int64, err error) {
	err = j.look(ctx, "finding the next attempt", func(t *tx) error {
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
	// The newest by time, not the highest: see "begun anew" above.
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

// FailingCertificate is a certificate that failed several times.
type FailingCertificate struct {
	Certificate string
	Times       int
}

// Failing lists the certificates with at least that many failed attempts at
// or after since, most failures first.
func (j *Journal) Failing(ctx context.Context, server string, since time.Time, times int) (found []FailingCertificate, err error) {
	scan := func(s scanner) (f FailingCertificate, err error) {
		err = s.Scan(&f.Certificate, &f.Times)
		return f, err
	}
	err = j.look(ctx, "counting failing certificates", func(t *tx) error {
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

// AttemptsOf lists the newest attempts of these certificates together,
// newest first; one whose time cannot be read counts as oldest.
func (j *Journal) AttemptsOf(ctx context.Context, server string, certificates []string, limit int) (found []checks.Attempt, err error) {
	err = j.look(ctx, "reading attempts", func(t *tx) error {
		found, err = all(ctx, t, scanAttempt, `SELECT `+attemptColumns+` FROM certificate c JOIN attempt a ON a.certificate = c.id
			WHERE c.server = ? AND c.name IN (SELECT value FROM json_each(?))
			ORDER BY a.time DESC, a.row DESC LIMIT ?`, server, jsonText(certificates), limit)
		return err
	})
	return found, err
}

// LastAttempt is where issuing a certificate stands.
type LastAttempt struct {
	Attempt     checks.Attempt // the latest by time
	Failures    int            // failed ones since the last that issued
	FirstFailed time.Time      // the first of these; zero: none, or its time cannot be read
	LastIssued  time.Time      // zero: no success is known
}

// LastAttempts tells where issuing stands for each of a server's certificates,
// or for some of them where certificates is not nil. That costs a look-up
// each: CROSS keeps SQLite from reading them all here too, and the names once
// for each.
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
	return j.look(ctx, "reading the last attempts", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT `+attemptColumns+`, c.failures, c.first_failed, c.last_issued
			FROM `+from+` JOIN attempt a ON a.server = c.server AND a.row = c.last_row WHERE c.server = ?1`, args...)
		return err
	})
}

// LastMoved is the newest time in the panel's log; zero: nothing is kept.
func (j *Journal) LastMoved(ctx context.Context, server string) (at time.Time, err error) {
	err = j.look(ctx, "reading when the log last moved", func(t *tx) error {
		at, _, err = one(ctx, t, when, `SELECT max(time) FROM attempt WHERE server = ?`, server)
		return err
	})
	return at, err
}

// standing is the stored sum of a certificate's attempts. It is carried on
// by each new attempt, so that an import of a million rows reads none twice.
type standing struct {
	id          int64 // of the certificate
	row         int64 // of its latest attempt
	time        int64
	failures    int
	firstFailed int64
	lastIssued  int64
	changed     bool // to be stored
	stale       bool // to be counted again from the stored attempts
}

// noRow is below every row, so that even row 0 without a time follows.
const noRow = -1

// follows reports whether an attempt comes after all that were added.
func (s *standing) follows(row, at int64) bool {
	return at > s.time || at == s.time && row > s.row
}

// add carries the sum on. An outcome that is neither counts neither way.
func (s *standing) add(row, at int64, outcome checks.AttemptOutcome) {
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

// keeper stores one batch.
type keeper struct {
	*tx
	server    string
	standings map[string]*standing     // by certificate
	stored    map[int64]checks.Attempt // rows of the batch that are known already
	indexed   bool                     // the index by certificate is there for certain
}

func (t *tx) keepAttempts(ctx context.Context, server string, attempts []checks.Attempt) error {
	// The batch is small, and watching for the context's end costs more than
	// storing a row: the transaction as a whole still ends with it.
	ctx = context.WithoutCancel(ctx)
	attempts = slices.Clone(attempts)
	for i := range attempts {
		// Names go to SQLite as JSON, which has no other bytes.
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
	for _, s := range k.standings {
		if err := k.saveStanding(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// load reads what is known of the batch's rows, and of the certificates that
// they belong or belonged to.
func (k *keeper) load(ctx context.Context, attempts []checks.Attempt) error {
	k.standings = make(map[string]*standing, len(attempts))
	low, high := attempts[0].Row, attempts[0].Row
	for i := range attempts {
		a := &attempts[i]
		k.standings[a.Certificate] = nil
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
		k.standings[a.Certificate] = nil
	}
	return k.loadStandings(ctx)
}

func (k *keeper) loadStandings(ctx context.Context) error {
	names := make([]string, 0, len(k.standings))
	for name := range k.standings {
		names = append(names, name)
	}
	_, err := all(ctx, k.tx, func(s scanner) (struct{}, error) {
		var name string
		var known standing
		err := s.Scan(&name, &known.id, &known.row, &known.time, &known.failures, &known.firstFailed, &known.lastIssued)
		k.standings[name] = &known
		return struct{}{}, err
	}, `SELECT c.name, c.id, c.last_row, c.last_time, c.failures, c.first_failed, c.last_issued
		FROM json_each(?) named CROSS JOIN certificate c ON c.server = ? AND c.name = named.value`, jsonText(names), k.server)
	return err
}

// keep stores one attempt unless it is known as it is.
func (k *keeper) keep(ctx context.Context, a checks.Attempt) error {
	a.Server, a.Time = k.server, moment(millis(a.Time)) // as it will be read
	s, err := k.standing(ctx, a.Certificate)
	if err != nil {
		return err
	}
	old, known := k.stored[a.Row]
	switch {
	case known && old == a:
		return nil
	case known:
		was, err := k.standing(ctx, old.Certificate)
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

// standing finds a certificate, or makes it.
func (k *keeper) standing(ctx context.Context, name string) (*standing, error) {
	if s := k.standings[name]; s != nil {
		return s, nil
	}
	s := &standing{row: noRow}
	var err error
	s.id, _, err = one(ctx, k.tx, single[int64], `INSERT INTO certificate (server, name) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET name = name RETURNING id`, k.server, name)
	k.standings[name] = s
	return s, err
}

// saveStanding stores a certificate's sum, counted again where adding was not
// enough.
func (k *keeper) saveStanding(ctx context.Context, s *standing) error {
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

// recount adds a certificate's stored attempts up from the first.
func (k *keeper) recount(ctx context.Context, s *standing) error {
	if !k.indexed {
		if _, err := k.ExecContext(ctx, byCertificate); err != nil {
			return err
		}
		k.indexed = true
	}
	*s = standing{id: s.id, row: noRow}
	_, err := all(ctx, k.tx, func(r scanner) (struct{}, error) {
		var row, at int64
		var outcome checks.AttemptOutcome
		err := r.Scan(&row, &at, &outcome)
		s.add(row, at, outcome)
		return struct{}{}, err
	}, `SELECT row, time, outcome FROM attempt WHERE certificate = ? ORDER BY time, row`, s.id)
	return err
}

// jsonText is a list as a query's argument.
func jsonText[T string | int64](list []T) string {
	text, _ := json.Marshal(list) // strings and numbers always marshal
	return string(text)
}

// byCertificate is the index of the attempts by certificate. Its pages lie
// everywhere, where all else of an attempt is appended: keeping it up to date
// is half the work of a first import. So an import puts it off and makes it
// once at the end. What needs it before that makes it; so does Open, after a
// process that died over an import.
const (
	byCertificate = `CREATE INDEX IF NOT EXISTS attempt_certificate ON attempt (certificate, time, row, outcome)`
	putOff        = `DROP INDEX IF EXISTS attempt_certificate`
)

// Import calls store, which keeps many attempts by KeepAttempts, and makes
// that cheaper. Until it returns, AttemptsOf is slow.
func (j *Journal) Import(ctx context.Context, store func() error) error {
	if err := j.index(ctx, putOff); err != nil {
		return err
	}
	err := store()
	// Also when the context ended: the next process need not wait for it.
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
