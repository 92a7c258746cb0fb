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

// DeliveryState is where a delivery stands.
type DeliveryState string

// States of a delivery.
const (
	Pending DeliveryState = "pending" // to be sent at Next or later
	Sent    DeliveryState = "sent"    // the messenger said yes
	Dropped DeliveryState = "dropped" // known to be impossible, or overtaken by a newer edit
)

// AnswerKind is the kind of a delivery that answers somebody.
const AnswerKind = "answer"

// Delivery is one message to one chat: a row of the outbox.
type Delivery struct {
	ID       int64
	To       string // the chat's address, such as telegram:-1001234567890/7
	Kind     string // why it is sent: alert, daily, answer, baseline …
	Incident int64  // the incident it speaks of; 0: none
	Edits    int64  // the delivery whose message it replaces; 0: a new message
	ReplyTo  string // the messenger's reference of the message it answers; may be empty
	Message  reports.Message
	Attempt  Attempt

	// IncidentKey names the incident by its finding's key where it has no ID
	// yet; Record fills Incident in. Not stored.
	IncidentKey string
}

// IncidentMark stands in an action's command for the ID of the delivery's
// incident, which is not known before both are stored: "ack {incident}".
const IncidentMark = "{incident}"

// Attempt is what is known of sending a delivery.
type Attempt struct {
	State   DeliveryState
	Tries   int
	Next    time.Time // not before
	Begun   bool      // an earlier sending was begun whose end is not known: it may be there already
	Ref     string    // the messenger's name for the message, once sent; of an edit that is due, for the message to replace
	Created time.Time
	SentAt  time.Time // zero until sent
	Error   string    // the last one; may be empty
}

// Update is something a person said or pressed, stored before it is
// confirmed to the messenger.
type Update struct {
	ID        int64  // the journal's; zero until stored
	Messenger string // telegram, slack
	Key       string // unique within the messenger: update_id, envelope_id …
	Chat      string // where, and where the answer goes: an address
	Private   bool   // the chat is between this person and the bot
	Person    string // immutable id such as telegram:123456789; empty: cannot command
	Name      string // for show only
	Language  string // the person's client's, a hint; may be empty
	Text      string // what was typed; empty when a button was pressed
	Button    string // the action's id; empty when something was typed
	Ref       string // the message it was said in or the button was pressed on
	At        time.Time
}

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
