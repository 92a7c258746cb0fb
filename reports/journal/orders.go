package journal

import (
	"context"
	"time"

	"domovoy/checks"
)

// Tried tells what became of a server's orders, oldest first: those that
// issued since a moment, and those that failed since a later one, with their
// words. Rows without a time, and those whose outcome is neither, are left
// out.
func (j *Journal) Tried(ctx context.Context, server string, issued, failed time.Time, each func(checks.Attempt)) error {
	scan := func(s scanner) (struct{}, error) {
		a := checks.Attempt{Server: server}
		if err := s.Scan(&a.Row, &a.Certificate, &a.Outcome, stamp{&a.Time}, &a.Text); err != nil {
			return struct{}{}, err
		}
		each(a)
		return struct{}{}, nil
	}
	return j.look(ctx, "reading orders", func(t *tx) error {
		// The inner query needs nothing but the index over times: millions of
		// failures may lie between.
		_, err := all(ctx, t, scan, `SELECT a.row, c.name, a.outcome, a.time, iif(a.outcome = ?5, a.text, '')
			FROM (SELECT row, time FROM attempt WHERE server = ?1 AND time >= ?2
				AND (outcome = ?4 OR outcome = ?5 AND time >= ?3)) w
			JOIN attempt a ON a.server = ?1 AND a.row = w.row JOIN certificate c ON c.id = a.certificate
			ORDER BY a.time, a.row`,
			server, max(1, millis(issued)), max(1, millis(failed)), checks.OutcomeIssued, checks.OutcomeFailed)
		return err
	})
}

// LastIssued tells, oldest first, the last order that issued of each of a
// server's certificates between two moments, without its words.
func (j *Journal) LastIssued(ctx context.Context, server string, from, to time.Time, each func(checks.Attempt)) error {
	scan := func(s scanner) (struct{}, error) {
		a := checks.Attempt{Server: server, Outcome: checks.OutcomeIssued}
		err := s.Scan(&a.Certificate, stamp{&a.Time})
		if err == nil {
			each(a)
		}
		return struct{}{}, err
	}
	return j.look(ctx, "reading old orders", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT c.name, w.time FROM
			(SELECT certificate, max(time) time FROM attempt WHERE server = ? AND time >= ? AND time < ? AND outcome = ? GROUP BY certificate) w
			JOIN certificate c ON c.id = w.certificate ORDER BY w.time`, server, max(1, millis(from)), millis(to), checks.OutcomeIssued)
		return err
	})
}

// lookBack is how long before a success its failures are looked for: longer
// than whoever judges them takes for a passing trouble, so that it shows where
// they began earlier.
const lookBack = 7 * 24 * time.Hour

// Recovered gives, by the certificate's name, the failures in a row that its
// last success ended, where that was at or after since and nothing failed
// again. Certificates that are nil are all of them; else it costs a look-up
// each, for which CROSS is needed (see LastAttempts).
func (j *Journal) Recovered(ctx context.Context, server string, certificates []string, since time.Time) (map[string]checks.Recovery, error) {
	from, args := `certificate c`, []any{server, millis(since), lookBack.Milliseconds(), checks.OutcomeFailed}
	if certificates != nil {
		from, args = `json_each(?5) n CROSS JOIN certificate c ON c.name = n.value`, append(args, jsonText(certificates))
	}
	r := recovering{ended: map[string]checks.Recovery{}}
	err := j.look(ctx, "reading failures that passed", func(t *tx) error {
		_, err := all(ctx, t, r.scan, `SELECT c.name, a.outcome, a.time, CASE a.outcome WHEN ?4 THEN a.text ELSE '' END
			FROM `+from+` JOIN attempt a ON a.certificate = c.id AND a.time BETWEEN c.last_issued - ?3 AND c.last_issued
			WHERE c.server = ?1 AND c.failures = 0 AND c.last_issued > 0 AND c.last_issued >= ?2
			ORDER BY a.certificate, a.time, a.row`, args...)
		return err
	})
	return r.ended, err
}

// recovering adds up the attempts of one certificate after another, each from
// the oldest.
type recovering struct {
	name  string
	row   checks.Recovery // failures since the last success
	ended map[string]checks.Recovery
}

func (r *recovering) scan(s scanner) (struct{}, error) {
	var name, text string
	var outcome checks.AttemptOutcome
	var at time.Time
	if err := s.Scan(&name, &outcome, stamp{&at}, &text); err != nil {
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
		r.row.Last, r.row.Text = at, text
	}
	return struct{}{}, nil
}
