package journal

import (
	"context"
	"time"
)

// DeliveryReport is the state of the outbox.
type DeliveryReport struct {
	Waiting  int        // deliveries that wait
	Oldest   time.Time  // when the oldest of them was enqueued; zero: none waits
	Next     []Delivery // those that wait, in the order of sending, at most the limit
	Sent     []Delivery // the last ones that were sent, newest first, at most the limit
	Dropped  []Delivery // the last ones that no messenger would accept, newest first, at most the limit
	Lost     int        // their number since the time asked for
	Chats    []ChatDeliveries
	Outages  []Outage
	Closed   []ClosedChat
	BySpares int // deliveries that went another way since the time asked for
}

// ChatDeliveries counts the deliveries of a chat, without its topics, since the
// time asked for; those that wait are counted whatever their age.
type ChatDeliveries struct {
	Chat                   string
	Sent, Dropped, Waiting int
	Last                   time.Time // when the last message was accepted; zero: none
	HeldUntil              time.Time // the messenger asked to wait until then; zero: it did not
}

// DeliverySummary is the part of Deliveries that is not about single chats or messages:
// numbers, and which ways are closed.
func (j *Journal) DeliverySummary(ctx context.Context, since time.Time) (r DeliveryReport, err error) {
	err = j.view(ctx, "describing the outbox", func(t *tx) error { return t.summarize(ctx, &r, since) })
	return r, err
}

func (t *tx) summarize(ctx context.Context, r *DeliveryReport, since time.Time) (err error) {
	if err := t.countDeliveries(ctx, r, since); err != nil {
		return err
	}
	if r.Outages, err = t.outages(ctx); err != nil {
		return err
	}
	r.Closed, err = t.closedChats(ctx)
	return err
}

// Deliveries describes the outbox: what was sent, what waits, what was dropped since
// a time, and which ways are closed. The messages come without their files.
func (j *Journal) Deliveries(ctx context.Context, now, since time.Time, limit int) (r DeliveryReport, err error) {
	err = j.view(ctx, "describing the outbox", func(t *tx) error {
		for _, step := range []func() error{
			func() error { return t.summarize(ctx, &r, since) },
			func() (err error) {
				r.Next, err = t.someDeliveries(ctx, selectDeliveries+`state = 'pending' ORDER BY rank, created, id LIMIT 0 + ?`, limit)
				return err
			},
			func() (err error) {
				r.Sent, err = t.someDeliveries(ctx, selectDeliveries+`state = 'sent' AND edits IS NULL AND under IS NULL AND created >= ? ORDER BY sent_at DESC, id DESC LIMIT 0 + ?`, millis(since), limit)
				return err
			},
			func() (err error) {
				r.Dropped, err = t.someDeliveries(ctx, selectDeliveries+lost+` ORDER BY created DESC, id DESC LIMIT 0 + ?`, ownReasons(), millis(since), limit)
				return err
			},
			func() (err error) { r.Chats, err = t.chatDeliveries(ctx, now, since); return err },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	return r, err
}

// lost is what readers never got: not what the outbox itself merged.
const lost = `state = 'dropped' AND error NOT IN (SELECT value FROM json_each(?)) AND created >= ?`

func (t *tx) countDeliveries(ctx context.Context, r *DeliveryReport, since time.Time) error {
	_, _, err := one(ctx, t, func(s scanner) (struct{}, error) {
		return struct{}{}, s.Scan(&r.Waiting, stamp{&r.Oldest})
	}, `SELECT count(*), min(created) FROM delivery WHERE state = 'pending'`)
	if err != nil {
		return err
	}
	if r.Lost, _, err = one(ctx, t, single[int], `SELECT count(*) FROM delivery WHERE `+lost, ownReasons(), millis(since)); err != nil {
		return err
	}
	// SQLite would rather read all deliveries since then than the few that are spares.
	r.BySpares, _, err = one(ctx, t, single[int], `SELECT count(*) FROM delivery INDEXED BY delivery_spared
		WHERE spare IS NOT NULL AND state = 'sent' AND created >= ?`, millis(since))
	return err
}

// selectDeliveries is a query but for its condition.
const selectDeliveries = `SELECT ` + deliveryColumns + ` FROM delivery WHERE `

func (t *tx) someDeliveries(ctx context.Context, query string, args ...any) ([]Delivery, error) {
	found, err := all(ctx, t, scanDelivery, query, args...)
	for i := range found {
		found[i].Message.Files = nil
	}
	return found, err
}

func (t *tx) chatDeliveries(ctx context.Context, now, since time.Time) ([]ChatDeliveries, error) {
	return all(ctx, t, func(s scanner) (c ChatDeliveries, err error) {
		err = s.Scan(&c.Chat, &c.Sent, &c.Dropped, &c.Waiting, stamp{&c.Last}, stamp{&c.HeldUntil})
		return c, err
	}, `SELECT place, sum(state = 'sent'), sum(state = 'dropped' AND error NOT IN (SELECT value FROM json_each(?1))), sum(state = 'pending'),
		max(sent_at), coalesce((SELECT until FROM hold WHERE hold.place = d.place AND until > ?3), 0)
		FROM (SELECT * FROM delivery WHERE created >= ?2 UNION ALL SELECT * FROM delivery WHERE state = 'pending' AND +created < ?2) d
		GROUP BY place ORDER BY place`, ownReasons(), millis(since), millis(now))
}

// SparesNeeded lists the critical deliveries that wait since before a time for one of
// these messengers, or for a chat that is closed, and were not sent another way yet.
func (j *Journal) SparesNeeded(ctx context.Context, out []string, before time.Time) (found []Delivery, err error) {
	err = j.view(ctx, "looking for another way", func(t *tx) error {
		found, err = all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery d
			WHERE state = 'pending' AND rank <= ?1 AND edits IS NULL AND spare IS NULL AND spared = '' AND due < ?3
			AND (messenger IN (SELECT value FROM json_each(?2)) OR place IN (SELECT value FROM json_each(?2)) OR place IN (SELECT address FROM chat WHERE closed > 0))
			ORDER BY +created, +id`, RankCritical, list(out), millis(before))
		if err != nil {
			return err
		}
		return t.readFiles(ctx, found)
	})
	return found, err
}

// Alike lists the deliveries that tell the same as d or newer: about its problem,
// or, without one, those enqueued with it that have its kind. They were sent or wait.
// The data of their files is left out.
func (j *Journal) Alike(ctx context.Context, d Delivery) (found []Delivery, err error) {
	err = j.view(ctx, "looking for the same message", func(t *tx) error {
		found, err = all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery
			WHERE state <> 'dropped' AND edits IS NULL AND id <> ?1 AND created >= ?2
			AND (?3 <> 0 AND problem = ?3 OR ?3 = 0 AND problem IS NULL AND created = ?2 AND kind = ?4 AND rank = ?5) ORDER BY id`,
			d.ID, millis(d.Attempt.Created), d.Problem, d.Kind, d.Rank)
		return err
	})
	return found, err
}

// SendSpare enqueues messages that go another way, and marks the deliveries whose
// messages they carry: these are told late and quietly. A delivery that was sent
// meanwhile, or went another way already, is marked by nobody and sent by nobody.
func (j *Journal) SendSpare(ctx context.Context, marked []int64, spares []Delivery) error {
	return j.change(ctx, "sending another way", func(t *tx) error {
		to := ""
		for _, d := range spares {
			to = d.To
		}
		n := 0
		for _, id := range marked {
			changed, err := t.exec(ctx, `UPDATE delivery SET spared = ?, message = json_set(message, '$.silent', json('true'))
				WHERE id = ? AND state = 'pending' AND spared = ''`, to, id)
			if err != nil {
				return err
			}
			n += changed
		}
		if n == 0 {
			return nil
		}
		_, err := t.enqueue(ctx, time.Now(), spares)
		return err
	})
}
