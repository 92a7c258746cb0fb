package journal

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"domovoy/checks"
)

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
