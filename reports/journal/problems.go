package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"domovoy/reports"
)

// ErrStale is the error of Record when problems or silences changed since the
// state on which the entry was decided was read: it must be decided again.
var ErrStale = errors.New("problems changed meanwhile")

// Standing is what the next decision rests on, as of one moment.
type Standing struct {
	Revision int64              // for Entry
	Problems []reports.Problem  // open ones, oldest first
	Silences []reports.Silence  // that last, are to come, or ended within SilencesKept
	Passed   []reports.Incident // that ended while they were held back
}

// SilencesKept is how long a silence that ended is still listed: to say what it
// was when what it held back is told.
const SilencesKept = 24 * time.Hour

// Standing reads what the next decision rests on.
func (j *Journal) Standing(ctx context.Context, now time.Time) (s Standing, err error) {
	err = j.view(ctx, "reading the problems", func(t *tx) (err error) {
		ctx := context.WithoutCancel(ctx) // see glance
		if s.Revision, _, err = one(ctx, t, single[int64], `SELECT n FROM revision`); err != nil {
			return err
		}
		if s.Problems, err = all(ctx, t, scanProblem, `SELECT `+problemColumns+` FROM problem WHERE resolved = 0 ORDER BY id`); err != nil {
			return err
		}
		if s.Silences, err = all(ctx, t, scanSilence, `SELECT `+silenceColumns+` FROM silence WHERE until > ? ORDER BY id`, millis(now.Add(-SilencesKept))); err != nil {
			return err
		}
		// By the index of those that were held back: other ways read all there ever were.
		s.Passed, err = all(ctx, t, newIncidentScanner().scan, `SELECT `+incidentColumns+` FROM incident WHERE held <> '' AND +resolved > 0 ORDER BY +id`)
		return err
	})
	return s, err
}

// Problem returns a problem by its number; false: there is none.
func (j *Journal) Problem(ctx context.Context, id int64) (p reports.Problem, ok bool, err error) {
	err = j.view(ctx, "reading a problem", func(t *tx) error {
		p, ok, err = one(ctx, t, scanProblem, `SELECT `+problemColumns+` FROM problem WHERE id = ?`, id)
		return err
	})
	return p, ok, err
}

// IncidentsOfProblem lists the incidents of a problem, those that are over
// included, oldest first.
func (j *Journal) IncidentsOfProblem(ctx context.Context, id int64) ([]reports.Incident, error) {
	return j.incidents(ctx, selectIncidents+`problem = ? ORDER BY opened, id`, id)
}

// Opens returns when the incidents of some keys that are over were opened since a
// moment, oldest first.
func (j *Journal) Opens(ctx context.Context, keys []string, since time.Time) (map[string][]time.Time, error) {
	opens := map[string][]time.Time{}
	err := j.view(ctx, "reading openings", func(t *tx) error {
		_, err := all(ctx, t, func(s scanner) (struct{}, error) {
			var key string
			var at time.Time
			err := s.Scan(&key, stamp{&at})
			opens[key] = append(opens[key], at)
			return struct{}{}, err
		}, `SELECT key, opened FROM incident WHERE key IN (SELECT value FROM json_each(?)) AND opened >= ? AND resolved > 0 ORDER BY opened`, list(keys), millis(since))
		return err
	})
	return opens, err
}

const problemColumns = `id, key, server, cause, worst, peak, baseline, opened, resolved, reason, told, told_value, told_at, life`

func scanProblem(s scanner) (p reports.Problem, err error) {
	var life []byte
	if err := s.Scan(&p.ID, &p.Key, &p.Server, (*string)(&p.Cause), &p.Worst, &p.Peak, &p.Baseline, stamp{&p.Opened}, stamp{&p.Resolved},
		(*string)(&p.Told.Reason), &p.Told.Severity, &p.Told.Value, stamp{&p.Told.At}, &life); err != nil {
		return p, err
	}
	if err := json.Unmarshal(life, &p.Life); err != nil {
		return p, fmt.Errorf("reading problem %d: %w", p.ID, err)
	}
	return p, nil
}

// keepProblem stores a problem and returns its ID. One without an ID is new.
func (t *tx) keepProblem(ctx context.Context, p reports.Problem) (int64, error) {
	life, err := json.Marshal(p.Life)
	if err != nil {
		return 0, fmt.Errorf("storing the problem %s: %w", p.Key, err)
	}
	values := []any{p.Key, p.Server, string(p.Cause), int(p.Worst), p.Peak, p.Baseline, millis(p.Opened), millis(p.Resolved),
		string(p.Told.Reason), int(p.Told.Severity), p.Told.Value, millis(p.Told.At), string(life)}
	if p.ID == 0 {
		id, _, err := one(ctx, t, single[int64], `INSERT INTO problem (key, server, cause, worst, peak, baseline, opened, resolved, reason, told, told_value, told_at, life)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, values...)
		return id, err
	}
	n, err := t.exec(ctx, `UPDATE problem SET key = ?, server = ?, cause = ?, worst = ?, peak = ?, baseline = ?, opened = ?, resolved = ?,
		reason = ?, told = ?, told_value = ?, told_at = ?, life = ? WHERE id = ?`, append(values, p.ID)...)
	if err == nil && n == 0 {
		err = fmt.Errorf("there is no problem %d", p.ID)
	}
	return p.ID, err
}

const silenceColumns = `id, about, reason, person, name, created, start, until`

func scanSilence(s scanner) (x reports.Silence, err error) {
	var about []byte
	if err := s.Scan(&x.ID, &about, &x.Reason, &x.Person, &x.Name, stamp{&x.Created}, stamp{&x.Start}, stamp{&x.End}); err != nil {
		return x, err
	}
	return x, json.Unmarshal(about, &x.Match)
}

// keepSilence stores a silence and returns its ID. One without an ID is new; of
// another only the end changes.
func (t *tx) keepSilence(ctx context.Context, x reports.Silence) (int64, error) {
	if x.ID != 0 {
		n, err := t.exec(ctx, `UPDATE silence SET until = ? WHERE id = ?`, millis(x.End), x.ID)
		if err == nil && n == 0 {
			err = fmt.Errorf("there is no silence %d", x.ID)
		}
		return x.ID, err
	}
	about, err := json.Marshal(x.Match)
	if err != nil {
		return 0, fmt.Errorf("storing a silence: %w", err)
	}
	id, _, err := one(ctx, t, single[int64], `INSERT INTO silence (about, reason, person, name, created, start, until)
		VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`, string(about), x.Reason, x.Person, x.Name, millis(x.Created), millis(x.Start), millis(x.End))
	return id, err
}

// Stored are the numbers that Record gave.
type Stored struct {
	Problems map[string]int64 // by key
	Silences []int64          // in the order of the entry
}

// recordLife stores the problems and silences of an entry, if it rests on the
// newest revision.
func (t *tx) recordLife(ctx context.Context, e Entry) (Stored, error) {
	stored := Stored{Problems: map[string]int64{}}
	if e.Revision != 0 {
		n, _, err := one(ctx, t, single[int64], `SELECT n FROM revision`)
		if err = cmp.Or(err, staleIf(n != e.Revision)); err != nil {
			return stored, err
		}
	}
	for _, p := range e.Problems {
		id, err := t.keepProblem(ctx, p)
		if err != nil {
			return stored, err
		}
		stored.Problems[p.Key] = id
	}
	for _, x := range e.Silences {
		id, err := t.keepSilence(ctx, x)
		if err != nil {
			return stored, err
		}
		stored.Silences = append(stored.Silences, id)
	}
	if len(e.Problems)+len(e.Silences) == 0 {
		return stored, nil
	}
	_, err := t.exec(ctx, `UPDATE revision SET n = n + 1`)
	return stored, err
}

func staleIf(is bool) error {
	if is {
		return ErrStale
	}
	return nil
}

// problemOf is the ID of the open problem of a key, stored by this entry or
// before.
func (t *tx) problemOf(ctx context.Context, key string, stored Stored) (int64, error) {
	if id, ok := stored.Problems[key]; ok {
		return id, nil
	}
	id, ok, err := one(ctx, t, single[int64], `SELECT id FROM problem WHERE key = ? AND resolved = 0`, key)
	if err == nil && !ok {
		err = fmt.Errorf("there is no open problem %s", key)
	}
	return id, err
}

// withdraw drops the messages about problems that somebody takes which still
// wait and say that nobody does: reminders, steps of the escalation, and what goes
// another way. One whose sending began and that waits for another try may have
// arrived; see CalledFor.
func (t *tx) withdraw(ctx context.Context, now time.Time, problems []int64) error {
	if len(problems) == 0 {
		return nil
	}
	_, err := t.exec(ctx, `UPDATE delivery SET state = 'dropped', error = ? WHERE state = 'pending' AND (begun = 0 OR next > ?)
		AND problem IN (SELECT value FROM json_each(?)) AND kind IN (SELECT value FROM json_each(?))`,
		dropTaken, millis(now), jsonText(problems), list([]string{string(reports.Reminded), string(reports.Escalated), string(reports.Released), string(reports.Handed), SpareKind}))
	return err
}

// CalledFor lists the deliveries by which somebody was called because of a problem,
// or may have been: steps of the escalation that were sent, that wait, or that were
// withdrawn after a try whose outcome is not known.
func (j *Journal) CalledFor(ctx context.Context, problem int64) (found []Delivery, err error) {
	err = j.view(ctx, "reading who was called", func(t *tx) error {
		found, err = all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery
			WHERE problem = ? AND kind = ? AND edits IS NULL AND under IS NULL AND (state <> 'dropped' OR begun > 0) ORDER BY id`, problem, string(reports.Escalated))
		return err
	})
	return found, err
}
