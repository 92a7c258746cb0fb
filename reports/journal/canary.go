package journal

import (
	"context"
	"time"

	"domovoy/reports"
)

// CanaryKind is the Kind of a delivery that is nothing but a test alarm.
const CanaryKind = "canary"

// canaryOpen is the step of a test alarm of which nothing is known yet.
const canaryOpen = "open"

// BeginCanary notes since when there are test alarms, at the first start.
func (j *Journal) BeginCanary(ctx context.Context, now time.Time) error {
	return j.change(ctx, "beginning test alarms", func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO canary (id, step, subject, reason) SELECT ?, ?, '', '' WHERE NOT EXISTS (SELECT 1 FROM canary)`, millis(now), canaryOpen)
		return err
	})
}

// KeepCanary stores how far the test alarm of a due time came before its messages,
// together with those messages; a nil fault: all the way.
func (j *Journal) KeepCanary(ctx context.Context, due time.Time, fault *reports.CanaryFault, messages []Delivery) error {
	if fault == nil {
		fault = &reports.CanaryFault{}
	}
	return j.change(ctx, "keeping a test alarm", func(t *tx) error {
		if _, err := t.exec(ctx, `INSERT INTO canary (id, step, subject, reason) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET step = excluded.step, subject = excluded.subject, reason = excluded.reason`,
			millis(due), string(fault.Step), fault.Of, fault.Reason); err != nil {
			return err
		}
		_, err := t.enqueue(ctx, time.Now(), messages)
		return err
	})
}

// TellCanary enqueues what is told of a test alarm that does not arrive, once. It
// reports whether this was the first time.
func (j *Journal) TellCanary(ctx context.Context, due time.Time, messages []Delivery) (first bool, err error) {
	err = j.change(ctx, "telling of a test alarm", func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE canary SET told = 1 WHERE id = ? AND told = 0`, millis(due))
		if first = n == 1; err != nil || !first {
			return err
		}
		_, err = t.enqueue(ctx, time.Now(), messages)
		return err
	})
	return first && err == nil, err
}

// Canary reads how the test alarms fare.
func (j *Journal) Canary(ctx context.Context) (c reports.Canary, err error) {
	scanMessage := func(s scanner) (m reports.CanaryMessage, err error) {
		err = s.Scan(&m.Chat, stamp{&m.Sent}, &m.Dropped, &m.Error)
		return m, err
	}
	err = j.view(ctx, "reading the test alarms", func(t *tx) error {
		fault := reports.CanaryFault{}
		_, any, err := one(ctx, t, func(s scanner) (none struct{}, err error) {
			return none, s.Scan(stamp{&c.Since}, stamp{&c.Due}, &fault.Step, &fault.Of, &fault.Reason)
		}, `SELECT (SELECT min(id) FROM canary), id, step, subject, reason FROM canary ORDER BY id DESC LIMIT 1`)
		if err != nil || !any {
			return err
		}
		if fault.Step != "" && fault.Step != canaryOpen {
			c.Fault = &fault
		}
		c.Last, _, err = one(ctx, t, func(s scanner) (at time.Time, err error) { return at, s.Scan(stamp{&at}) },
			`SELECT ifnull(max(d.sent_at), c.id) FROM canary c LEFT JOIN canary_message m ON m.canary = c.id LEFT JOIN delivery d ON d.id = m.delivery
			WHERE c.step = '' GROUP BY c.id HAVING count(m.delivery) = total(d.state = 'sent') ORDER BY c.id DESC LIMIT 1`)
		if err != nil {
			return err
		}
		c.Messages, err = all(ctx, t, scanMessage, `SELECT m.chat, iif(d.state = 'sent', d.sent_at, 0), d.state = 'dropped', iif(d.state = 'sent', '', d.error)
			FROM canary_message m JOIN delivery d ON d.id = m.delivery WHERE m.canary = ? ORDER BY m.chat`, millis(c.Due))
		return err
	})
	return c, err
}

// carry notes that a delivery carries the test alarm of a due time. One of an earlier
// day that still waits for the chat would say nothing any more.
func (t *tx) carry(ctx context.Context, due time.Time, chat string, delivery int64) error {
	if _, err := t.exec(ctx, `UPDATE delivery SET state = 'dropped', error = ? WHERE kind = ? AND chat = ? AND state = 'pending' AND id <> ?`,
		dropTested, CanaryKind, chat, delivery); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO canary (id, step, subject, reason) VALUES (?, ?, '', '') ON CONFLICT DO NOTHING`, millis(due), canaryOpen); err != nil {
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO canary_message (canary, chat, delivery) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET delivery = excluded.delivery`, millis(due), chat, delivery)
	return err
}
