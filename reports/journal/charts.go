package journal

import (
	"context"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal/wording"
)

// Samples calls each with a server's stored values of a count from from to to, both
// included, oldest first. PruneMetrics thins old ones out.
func (j *Journal) Samples(ctx context.Context, server string, code checks.Code, from, to time.Time, each func(reports.Sample)) error {
	scan := func(s scanner) (struct{}, error) {
		var x reports.Sample
		err := s.Scan(stamp{&x.At}, &x.Value)
		if err == nil {
			each(x)
		}
		return struct{}{}, err
	}
	return j.view(ctx, "reading the values of a count", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT at, value FROM metric WHERE server = ? AND code = ? AND at >= ? AND at <= ? ORDER BY at`,
			server, string(code), millis(from), millis(to))
		return err
	})
}

// tallied is the time within which Tried counts attempts together: every zone's
// hours and days begin at a multiple of it.
const tallied = 15 * time.Minute

// Tried calls each with the number of a server's attempts within each quarter of an
// hour that had any, from from on and before to, oldest first. Attempts without a
// time, and those with another outcome than issued or failed, are left out. The
// index by time alone answers it.
func (j *Journal) Tried(ctx context.Context, server string, from, to time.Time, each func(reports.Tried)) error {
	scan := func(s scanner) (struct{}, error) {
		x := reports.Tried{Server: server}
		err := s.Scan(stamp{&x.At}, &x.Issued, &x.Failed)
		if err == nil {
			each(x)
		}
		return struct{}{}, err
	}
	return j.view(ctx, "counting attempts", func(t *tx) error {
		_, err := all(ctx, t, scan, `SELECT time / ?4 * ?4 AS quarter, sum(outcome = ?5), sum(outcome = ?6) FROM attempt
			WHERE server = `+serverID+` AND time >= ?2 AND time < ?3 AND outcome IN (?5, ?6) GROUP BY quarter ORDER BY quarter`,
			server, max(1, millis(from)), millis(to), tallied.Milliseconds(), checks.OutcomeIssued, checks.OutcomeFailed)
		return err
	})
}

// AttemptsSince returns from when on all of a server's attempts are known at now;
// zero: none is. What is older may have been pruned.
func (j *Journal) AttemptsSince(ctx context.Context, server string, now time.Time) (since time.Time, err error) {
	err = j.view(ctx, "finding the first attempt", func(t *tx) error {
		since, _, err = one(ctx, t, when, `SELECT min(time) FROM attempt WHERE server = `+serverID+` AND time > 0`, server)
		return err
	})
	if kept := now.Add(-keepAttempts); !since.IsZero() && since.Before(kept) {
		since = kept
	}
	return since, err
}

// passings are the successes that Issuance counts as recovered, with the first
// failure of the series that they ended and the text of the last.
const passings = `SELECT x.first, c.name, w.pattern, l.parts
	FROM (SELECT s.certificate, s.time, s.id, (SELECT min(f.time) FROM attempt f WHERE f.certificate = s.certificate AND f.settled = 1 AND f.outcome = ?5
			AND (f.time, f.id) < (s.time, s.id) AND f.time > coalesce((SELECT max(p.time) FROM attempt p
				WHERE p.certificate = s.certificate AND p.settled = 1 AND p.outcome = ?4 AND (p.time, p.id) < (s.time, s.id)), 0)) AS first
		FROM attempt s WHERE s.server = ` + serverID + ` AND s.time >= ?2 AND s.time < ?3 AND s.outcome = ?4) x
	CROSS JOIN certificate c ON c.id = x.certificate
	CROSS JOIN attempt l ON l.id = (SELECT l.id FROM attempt l WHERE l.certificate = x.certificate AND l.settled = 1 AND l.outcome = ?5
		AND (l.time, l.id) < (x.time, x.id) ORDER BY l.time DESC, l.id DESC LIMIT 1)
	CROSS JOIN wording w ON w.id = l.wording
	WHERE x.first >= x.time - ?6 ORDER BY x.time, x.id`

// Passings calls each with the series of failures that a success ended, from from on
// and before to, at most within after the first failure: when they began, and the
// text of the last. They are as many as Issuance counts as recovered.
func (j *Journal) Passings(ctx context.Context, server string, from, to time.Time, within time.Duration, each func(began time.Time, text string)) error {
	scan := func(s scanner) (struct{}, error) {
		var began time.Time
		var name, pattern, parts string
		err := s.Scan(stamp{&began}, &name, &pattern, &parts)
		if err == nil {
			each(began, wording.Join(pattern, parts, name))
		}
		return struct{}{}, err
	}
	if err := j.settleAttempts(ctx, server); err != nil {
		return err
	}
	return j.view(ctx, "reading failures that passed", func(t *tx) error {
		_, err := all(ctx, t, scan, passings, server, max(1, millis(from)), millis(to), checks.OutcomeIssued, checks.OutcomeFailed, within.Milliseconds())
		return err
	})
}
