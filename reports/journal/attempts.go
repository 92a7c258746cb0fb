package journal

import (
	"context"
	"encoding/json"
	"time"

	"domovoy/checks"
	"domovoy/reports/journal/wording"
)

// An attempt's id is its server's id and its row of the panel's log in one number,
// so that rows of a log are added at one end of the table and found without an
// index. The first server has the id 0.
const (
	rowBits    = 44
	rowMask    = 1<<rowBits - 1
	mostServer = 1<<(63-rowBits) - 1
)

const (
	rowOf    = `(a.id & 0xfffffffffff)`                  // the row of attempt a: rowMask
	serverID = `(SELECT id FROM server WHERE name = ?1)` // NULL, which equals nothing: no attempt of it was ever kept
)

// saneFuture limits how far after reread an attempt's time may lie for NextRow to
// consider it, so that one row dated 2099 does not become the start of every
// later reading.
const saneFuture = 7 * 24 * time.Hour

// NextRow returns the row from which the panel's log is to be read next: the
// lowest row with a time at or after reread, since such rows may still change;
// if there is none, the row after the newest; 0 when nothing is stored. If the
// panel's highest row is lower than NextRow-1, its log was restarted and must be
// read from 0.
func (j *Journal) NextRow(ctx context.Context, server string, reread time.Time) (int64, error) {
	const doing = "finding the next attempt"
	row, ok, err := firstOf(glance(ctx, j, doing, single[*int64], `SELECT min(`+rowOf+`) FROM attempt a WHERE server = `+serverID+` AND time >= ?2 AND time < ?3`,
		server, millis(reread), millis(reread.Add(saneFuture))))
	if err != nil || ok && row != nil {
		return deref(row), err
	}
	// The newest by time, not the highest row: the log may have been restarted.
	newest, ok, err := firstOf(glance(ctx, j, doing, single[int64], `SELECT `+rowOf+` FROM attempt a WHERE server = `+serverID+` AND time < ?2
		ORDER BY time DESC, id DESC LIMIT 1`, server, millis(reread)))
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

// attemptColumns are those of an attempt a of the certificate c in the wording w.
const attemptColumns = `c.server, ` + rowOf + `, c.name, a.outcome, w.status, a.time, w.pattern, a.parts`

// scanAttempt scans attemptColumns and what follows them.
func scanAttempt(s scanner, more ...any) (a checks.Attempt, err error) {
	var pattern, parts string
	err = s.Scan(append([]any{&a.Server, &a.Row, &a.Certificate, &a.Outcome, &a.Status, stamp{&a.Time}, &pattern, &parts}, more...)...)
	a.Text = wording.Join(pattern, parts, a.Certificate)
	return a, err
}

// AttemptsOf lists the newest attempts, at most limit, of all these certificates
// together, newest first. Attempts without a time come last. It does not settle.
func (j *Journal) AttemptsOf(ctx context.Context, server string, certificates []string, limit int) (found []checks.Attempt, err error) {
	scan := func(s scanner) (checks.Attempt, error) { return scanAttempt(s) }
	err = j.view(ctx, "reading attempts", func(t *tx) error {
		found, err = all(ctx, t, scan, `SELECT `+attemptColumns+`
			FROM (SELECT a.time, a.id FROM certificate c JOIN attempt a ON a.certificate = c.id AND a.settled = 1
				WHERE c.server = ?1 AND c.name IN (SELECT value FROM json_each(?2))
				UNION ALL SELECT a.time, a.id FROM certificate c
				CROSS JOIN attempt a INDEXED BY attempt_unsettled ON a.server = `+serverID+` AND a.certificate = c.id AND a.settled = 0
				WHERE c.server = ?1 AND c.name IN (SELECT value FROM json_each(?2))
				ORDER BY 1 DESC, 2 DESC LIMIT 0 + ?3) newest
			JOIN attempt a ON a.id = newest.id JOIN certificate c ON c.id = a.certificate JOIN wording w ON w.id = a.wording
			ORDER BY a.time DESC, a.id DESC`, server, jsonText(certificates), limit)
		return err
	})
	return found, err
}

// LastAttempt is the state of issuing one certificate.
type LastAttempt struct {
	Attempt     checks.Attempt // the latest by time; without its status, and without its text unless it failed
	Failures    int            // failed attempts since the last success
	FirstFailed time.Time      // the first of Failures; zero: there is none, or it has no time
	LastIssued  time.Time      // zero: no success is known
}

// The queries of LastAttempts.
const (
	lastColumns = `SELECT ` + rowOf + `, c.name, a.outcome, a.time, ` + failedText + `, c.failures, c.first_failed, c.last_issued FROM `
	lastJoined  = ` JOIN attempt a ON a.id = c.last LEFT JOIN wording w ON w.id = a.wording AND a.outcome = ?2 WHERE c.server = ?1`
	lastOfAll   = lastColumns + `certificate c` + lastJoined
	lastOfSome  = lastColumns + `json_each(?3) n CROSS JOIN certificate c ON c.name = n.value` + lastJoined
)

// LastAttempts calls each with the state of every certificate of a server, or
// only of the named ones if certificates is not nil. Each named certificate costs
// one look-up: CROSS JOIN makes SQLite go through the names instead of through
// all certificates.
func (j *Journal) LastAttempts(ctx context.Context, server string, certificates []string, each func(LastAttempt)) error {
	query, args := lastOfAll, []any{server, checks.OutcomeFailed}
	if certificates != nil {
		query, args = lastOfSome, append(args, jsonText(certificates))
	}
	scan := func(s scanner) (struct{}, error) {
		l := LastAttempt{Attempt: checks.Attempt{Server: server}}
		a := &l.Attempt
		var pattern, parts string
		err := s.Scan(&a.Row, &a.Certificate, &a.Outcome, stamp{&a.Time}, &pattern, &parts, &l.Failures, stamp{&l.FirstFailed}, stamp{&l.LastIssued})
		if err == nil {
			a.Text = wording.Join(pattern, parts, a.Certificate)
			each(l)
		}
		return struct{}{}, err
	}
	if err := j.settleAttemptsOf(ctx, server, certificates); err != nil {
		return err
	}
	return j.view(ctx, "reading the last attempts", func(t *tx) error {
		_, err := all(ctx, t, scan, query, args...)
		return err
	})
}

// LastAttemptTime returns the newest time in a server's issuance log; zero: no
// attempt is stored.
func (j *Journal) LastAttemptTime(ctx context.Context, server string) (at time.Time, err error) {
	at, _, err = firstOf(glance(ctx, j, "reading the time of the last attempt", when, `SELECT max(time) FROM attempt WHERE server = `+serverID, server))
	return at, err
}

// jsonText is a list as json_each reads it from a query's argument.
func jsonText[T string | int64](list []T) string {
	text, _ := json.Marshal(list) // strings and numbers always marshal
	return string(text)
}
