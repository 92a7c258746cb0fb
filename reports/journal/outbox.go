package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Why the outbox itself drops a delivery. Nobody misses these messages.
const (
	dropSuperseded = "a newer edit of the same message replaced it"
	dropMerged     = "it became part of the message, which was not sent yet"
	dropOrphaned   = "the message it edits was never sent"
)

// Enqueue puts deliveries into the outbox and gives their IDs, by which a
// later delivery may edit them. Attempt.Created defaults to now; Attempt.Next
// may be set to have it sent later. Actions without an ID get one.
//
// An edit goes to the chat of the message it edits, and takes the place of
// edits of it that still wait.
func (j *Journal) Enqueue(ctx context.Context, deliveries []Delivery) (ids []int64, err error) {
	err = j.change(ctx, "enqueueing", func(t *tx) error {
		ids, err = t.enqueue(ctx, time.Now(), deliveries)
		return err
	})
	return ids, err
}

func (t *tx) enqueue(ctx context.Context, now time.Time, deliveries []Delivery) ([]int64, error) {
	ids := make([]int64, 0, len(deliveries))
	for _, d := range deliveries {
		if d.Attempt.Created.IsZero() {
			d.Attempt.Created = now
		}
		id, err := t.enqueueOne(ctx, d)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (t *tx) enqueueOne(ctx context.Context, d Delivery) (int64, error) {
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
	if err := t.keepActions(ctx, &d); err != nil {
		return 0, err
	}
	message, err := json.Marshal(d.Message)
	if err != nil {
		return 0, fmt.Errorf("storing a message: %w", err)
	}
	id, _, err := one(ctx, t, single[int64], `INSERT INTO delivery (chat, kind, incident, edits, reply_to, message, state, next, created)
		VALUES (?, ?, nullif(?, 0), nullif(?, 0), ?, ?, 'pending', ?, ?) RETURNING id`,
		d.To, d.Kind, d.Incident, d.Edits, d.ReplyTo, string(message), millis(d.Attempt.Next), millis(d.Attempt.Created))
	return id, err
}

// aimEdit points an edit at the message itself, be it given an edit of it,
// and drops the edits that it overtakes.
func (t *tx) aimEdit(ctx context.Context, d *Delivery) error {
	type target struct {
		id   int64
		chat string
	}
	aim, ok, err := one(ctx, t, func(s scanner) (a target, err error) {
		err = s.Scan(&a.id, &a.chat)
		return a, err
	}, `SELECT id, chat FROM delivery WHERE id = (SELECT coalesce(edits, id) FROM delivery WHERE id = ?)`, d.Edits)
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

// keepActions stores what the message's buttons mean.
func (t *tx) keepActions(ctx context.Context, d *Delivery) error {
	d.Message.Actions = append(d.Message.Actions[:0:0], d.Message.Actions...)
	for i := range d.Message.Actions {
		a := &d.Message.Actions[i]
		if d.Incident != 0 {
			a.Command = strings.ReplaceAll(a.Command, IncidentMark, strconv.FormatInt(d.Incident, 10))
		}
		if a.ID != "" {
			continue
		}
		a.ID = newActionID()
		if err := t.keepAction(ctx, a.ID, d.To, a.Command, d.Attempt.Created); err != nil {
			return err
		}
	}
	return nil
}

const deliveryColumns = `id, chat, kind, coalesce(incident, 0), coalesce(edits, 0), reply_to, message,
	state, tries, next, begun > 0, ref, created, sent_at, error`

func scanDelivery(s scanner) (d Delivery, err error) {
	var message []byte
	a := &d.Attempt
	if err := s.Scan(&d.ID, &d.To, &d.Kind, &d.Incident, &d.Edits, &d.ReplyTo, &message,
		&a.State, &a.Tries, stamp{&a.Next}, &a.Begun, &a.Ref, stamp{&a.Created}, stamp{&a.SentAt}, &a.Error); err != nil {
		return d, err
	}
	if err := json.Unmarshal(message, &d.Message); err != nil {
		return d, fmt.Errorf("reading the message of delivery %d: %w", d.ID, err)
	}
	return d, nil
}

// SentFor lists the messages that speak of an incident, sent or still
// waiting, without the edits of them: what an edit has to reach.
func (j *Journal) SentFor(ctx context.Context, incident int64) (found []Delivery, err error) {
	err = j.look(ctx, "reading an incident's messages", func(t *tx) error {
		found, err = all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery
			WHERE incident = ? AND edits IS NULL AND state <> 'dropped' ORDER BY id`, incident)
		return err
	})
	return found, err
}
