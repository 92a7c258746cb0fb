package journal

import (
	"context"
	"time"
)

// keepCalls is how long calls are kept: longer than any pace that is counted.
const keepCalls = 2 * time.Minute

// editsMark follows a messenger's name in the place of a hold on its edits alone.
const editsMark = "#edits"

// EditsOf is the place of a hold on a messenger's edits.
func EditsOf(messenger string) string { return messenger + editsMark }

// Hold keeps everything to a place from being sent until a time, as its messenger
// asked. A place is a chat without its topic, such as telegram:-1001234567890; the
// name of a messenger; or EditsOf it. A shorter hold does not end a longer one.
func (j *Journal) Hold(ctx context.Context, place string, until time.Time, reason string) error {
	return j.change(ctx, "holding a chat", func(t *tx) error { return t.hold(ctx, place, until, reason) })
}

func (t *tx) hold(ctx context.Context, place string, until time.Time, reason string) error {
	_, err := t.exec(ctx, `INSERT INTO hold (place, until, reason) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET until = max(until, excluded.until), reason = excluded.reason`, place, millis(until), reason)
	return err
}

// Call is one or more calls of a messenger for a delivery.
type Call struct {
	Place string // the chat without its topic
	At    time.Time
	Calls int
	Edit  bool
}

// Calls lists a messenger's calls since a time, oldest first; of all messengers when
// the name is empty.
func (j *Journal) Calls(ctx context.Context, messenger string, since time.Time) (calls []Call, err error) {
	err = j.view(ctx, "reading the last calls", func(t *tx) error {
		calls, err = all(ctx, t, func(s scanner) (c Call, err error) {
			err = s.Scan(&c.Place, stamp{&c.At}, &c.Calls, &c.Edit)
			return c, err
		}, `SELECT place, at, calls, edit FROM call WHERE at >= ?1
			AND (?2 = '' OR substr(place, 1, instr(place, ':') - 1) = ?2) ORDER BY at, id`, millis(since), messenger)
		return err
	})
	return calls, err
}

// Outage is a messenger that cannot be reached, or that refuses the token.
type Outage struct {
	Messenger string
	Since     time.Time
	Reason    string // the last failure
	Token     bool   // the token is refused
}

// KeepOutage records that a messenger is out. Since is that of the first record.
func (j *Journal) KeepOutage(ctx context.Context, o Outage) error {
	return j.change(ctx, "recording an outage", func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO outage (messenger, since, reason, token) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET reason = excluded.reason, token = excluded.token`, o.Messenger, millis(o.Since), o.Reason, o.Token)
		return err
	})
}

// EndOutage records that a messenger works again. If hurry is set, what failed with
// it and waits for another try is due at now.
func (j *Journal) EndOutage(ctx context.Context, messenger string, now time.Time, hurry bool) error {
	return j.change(ctx, "ending an outage", func(t *tx) error {
		if _, err := t.exec(ctx, `DELETE FROM outage WHERE messenger = ?`, messenger); err != nil || !hurry {
			return err
		}
		_, err := t.exec(ctx, `UPDATE delivery SET next = ?1 WHERE state = 'pending' AND ?2 IN (messenger, place) AND unclear AND next > ?1`,
			millis(now), messenger)
		return err
	})
}

// Outages lists the messengers that are out.
func (j *Journal) Outages(ctx context.Context) (out []Outage, err error) {
	err = j.view(ctx, "reading outages", func(t *tx) error {
		out, err = t.outages(ctx)
		return err
	})
	return out, err
}

func (t *tx) outages(ctx context.Context) ([]Outage, error) {
	return all(ctx, t, func(s scanner) (o Outage, err error) {
		err = s.Scan(&o.Messenger, stamp{&o.Since}, &o.Reason, &o.Token)
		return o, err
	}, `SELECT messenger, since, reason, token FROM outage ORDER BY messenger`)
}
