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
