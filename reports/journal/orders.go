package journal

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal/wording"
)

// failedText is the pattern and the parts of the text of attempt a, for an attempt
// whose wording was joined because it failed; empty for another.
const failedText = `coalesce(w.pattern, ''), iif(w.id IS NULL, '', a.parts)`

// OrderEvents calls each, oldest first, with a server's attempts that succeeded
// at or after issued, and with those that failed at or after failed, which must
// not be earlier than issued. Only failed attempts have their text. Attempts
// without a time, and those with another outcome, are left out.
func (j *Journal) OrderEvents(ctx context.Context, server string, issued, failed time.Time, each func(checks.Attempt)) error {
	var o orders
	err := j.view(ctx, "reading orders", func(t *tx) (err error) {
		o, err = t.orders(ctx, server, millis(issued), millis(failed))
		return err
	})
	if err == nil {
		o.each(server, each)
	}
	return err
}

// orders are many attempts of few certificates, most of which did not fail.
type orders struct {
	rows  []kept           // without their words
	names map[int64]string // of certificates
	texts map[int64]string // of those that failed
}

// orders reads what OrderEvents returns.
func (t *tx) orders(ctx context.Context, server string, issued, failed int64) (o orders, err error) {
	// This reads nothing but the index by time: there may be millions of failures in
	// between.
	o.rows, err = all(ctx, t, scanOrder, `SELECT id, certificate, outcome, time FROM attempt
		WHERE server = `+serverID+` AND time >= ?2 AND (outcome = ?4 OR outcome = ?5 AND time >= ?3)`,
		server, max(1, issued), max(1, failed), checks.OutcomeIssued, checks.OutcomeFailed)
	if err != nil {
		return o, err
	}
	return o, o.loadWords(ctx, t)
}

// each calls do with them, oldest first.
func (o orders) each(server string, do func(checks.Attempt)) {
	slices.SortFunc(o.rows, func(a, b kept) int { return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.id, b.id)) })
	for _, k := range o.rows {
		do(checks.Attempt{Server: server, Row: k.id & rowMask, Certificate: o.names[k.certificate], Outcome: k.outcome,
			Time: moment(k.time), Text: o.texts[k.id]})
	}
}

func scanOrder(s scanner) (k kept, err error) {
	return k, s.Scan(&k.id, &k.certificate, &k.outcome, &k.time)
}

// loadWords reads each certificate's name, and the texts of failures.
func (o *orders) loadWords(ctx context.Context, t *tx) error {
	o.names, o.texts = map[int64]string{}, map[int64]string{}
	var failed []int64
	for _, k := range o.rows {
		o.names[k.certificate] = ""
		if k.outcome == checks.OutcomeFailed {
			failed = append(failed, k.id)
		}
	}
	if err := certificateNames(ctx, t, o.names, func(id int64, name string) { o.names[id] = name }); err != nil {
		return err
	}
	_, err := all(ctx, t, func(s scanner) (struct{}, error) {
		var id, certificate int64
		var pattern, parts string
		err := s.Scan(&id, &certificate, &pattern, &parts)
		o.texts[id] = wording.Join(pattern, parts, o.names[certificate])
		return struct{}{}, err
	}, `SELECT a.id, a.certificate, w.pattern, a.parts FROM json_each(?) n CROSS JOIN attempt a ON a.id = n.value JOIN wording w ON w.id = a.wording`, jsonText(failed))
	return err
}

// certificateNames calls each with the name of each certificate of a set of ids.
func certificateNames[T any](ctx context.Context, t *tx, ids map[int64]T, each func(id int64, name string)) error {
	_, err := all(ctx, t, func(s scanner) (struct{}, error) {
		var id int64
		var name string
		err := s.Scan(&id, &name)
		each(id, name)
		return struct{}{}, err
	}, `SELECT c.id, c.name FROM json_each(?) n CROSS JOIN certificate c ON c.id = n.value`, jsonText(slices.Sorted(maps.Keys(ids))))
	return err
}

// issuing reads the attempts of one span for Issuance; every part of it is
// answered by an index alone. Recovered is a success whose series of failures
// began at most ?6 before it.
const issuing = `SELECT count(*), coalesce(sum(s.outcome = ?5), 0), coalesce(sum(s.outcome = ?4 AND coalesce((
		SELECT min(f.time) FROM attempt f WHERE f.certificate = s.certificate AND f.settled = 1 AND f.outcome = ?5
			AND (f.time, f.id) < (s.time, s.id) AND f.time > coalesce((SELECT max(p.time) FROM attempt p
				WHERE p.certificate = s.certificate AND p.settled = 1 AND p.outcome = ?4 AND (p.time, p.id) < (s.time, s.id)), 0)),
		0) >= s.time - ?6), 0)
	FROM attempt s WHERE s.server = ` + serverID + ` AND s.time >= ?2 AND s.time < ?3 AND s.outcome IN (?4, ?5)`

// Issuance counts a server's attempts between each moment and the next: one
// element less than there are moments. A success counts as recovered if failures
// that began at most within before it came first. Attempts without a time are in
// none.
func (j *Journal) Issuance(ctx context.Context, server string, moments []time.Time, within time.Duration) (days []reports.IssuanceDay, err error) {
	if err := j.settleAttempts(ctx, server); err != nil {
		return nil, err
	}
	err = j.view(ctx, "counting attempts by day", func(t *tx) error {
		for i := 1; i < len(moments); i++ {
			day := reports.IssuanceDay{From: moments[i-1]}
			scan := func(s scanner) (struct{}, error) {
				return struct{}{}, s.Scan(&day.Attempts, &day.Failed, &day.Recovered)
			}
			_, _, err := one(ctx, t, scan, issuing, server, millis(moments[i-1]), millis(moments[i]),
				checks.OutcomeIssued, checks.OutcomeFailed, within.Milliseconds())
			if err != nil {
				return err
			}
			days = append(days, day)
		}
		return nil
	})
	return days, err
}

// lookBack is how long before a success Recovered counts failures. It is longer
// than what panel.Issuing regards as a passing trouble, so that failures that
// began earlier are recognised.
const lookBack = 7 * 24 * time.Hour

// The queries of Recovered.
const (
	recoveredColumns = `SELECT c.name, a.outcome, a.time, ` + failedText + ` FROM `

	// From the success before the last one on: there may be thousands of attempts
	// before.
	recoveredJoined = ` JOIN attempt a ON a.certificate = c.id AND a.settled = 1 AND a.time <= c.last_issued AND a.time >= coalesce(
			(SELECT s.time FROM attempt s WHERE s.certificate = c.id AND s.settled = 1 AND s.time < c.last_issued AND s.time >= c.last_issued - ?3
				AND s.outcome = ?5 ORDER BY s.time DESC LIMIT 1), c.last_issued - ?3)
		LEFT JOIN wording w ON w.id = a.wording AND a.outcome = ?4
		WHERE c.server = ?1 AND c.failures = 0 AND c.last_issued > 0 AND c.last_issued >= ?2
		ORDER BY a.certificate, a.time, a.id`

	// Few of all certificates failed lately.
	recoveredOfAll = recoveredColumns + `(SELECT DISTINCT certificate AS id FROM attempt
		WHERE server = ` + serverID + ` AND outcome = ?4 AND time >= ?2 - ?3) n CROSS JOIN certificate c ON c.id = n.id` + recoveredJoined
	recoveredOfSome = recoveredColumns + `json_each(?6) n CROSS JOIN certificate c ON c.name = n.value` + recoveredJoined
)

// Recovered returns, by certificate name, the consecutive failures that ended with
// the certificate's last success, for certificates whose last success was at or
// after since and that have not failed again. With nil certificates it covers
// all of the server; otherwise only the named ones, at one look-up each (see
// LastAttempts for CROSS JOIN).
func (j *Journal) Recovered(ctx context.Context, server string, certificates []string, since time.Time) (map[string]checks.Recovery, error) {
	query := recoveredOfAll
	args := []any{server, millis(since), lookBack.Milliseconds(), checks.OutcomeFailed, checks.OutcomeIssued}
	if certificates != nil {
		query, args = recoveredOfSome, append(args, jsonText(certificates))
	}
	r := recovering{ended: map[string]checks.Recovery{}}
	if err := j.settleAttemptsOf(ctx, server, certificates); err != nil {
		return nil, err
	}
	err := j.view(ctx, "reading failures that passed", func(t *tx) error {
		_, err := all(ctx, t, r.scan, query, args...)
		return err
	})
	return r.ended, err
}

// recovering counts failures in rows that are ordered by certificate and, within
// each, from the oldest attempt on.
type recovering struct {
	name  string
	row   checks.Recovery // failures since the last success
	ended map[string]checks.Recovery
}

func (r *recovering) scan(s scanner) (struct{}, error) {
	var name, pattern, parts string
	var outcome checks.AttemptOutcome
	var at time.Time
	if err := s.Scan(&name, &outcome, stamp{&at}, &pattern, &parts); err != nil {
		return struct{}{}, err
	}
	if name != r.name {
		r.name, r.row = name, checks.Recovery{}
	}
	switch outcome {
	case checks.OutcomeIssued:
		if delete(r.ended, name); r.row.Failures > 0 {
			r.ended[name] = r.row
		}
		r.row = checks.Recovery{}
	case checks.OutcomeFailed:
		if r.row.Failures++; r.row.Failures == 1 {
			r.row.First = at
		}
		r.row.Last, r.row.Text = at, wording.Join(pattern, parts, name)
	}
	return struct{}{}, nil
}
