package journal

import (
	"context"
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
