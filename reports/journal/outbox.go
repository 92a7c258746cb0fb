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

// DeliveryState is the state of a delivery.
type DeliveryState string

// States of a delivery.
const (
	Pending DeliveryState = "pending" // waits to be sent, at Next or later
	Sent    DeliveryState = "sent"    // accepted by the messenger
	Dropped DeliveryState = "dropped" // will never be accepted, or was replaced by a newer edit
)

// AnswerKind is the Kind of a delivery that answers a person.
const AnswerKind = "answer"

// Delivery is one message to one chat, or one edit of such a message: a row of the
// outbox.
type Delivery struct {
	ID       int64
	To       string // the chat's address, such as telegram:-1001234567890/7
	Kind     string // why it is sent: alert, daily, answer, baseline …
	Incident int64  // the ID of the incident it is about; 0: none
	Edits    int64  // the ID of the delivery whose message it replaces; 0: it is a new message
	ReplyTo  string // the messenger's id of the message it answers; may be empty
	Message  reports.Message
	Attempt  Attempt

	// IncidentKey names an incident that has no ID yet by its finding's key, for
	// Record, which sets Incident. It is not stored.
	IncidentKey string
}

// IncidentMark is replaced in an action's command, such as "ack {incident}", by the
// ID of the delivery's incident, which may not be known before both are stored.
const IncidentMark = "{incident}"

// Attempt is the progress of sending a delivery.
type Attempt struct {
	State   DeliveryState
	Tries   int       // failed ones, without those that the messenger told to wait
	Next    time.Time // not before
	Begun   bool      // it was sent before with unknown outcome: the message may have arrived
	Ref     string    // the messenger's id of the message once it is sent; of an edit that is due, that of the message to edit
	Created time.Time
	SentAt  time.Time // zero until sent
	Error   string    // the last failure; may be empty
}

// Update is a message or a pressed button that a messenger received. It is stored
// before the messenger is told that it arrived.
type Update struct {
	ID        int64  // the journal's; 0 until it is stored
	Messenger string // telegram, slack
	Key       string // unique within the messenger: update_id, envelope_id …
	Chat      string // the address of the chat, to which the answer goes
	Private   bool   // the chat is between this person and the bot
	Person    string // immutable id such as telegram:123456789; empty: unknown, and not allowed any command
	Name      string // for show only
	Language  string // of the person's app, such as "ru"; may be empty
	Text      string // what was typed; empty when a button was pressed
	Button    string // the action's id; empty when something was typed
	Ref       string // the messenger's id of the message, or of the one with the button
	At        time.Time
}

// Reasons for which the outbox drops a delivery by itself. Readers lose nothing by
// them, so statistics leave them out.
const (
	dropSuperseded = "a newer edit of the same message replaced it"
	dropMerged     = "it became part of the message, which was not sent yet"
	dropOrphaned   = "the message it edits was never sent"
)

// Enqueue puts deliveries into the outbox and returns their IDs, which later
// deliveries may name in Edits. A zero Attempt.Created becomes now; a delivery is
// not sent before Attempt.Next. Actions without an ID get one.
//
// An edit goes to the chat of the message it edits and replaces edits of that
// message that still wait.
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
	if f := d.Message.Facts; f != nil && f.Problem == 0 && d.Incident != 0 {
		with := *f
		with.Problem, d.Message.Facts = d.Incident, &with
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

// aimEdit makes an edit name the original message, also when it names an edit of
// it, and drops the waiting edits that it replaces.
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

// keepActions stores the commands of the message's buttons.
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

// SentFor lists the messages about an incident, sent or waiting, without their
// edits: the messages that an edit about the incident must change.
func (j *Journal) SentFor(ctx context.Context, incident int64) (found []Delivery, err error) {
	err = j.view(ctx, "reading an incident's messages", func(t *tx) error {
		found, err = all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery
			WHERE incident = ? AND edits IS NULL AND state <> 'dropped' ORDER BY id`, incident)
		return err
	})
	return found, err
}

// Queue selects the part of the outbox that one worker sends. The zero Queue is the
// whole outbox.
type Queue struct {
	Messenger string   // only deliveries of this messenger; empty: of all
	Except    []string // without deliveries of these messengers
	Busy      []string // without these chats: a delivery to them is being sent
}

// heads is the oldest waiting delivery of each chat of a queue. Only it may be
// sent, so that messages of a chat are never reordered.
const heads = `delivery WHERE id IN (SELECT min(id) FROM delivery WHERE state = 'pending' GROUP BY chat)
	AND (?1 = '' OR substr(chat, 1, instr(chat, ':') - 1) = ?1)
	AND substr(chat, 1, instr(chat, ':') - 1) NOT IN (SELECT value FROM json_each(?2))
	AND chat NOT IN (SELECT value FROM json_each(?3))`

// args are the arguments of heads, followed by more.
func (q Queue) args(more ...any) []any {
	return append([]any{q.Messenger, list(q.Except), list(q.Busy)}, more...)
}

// list is a JSON list for json_each; a nil slice is an empty list.
func list(words []string) string {
	text, _ := json.Marshal(append([]string{}, words...)) // strings always marshal
	return string(text)
}

// Due lists the deliveries to send at now, at most limit: for each chat its oldest
// one, in the order of enqueueing, answers last. Answers come last because a
// person who waits for one can ask again, while an alert is not asked for. Due
// returns the same deliveries again until they are marked.
//
// Due also settles edits, since at this point their message is not being sent: a
// message that is not sent yet takes its newest edit in, and an edit of a dropped
// message is dropped. The Attempt.Ref of an edit is the id of the message to edit.
func (j *Journal) Due(ctx context.Context, now time.Time, queue Queue, limit int) (due []Delivery, err error) {
	var some bool
	err = j.view(ctx, "looking for due deliveries", func(t *tx) error {
		_, some, err = one(ctx, t, single[int64], `SELECT id FROM `+heads+` AND next <= ?4 LIMIT 1`, queue.args(millis(now))...)
		return err
	})
	if err != nil || !some {
		return nil, err
	}
	err = j.change(ctx, "looking for due deliveries", func(t *tx) error {
		due, err = t.due(ctx, now, queue, limit)
		return err
	})
	return due, err
}

func (t *tx) due(ctx context.Context, now time.Time, queue Queue, limit int) ([]Delivery, error) {
	for {
		due, err := all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM `+heads+`
			AND next <= ?4 ORDER BY kind = '`+AnswerKind+`', id LIMIT ?5`, queue.args(millis(now), limit)...)
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

// settle prepares a delivery for sending; false: it changed the outbox, which must
// be read again.
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

// NextDue returns when the next delivery of a queue may be sent; false: none waits.
func (j *Journal) NextDue(ctx context.Context, queue Queue) (at time.Time, ok bool, err error) {
	err = j.view(ctx, "looking for the next delivery", func(t *tx) error {
		at, ok, err = one(ctx, t, when, `SELECT max(next, created) AS at FROM `+heads+` ORDER BY at LIMIT 1`, queue.args()...)
		return err
	})
	return at, ok, err
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
