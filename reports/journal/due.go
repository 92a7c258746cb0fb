package journal

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// SentFor lists the messages about a problem, sent or waiting, without their
// edits, and without those that were replaced: the messages that an edit about the
// problem must change. The data of their files is left out.
func (j *Journal) SentFor(ctx context.Context, problem int64) (found []Delivery, err error) {
	err = j.view(ctx, "reading a problem's messages", func(t *tx) error {
		found, err = all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery
			WHERE problem = ? AND edits IS NULL AND replaced_by IS NULL AND state <> 'dropped' ORDER BY id`, problem)
		return err
	})
	return found, err
}

// Queue selects the part of the outbox that one worker sends. The zero Queue is the
// whole outbox.
type Queue struct {
	Messenger string   // only deliveries of this messenger; empty: of all
	Place     string   // only deliveries to this chat; empty: to all
	Except    []string // without deliveries of these messengers
	Busy      []string // without these chats, topics and threads included: a delivery to them is being sent
	Answers   []string // chats in which it is the turn of an answer, whatever else waits
	Eager     bool     // also before their time those that failed with the messenger
	Skip      int64    // without this delivery; 0: none
	Bare      bool     // Due leaves out the data of files, which Files reads

	// Choose reports which of the deliveries that are due, the most important first,
	// are to be returned; nil: all.
	Choose func(Head) bool
}

// Head is what one must know of a delivery to decide whether it is sent now.
type Head struct {
	ID   int64
	To   string
	Kind string
	Rank Rank
	Edit bool // it changes a message

	unsettled bool // settle may have something to do
}

// places is where something waits in a queue, with its messenger ?1, those excepted
// ?2, busy chats ?3, its one chat ?8, and is not asked to wait at ?4.
//
// The recursion steps from place to place in the index, past all that waits there.
const places = `(WITH RECURSIVE step(place) AS (SELECT min(place) FROM delivery WHERE state = 'pending' UNION ALL
		SELECT (SELECT min(place) FROM delivery WHERE state = 'pending' AND place > step.place) FROM step WHERE step.place IS NOT NULL)
	SELECT place, substr(place, 1, instr(place, ':') - 1) AS messenger FROM step WHERE place IS NOT NULL) p
	WHERE (?1 = '' OR p.messenger = ?1) AND (?8 = '' OR p.place = ?8)
	AND p.messenger NOT IN (SELECT value FROM json_each(?2))
	AND p.place NOT IN (SELECT value FROM json_each(?3))
	AND NOT EXISTS (SELECT 1 FROM hold WHERE until > ?4 AND hold.place IN (p.place, p.messenger))`

// ready is what of a place may be sent: its time has come, or ?6 that does not matter
// after a failure of the messenger; it is not ?7; edits are not asked to wait; and what
// it follows or edits was sent or dropped.
const ready = `SELECT id FROM delivery d WHERE state = 'pending' AND d.place = p.place AND id <> ?7 AND (next <= ?4 OR ?6 AND unclear)
	AND (edits IS NULL OR NOT EXISTS (SELECT 1 FROM hold WHERE until > ?4 AND hold.place = p.messenger || '` + editsMark + `'))
	AND NOT EXISTS (SELECT 1 FROM delivery first WHERE first.id IN (d.follows, d.edits) AND first.state = 'pending')`

// heads is the first ready delivery of each place: by rank, then age, or an answer in
// the chats ?5 if one waits there.
const heads = `delivery WHERE id IN (SELECT coalesce(
	iif(p.place IN (SELECT value FROM json_each(?5)), (` + ready + ` AND kind = '` + AnswerKind + `' ORDER BY rank, created, id LIMIT 1), NULL),
	(` + ready + ` ORDER BY rank, created, id LIMIT 1)) FROM ` + places + `)`

// args are the arguments of heads, followed by more.
func (q Queue) args(now time.Time, more ...any) []any {
	return append([]any{q.Messenger, list(q.Except), list(q.Busy), millis(now), list(q.Answers), q.Eager, q.Skip, q.Place}, more...)
}

// list is a JSON list for json_each; a nil slice is an empty list.
func list(words []string) string {
	text, _ := json.Marshal(append([]string{}, words...)) // strings always marshal
	return string(text)
}

// Due lists the deliveries to send at now, at most limit: for each chat, all its
// topics and threads together, the most important one that is ready, the oldest
// first. They are in the same order. A delivery that waits for its next try, or for
// the one that it follows, is overtaken by others. Due returns the same deliveries
// again until they are marked.
//
// Due also settles edits, since at this point their message is not being sent: a
// message that is not sent yet takes its newest edit in, and an edit of a dropped
// message is dropped. The Attempt.Ref of an edit is the id of the message to edit.
func (j *Journal) Due(ctx context.Context, now time.Time, queue Queue, limit int) (due []Delivery, err error) {
	decided := map[int64]bool{}
	choose := func(h Head) bool { // once for each
		if _, done := decided[h.ID]; !done {
			decided[h.ID] = queue.Choose == nil || queue.Choose(h)
		}
		return decided[h.ID]
	}
	settled := false
	err = j.view(ctx, "looking for due deliveries", func(t *tx) error {
		due, settled, err = t.due(ctx, now, queue, limit, choose, false)
		return err
	})
	if err != nil || settled {
		return due, err
	}
	err = j.change(ctx, "looking for due deliveries", func(t *tx) error {
		for err == nil && !settled {
			due, settled, err = t.due(ctx, now, queue, limit, choose, true)
		}
		return err
	})
	return due, err
}

// due reads the chosen deliveries that are due; false: something must be settled first.
// settle does that, and then they must be read again.
func (t *tx) due(ctx context.Context, now time.Time, queue Queue, limit int, choose func(Head) bool, settle bool) ([]Delivery, bool, error) {
	heads, err := all(ctx, t, scanHead, `SELECT id, chat, kind, rank, edits IS NOT NULL,
		iif(edits IS NULL, missed <> '' OR EXISTS (SELECT 1 FROM delivery edit WHERE edit.edits = delivery.id AND edit.state = 'pending'),
			NOT EXISTS (SELECT 1 FROM delivery message WHERE message.id = delivery.edits AND message.state = 'sent'))
		FROM `+heads+` ORDER BY rank, created, id LIMIT 0 + ?9`, queue.args(now, limit)...)
	if err != nil {
		return nil, false, err
	}
	heads = slices.DeleteFunc(heads, func(h Head) bool { return !choose(h) })
	if !settle && slices.ContainsFunc(heads, func(h Head) bool { return h.unsettled }) {
		return nil, false, nil
	}
	due, settled := make([]Delivery, 0, len(heads)), true
	for _, h := range heads {
		d, _, err := one(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery WHERE id = ?`, h.ID)
		if err == nil && h.unsettled {
			var done bool
			done, err = t.settle(ctx, &d)
			settled = settled && done
		}
		if err == nil && d.Edits != 0 {
			d.Attempt.Ref, _, err = one(ctx, t, single[string], `SELECT ref FROM delivery WHERE id = ?`, d.Edits)
		}
		if err != nil {
			return nil, false, err
		}
		due = append(due, d)
	}
	if !settled || queue.Bare {
		return due, settled, nil
	}
	return due, true, t.readFiles(ctx, due)
}

func scanHead(s scanner) (h Head, err error) {
	err = s.Scan(&h.ID, &h.To, &h.Kind, &h.Rank, &h.Edit, &h.unsettled)
	return h, err
}

// settle prepares an unsettled delivery for sending; false: it changed the outbox, which
// must be read again.
func (t *tx) settle(ctx context.Context, d *Delivery) (bool, error) {
	if d.Edits == 0 {
		n, err := t.mergeEdits(ctx, d.ID)
		if err == nil && n == 0 && len(d.Missed) > 0 && !d.Attempt.Begun {
			n, err = t.gather(ctx, *d)
		}
		return n == 0, err
	}
	// Its message was never sent.
	_, err := t.exec(ctx, `UPDATE delivery SET state = 'dropped', error = ? WHERE id = ?`, dropOrphaned, d.ID)
	return false, err
}

// mergeEdits replaces a waiting message by its newest edit and drops its waiting
// edits. It returns their number.
func (t *tx) mergeEdits(ctx context.Context, id int64) (int, error) {
	if _, err := t.exec(ctx, `UPDATE delivery SET message = edit.message FROM
		(SELECT message FROM delivery WHERE edits = ?1 AND state = 'pending' ORDER BY id DESC LIMIT 1) edit
		WHERE id = ?1`, id); err != nil {
		return 0, err
	}
	return t.exec(ctx, `UPDATE delivery SET state = 'dropped', error = ? WHERE edits = ? AND state = 'pending'`, dropMerged, id)
}

// NextDue returns when another delivery of a queue may be ready that is not at now;
// false: no time is known.
func (j *Journal) NextDue(ctx context.Context, queue Queue, now time.Time) (at time.Time, ok bool, err error) {
	err = j.view(ctx, "looking for the next delivery", func(t *tx) error {
		at, _, err = one(ctx, t, when, `SELECT min(at) FROM (
			SELECT min(next) AS at FROM delivery WHERE state = 'pending' AND next > ?1 AND (?2 = '' OR messenger = ?2)
				AND messenger NOT IN (SELECT value FROM json_each(?3)) AND (?4 = '' OR place = ?4)
			UNION ALL SELECT min(until) FROM hold WHERE until > ?1 AND (?2 = '' OR place IN (?2, ?2 || '`+editsMark+`') OR place LIKE ?2 || ':%'))`,
			millis(now), queue.Messenger, list(queue.Except), queue.Place)
		return err
	})
	return at, !at.IsZero(), err
}

// Waiting returns the number of pending deliveries, and when the oldest of them was
// enqueued; zero: there is none.
func (j *Journal) Waiting(ctx context.Context) (n int, oldest time.Time, err error) {
	err = j.view(ctx, "counting waiting deliveries", func(t *tx) error {
		_, _, err := one(ctx, t, func(s scanner) (struct{}, error) {
			return struct{}{}, s.Scan(&n, stamp{&oldest})
		}, `SELECT count(*), min(created) FROM delivery WHERE state = 'pending'`)
		return err
	})
	return n, oldest, err
}
