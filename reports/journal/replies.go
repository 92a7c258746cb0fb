package journal

import (
	"context"
	"fmt"
	"reflect"
	"time"
)

// DetailsKind is the Kind of a delivery that stands in the thread of another.
const DetailsKind = "details"

// newestOf is the delivery ?1, or the newest of its edits that were not dropped. SQLite
// would look for the two together among all deliveries.
const newestOf = `SELECT ` + deliveryColumns + ` FROM delivery WHERE id = (SELECT max(id) FROM (
	SELECT id FROM delivery WHERE id = ?1 AND state <> 'dropped' UNION ALL SELECT id FROM delivery WHERE edits = ?1 AND state <> 'dropped'))`

// bring enqueues what comes with a delivery that was sent. What stands in its thread
// is enqueued once; later it is edited, and only if it changed. One without sections
// changes nothing.
func (t *tx) bring(ctx context.Context, at time.Time, d Delivery) error {
	if d.Attempt.Created.IsZero() {
		d.Attempt.Created = at
	}
	if d.Under == 0 {
		_, err := t.enqueueOne(ctx, d)
		return err
	}
	if len(d.Message.Sections) == 0 {
		return nil
	}
	there, ok, err := one(ctx, t, single[int64], `SELECT id FROM delivery WHERE under = ? AND edits IS NULL AND replaced_by IS NULL AND state <> 'dropped'`, d.Under)
	if err != nil {
		return err
	}
	if ok {
		last, _, err := one(ctx, t, scanDelivery, newestOf, there)
		if err != nil || reflect.DeepEqual(last.Message.Sections, d.Message.Sections) {
			return err
		}
		d.Edits = there
	}
	_, err = t.enqueueOne(ctx, d)
	return err
}

// Replace records that the message which a delivery edits cannot be changed any more:
// instead is sent in its place, with all that is known of it, and is what later edits
// change. Where a newer message about the same problem was sent to the chat, or waits,
// that one tells it and nothing is sent. It reports whether something is.
func (j *Journal) Replace(ctx context.Context, id int64, at time.Time, instead Delivery) (sent bool, err error) {
	err = j.change(ctx, "replacing a message", func(t *tx) error {
		edit, ok, err := one(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery WHERE id = ? AND state = 'pending' AND edits IS NOT NULL`, id)
		if err != nil || !ok {
			return err // a newer edit replaced it
		}
		was, ok, err := one(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery WHERE id = ?`, edit.Edits)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("there is no delivery %d to replace", edit.Edits)
		}
		next, told, err := one(ctx, t, single[int64], `SELECT id FROM delivery WHERE problem = ? AND chat = ? AND id > ?
			AND edits IS NULL AND replaced_by IS NULL AND state <> 'dropped' ORDER BY id DESC LIMIT 1`, was.Problem, was.To, was.ID)
		if err != nil {
			return err
		}
		reason := dropTold
		if !told {
			reason, sent = dropReplaced, true
			instead.To, instead.Kind, instead.Problem, instead.Under, instead.ReplyTo = was.To, was.Kind, was.Problem, was.Under, was.ReplyTo
			instead.Rank, instead.Attempt.Created = edit.Rank, at
			if next, err = t.insertDelivery(ctx, instead); err != nil {
				return err
			}
		}
		if err := t.drop(ctx, []Delivery{edit}, reason); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE delivery SET replaced_by = ? WHERE id = ?`, next, was.ID); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE delivery SET edits = ? WHERE edits = ? AND state = 'pending'`, next, was.ID)
		return err
	})
	return sent, err
}

// Shown returns the message with the messenger's id ref in a chat, or any of its
// topics, as it is or will be once its edits are sent: as an edit of it, not
// enqueued. False: there is none.
func (j *Journal) Shown(ctx context.Context, chat, ref string) (d Delivery, ok bool, err error) {
	err = j.view(ctx, "looking for a message", func(t *tx) error {
		var main int64
		main, ok, err = one(ctx, t, single[int64], `SELECT coalesce(edits, id) FROM delivery
			WHERE place = iif(instr(?1, '/') > 0, substr(?1, 1, instr(?1, '/') - 1), ?1) AND ref = ?2 AND state = 'sent' ORDER BY id DESC LIMIT 1`, chat, ref)
		if err != nil || !ok {
			return err
		}
		d, ok, err = one(ctx, t, scanDelivery, newestOf, main)
		d.Edits = main
		return err
	})
	return d, ok, err
}
