package journal

import (
	"context"
	"time"

	"domovoy/checks"
)

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
