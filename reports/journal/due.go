package journal

import (
	"context"
	"encoding/json"
	"time"
)

// Lane is a part of the outbox that is sent without regard to the others. The
// zero Lane is all of it.
type Lane struct {
	Messenger string   // only to its chats; empty: to those of any
	Not       []string // not to these messengers' chats
	Busy      []string // not to these chats: something is on its way to them
}

// heads is the oldest waiting delivery of each chat of a lane. Only it may be
// sent, so that no message ever overtakes an earlier one of its chat.
const heads = `delivery WHERE id IN (SELECT min(id) FROM delivery WHERE state = 'pending' GROUP BY chat)
	AND (?1 = '' OR substr(chat, 1, instr(chat, ':') - 1) = ?1)
	AND substr(chat, 1, instr(chat, ':') - 1) NOT IN (SELECT value FROM json_each(?2))
	AND chat NOT IN (SELECT value FROM json_each(?3))`

// args are those of heads.
func (l Lane) args(more ...any) []any {
	return append([]any{l.Messenger, list(l.Not), list(l.Busy)}, more...)
}

// list is the JSON that json_each reads.
func list(words []string) string {
	text, _ := json.Marshal(append([]string{}, words...)) // strings always marshal
	return string(text)
}

// Due lists what is to be sent now: at most one delivery for each chat, its
// oldest, in the order of enqueueing. Chats that are due an answer come last:
// who waits for one can ask again, but nobody asks for an alert. It hands out
// the same ones until they are marked.
//
// Edits are settled here, where no sending of their message is under way: a
// message not sent yet takes its newest edit in, and an edit of a message
// that was dropped is dropped. The Attempt.Ref of an edit names the message
// to replace.
func (j *Journal) Due(ctx context.Context, now time.Time, lane Lane, limit int) (due []Delivery, err error) {
	var some bool
	err = j.look(ctx, "looking for due deliveries", func(t *tx) error {
		_, some, err = one(ctx, t, single[int64], `SELECT id FROM `+heads+` AND next <= ?4 LIMIT 1`, lane.args(millis(now))...)
		return err
	})
	if err != nil || !some {
		return nil, err
	}
	err = j.change(ctx, "looking for due deliveries", func(t *tx) error {
		due, err = t.due(ctx, now, lane, limit)
		return err
	})
	return due, err
}

func (t *tx) due(ctx context.Context, now time.Time, lane Lane, limit int) ([]Delivery, error) {
	for {
		due, err := all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM `+heads+`
			AND next <= ?4 ORDER BY kind = '`+AnswerKind+`', id LIMIT ?5`, lane.args(millis(now), limit)...)
		if err != nil {
			return nil, err
		}
		settled := true
		for i := range due {
			done, err := t.settle(ctx, &due[i])
			if err != nil {
				return nil, err
			}
			settled = settled && done
		}
		if settled {
			return due, nil
		}
	}
}

// settle makes a delivery ready to be sent; false: the outbox changed and
// must be read again.
func (t *tx) settle(ctx context.Context, d *Delivery) (bool, error) {
	if d.Edits == 0 {
		n, err := t.mergeEdits(ctx, d.ID)
		return n == 0, err
	}
	ref, sent, err := one(ctx, t, single[string], `SELECT ref FROM delivery WHERE id = ? AND state = 'sent'`, d.Edits)
	if err != nil {
		return false, err
	}
	if !sent {
		_, err := t.exec(ctx, `UPDATE delivery SET state = 'dropped', error = ? WHERE id = ?`, dropOrphaned, d.ID)
		return false, err
	}
	d.Attempt.Ref = ref
	return true, nil
}

// mergeEdits replaces a waiting message by its newest edit.
func (t *tx) mergeEdits(ctx context.Context, id int64) (int, error) {
	if _, err := t.exec(ctx, `UPDATE delivery SET message = edit.message FROM
		(SELECT message FROM delivery WHERE edits = ?1 AND state = 'pending' ORDER BY id DESC LIMIT 1) edit
		WHERE id = ?1`, id); err != nil {
		return 0, err
	}
	return t.exec(ctx, `UPDATE delivery SET state = 'dropped', error = ? WHERE edits = ? AND state = 'pending'`, dropMerged, id)
}

// NextDue is when the next delivery of a lane may be sent; false: none waits.
func (j *Journal) NextDue(ctx context.Context, lane Lane) (at time.Time, ok bool, err error) {
	err = j.look(ctx, "looking for the next delivery", func(t *tx) error {
		at, ok, err = one(ctx, t, when, `SELECT max(next, created) AS at FROM `+heads+` ORDER BY at LIMIT 1`, lane.args()...)
		return err
	})
	return at, ok, err
}

// Waiting counts what is not sent yet, and tells when the oldest of it was
// enqueued; zero: none waits.
func (j *Journal) Waiting(ctx context.Context) (n int, oldest time.Time, err error) {
	err = j.look(ctx, "counting waiting deliveries", func(t *tx) error {
		_, _, err := one(ctx, t, func(s scanner) (struct{}, error) {
			return struct{}{}, s.Scan(&n, stamp{&oldest})
		}, `SELECT count(*), min(created) FROM delivery WHERE state = 'pending'`)
		return err
	})
	return n, oldest, err
}
