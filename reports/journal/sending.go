package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNoDelivery is the error of the Mark methods when there is no such delivery, or
// when its state does not allow the mark.
var ErrNoDelivery = errors.New("there is no such delivery to mark")

// MarkBegun records, before the messenger is called, that a delivery is being sent,
// and the number of calls that this takes, by which the pace is kept over restarts.
// If the process dies during the call, the next process finds Attempt.Begun set and
// can mark the message as a possible repetition; an edit that is made twice does no
// harm. A delivery that does not wait any more is ErrNoDelivery.
func (j *Journal) MarkBegun(ctx context.Context, id int64, at time.Time, calls int) error {
	return j.together(ctx, "marking a delivery", func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE delivery SET begun = iif(edits IS NULL, ?, 0) WHERE id = ? AND state = 'pending'`, millis(at), id)
		if err != nil || n == 0 {
			return noDelivery(err, id)
		}
		if _, err := t.exec(ctx, `DELETE FROM call WHERE at < ?`, millis(at.Add(-keepCalls))); err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO call (place, at, calls, edit)
			SELECT place, ?, ?, edits IS NOT NULL FROM delivery WHERE id = ?`, millis(at), calls, id)
		return err
	})
}

// MarkSent records that the messenger accepted a delivery; ref is its id of the
// message. What the message brings with it is enqueued: see bring.
//
// The attachments are deleted. Of a message that nothing changes later, such as an
// answer, only the title is kept: it is about no problem, stands in no thread, and has
// no button that turns a page (see Shown).
func (j *Journal) MarkSent(ctx context.Context, id int64, ref string, at time.Time, brings ...Delivery) error {
	return j.together(ctx, "marking a delivery", func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE delivery SET state = 'sent', ref = ?, sent_at = ?, begun = 0, error = '', message = iif(
				problem IS NULL AND under IS NULL AND message ->> '$.more' IS NULL,
				json_object('language', message ->> '$.language', 'tone', message ->> '$.tone', 'title', message ->> '$.title'),
				json_remove(message, '$.files')) WHERE id = ?`, ref, millis(at), id)
		if err != nil || n == 0 {
			return noDelivery(err, id)
		}
		for _, d := range brings {
			if err := t.bring(ctx, at, d); err != nil {
				return err
			}
		}
		return t.dropFiles(ctx, id)
	})
}

// Try is how a try of a delivery ended that is worth another one.
type Try struct {
	Next    time.Time // not before
	Reason  string
	Counted bool // it adds one to Attempt.Tries
	Arrived bool // the message may have arrived: Attempt.Begun stays set, so that the next try can say so
	Unclear bool // it may be the messenger's failure, not the message's
}

// MarkTried records a failure that is worth a retry.
func (j *Journal) MarkTried(ctx context.Context, id int64, try Try) error {
	return j.mark(ctx, `UPDATE delivery SET next = ?, error = ?, tries = tries + ?, begun = iif(?, begun, 0), unclear = ?
		WHERE id = ?`, millis(try.Next), try.Reason, try.Counted, try.Arrived, try.Unclear, id)
}

// MarkDropped records that the messenger will never accept a delivery.
func (j *Journal) MarkDropped(ctx context.Context, id int64, reason string) error {
	return j.mark(ctx, `UPDATE delivery SET state = 'dropped', error = ?, begun = 0
		WHERE id = ? AND state <> 'sent'`, reason, id)
}

// MarkThreadGone drops a delivery: the message in whose thread it was to stand is
// gone.
func (j *Journal) MarkThreadGone(ctx context.Context, id int64) error {
	return j.MarkDropped(ctx, id, dropThread)
}

func (j *Journal) mark(ctx context.Context, query string, args ...any) error {
	return j.change(ctx, "marking a delivery", func(t *tx) error {
		n, err := t.exec(ctx, query, args...)
		if err != nil || n == 0 {
			return noDelivery(err, args[len(args)-1])
		}
		return nil
	})
}

func noDelivery(err error, id any) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %v", ErrNoDelivery, id)
}

// MarkHeld records that a messenger asked to wait until a time: Hold for a place,
// together with the delivery that was refused, which stays due. unsure says that an
// earlier try of it may have arrived.
func (j *Journal) MarkHeld(ctx context.Context, id int64, place string, until time.Time, reason string, unsure bool) error {
	return j.change(ctx, "marking a delivery", func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE delivery SET error = ?, begun = iif(?, begun, 0) WHERE id = ?`, reason, unsure, id)
		if err != nil || n == 0 {
			return noDelivery(err, id)
		}
		return t.hold(ctx, place, until, reason)
	})
}

// MoveChat records the new address of a chat, such as that of a Telegram group that
// became a supergroup. Waiting deliveries, buttons and settings move along, and
// later deliveries to the old address go to the new one.
func (j *Journal) MoveChat(ctx context.Context, from, to string) error {
	if from == to {
		return nil
	}
	return j.change(ctx, "moving a chat", func(t *tx) error {
		for _, query := range []string{
			`UPDATE delivery SET chat = ?2 WHERE chat = ?1 AND state = 'pending'`,
			`UPDATE action SET chat = ?2 WHERE chat = ?1`,
			`INSERT INTO chat (address, language) SELECT ?2, coalesce((SELECT language FROM chat WHERE address = ?1), '') WHERE true
				ON CONFLICT DO UPDATE SET moved_to = '', language = iif(language = '', excluded.language, language)`,
			`INSERT INTO chat (address, moved_to) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET moved_to = excluded.moved_to`,
			`INSERT INTO greeting SELECT ?2, server, delivery, at FROM greeting WHERE chat = ?1 ON CONFLICT DO NOTHING`,
			`UPDATE chat SET moved_to = ?2 WHERE moved_to = ?1`, // earlier moves lead to the new address too
		} {
			if _, err := t.exec(ctx, query, from, to); err != nil {
				return err
			}
		}
		return nil
	})
}

// Moves returns the present address of each chat that moved, by its old address.
func (j *Journal) Moves(ctx context.Context) (map[string]string, error) {
	moves := map[string]string{}
	err := j.view(ctx, "reading moved chats", func(t *tx) error {
		_, err := all(ctx, t, func(s scanner) (struct{}, error) {
			var from, to string
			err := s.Scan(&from, &to)
			moves[from] = to
			return struct{}{}, err
		}, `SELECT address, moved_to FROM chat WHERE moved_to <> ''`)
		return err
	})
	return moves, err
}
