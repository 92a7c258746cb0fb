package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"domovoy/reports"
)

// Enqueue puts deliveries into the outbox and returns their IDs, which later
// deliveries may name in Edits or Follows. A zero Attempt.Created becomes now; a
// delivery is not sent before Attempt.Next. Actions without an ID get one.
//
// An edit goes to the chat of the message it edits and replaces edits of that
// message that still wait. Answers of one call to one chat are sent in their order,
// and so are messages about one problem. For what is over before it was told see
// Delivery.Over; a reminder of what was not told yet is left out, and its ID is that
// of the message that it repeats.
func (j *Journal) Enqueue(ctx context.Context, deliveries []Delivery) (ids []int64, err error) {
	err = j.change(ctx, "enqueueing", func(t *tx) error {
		ids, err = t.enqueue(ctx, time.Now(), deliveries)
		return err
	})
	return ids, err
}

func (t *tx) enqueue(ctx context.Context, now time.Time, deliveries []Delivery) ([]int64, error) {
	ids := make([]int64, 0, len(deliveries))
	last := map[string]int64{} // by chat: the previous part of an answer
	for _, d := range deliveries {
		if d.Attempt.Created.IsZero() {
			d.Attempt.Created = now
		}
		part := d.Kind == AnswerKind && d.Edits == 0
		if part && d.Follows == 0 {
			d.Follows = last[d.To]
		}
		id, err := t.enqueueOne(ctx, d)
		if err != nil {
			return nil, err
		}
		if d.Greets != "" {
			if err := t.greet(ctx, Greeting{Chat: d.To, Server: d.Greets}, id, now); err != nil {
				return nil, err
			}
		}
		if !d.Canary.IsZero() {
			if err := t.carry(ctx, d.Canary, d.To, id); err != nil {
				return nil, err
			}
		}
		if part {
			last[d.To] = id
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (t *tx) enqueueOne(ctx context.Context, d Delivery) (int64, error) {
	d.Over = d.Over || d.Kind == string(reports.Resolved)
	if d.Rank == 0 {
		d.Rank = rankOf(d)
	}
	if d.Edits != 0 {
		if err := t.aimEdit(ctx, &d); err != nil {
			return 0, err
		}
	}
	if d.To == "" {
		return 0, fmt.Errorf("a delivery of kind %s has no address", d.Kind)
	}
	to, moved, err := one(ctx, t, single[string], `SELECT moved_to FROM chat WHERE address = ? AND moved_to <> ''`, d.To)
	if err != nil {
		return 0, err
	}
	if moved {
		d.To = to
	}
	if id, done, err := t.join(ctx, &d); err != nil || done {
		return id, err
	}
	return t.insertDelivery(ctx, d)
}

func (t *tx) insertDelivery(ctx context.Context, d Delivery) (int64, error) {
	if err := t.keepActions(ctx, &d); err != nil {
		return 0, err
	}
	if f := d.Message.Facts; f != nil && f.Problem == 0 && d.Problem != 0 {
		with := *f
		with.Problem, d.Message.Facts = d.Problem, &with
	}
	files := d.Message.Files
	d.Message.Files = withoutData(files)
	message, err := json.Marshal(d.Message)
	if err != nil {
		return 0, fmt.Errorf("storing a message: %w", err)
	}
	due := d.Attempt.Created
	if d.Attempt.Next.After(due) {
		due = d.Attempt.Next
	}
	id, _, err := one(ctx, t, single[int64], `INSERT INTO delivery
		(chat, kind, rank, problem, edits, follows, reply_to, message, state, next, due, created, missed, under, spare)
		VALUES (?, ?, ?, nullif(?, 0), nullif(?, 0), nullif(?, 0), ?, ?, 'pending', ?, ?, ?, ?, nullif(?, 0), nullif(?, 0)) RETURNING id`,
		d.To, d.Kind, d.Rank, d.Problem, d.Edits, d.Follows, d.ReplyTo, string(message),
		millis(d.Attempt.Next), millis(due), millis(d.Attempt.Created), encodeMissed(d.Missed), d.Under, d.Spare)
	if err != nil {
		return 0, err
	}
	return id, t.keepFiles(ctx, id, files)
}

// aimEdit makes an edit name the original message, also when it names an edit of
// it, or the one that was sent in its place, and drops the waiting edits that it
// replaces.
func (t *tx) aimEdit(ctx context.Context, d *Delivery) error {
	type target struct {
		id   int64
		chat string
	}
	aim, ok, err := one(ctx, t, func(s scanner) (a target, err error) {
		err = s.Scan(&a.id, &a.chat)
		return a, err
	}, `WITH RECURSIVE aim(id) AS (SELECT coalesce(edits, id) FROM delivery WHERE id = ? UNION SELECT replaced_by FROM aim JOIN delivery USING (id) WHERE replaced_by IS NOT NULL)
		SELECT id, chat FROM aim JOIN delivery USING (id) WHERE replaced_by IS NULL`, d.Edits)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("there is no delivery %d to edit", d.Edits)
	}
	d.Edits, d.To = aim.id, aim.chat
	_, err = t.exec(ctx, `UPDATE delivery SET state = 'dropped', error = ? WHERE edits = ? AND state = 'pending'`, dropSuperseded, aim.id)
	return err
}

// keepActions stores the commands of the message's buttons.
func (t *tx) keepActions(ctx context.Context, d *Delivery) error {
	d.Message.Actions = append(d.Message.Actions[:0:0], d.Message.Actions...)
	for i := range d.Message.Actions {
		a := &d.Message.Actions[i]
		if d.Problem != 0 {
			a.Command = strings.ReplaceAll(a.Command, reports.ProblemMark, strconv.FormatInt(d.Problem, 10))
		}
		if a.ID != "" || a.URL != "" {
			continue
		}
		a.ID = newActionID()
		if err := t.keepAction(ctx, a.ID, d.To, a.Command, d.Attempt.Created); err != nil {
			return err
		}
	}
	if d.Message.More != "" || len(d.Message.ButtonPages()) < 2 {
		return nil
	}
	d.Message.More = newActionID()
	return t.keepAction(ctx, d.Message.More, d.To, MoreCommand, d.Attempt.Created)
}

// MoreCommand is the command of a button that turns the page of its message's
// buttons. Nobody can type it.
const MoreCommand = "\tmore"
