package journal

import (
	"context"
	"encoding/json"
	"slices"

	"domovoy/reports"
)

// join relates a new delivery to those about its problem that still wait for the
// same chat. It returns true with an ID if the delivery is not to be stored itself.
func (t *tx) join(ctx context.Context, d *Delivery) (id int64, done bool, err error) {
	if d.Edits != 0 {
		if d.Over {
			return t.joinEdit(ctx, d)
		}
		return 0, false, nil
	}
	if d.Problem == 0 {
		return 0, false, nil
	}
	waiting, err := all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery
		WHERE problem = ? AND chat = ? AND state = 'pending' AND edits IS NULL ORDER BY id`, d.Problem, d.To)
	if err != nil || len(waiting) == 0 {
		return 0, false, err
	}
	newest := waiting[len(waiting)-1]
	untold := !slices.ContainsFunc(waiting, func(w Delivery) bool { return w.Attempt.Begun })
	switch {
	case d.Over && untold:
		if !t.told(ctx, waiting[0]) {
			d.Missed = append(d.Missed, missedBy(newest, *d, waiting[0]))
		}
		if err := t.endSpares(ctx, *d, waiting); err != nil {
			return 0, false, err
		}
		return 0, false, t.drop(ctx, waiting, dropOver)
	case d.Kind == string(reports.Reminded) && untold && newest.Kind != string(reports.Resolved):
		return newest.ID, true, nil // it says the same, later
	case d.Follows == 0:
		d.Follows = newest.ID
	}
	return 0, false, nil
}

// endSpares tells the end to those who were told another way; messages to them that
// still wait are dropped instead.
func (t *tx) endSpares(ctx context.Context, over Delivery, told []Delivery) error {
	for _, d := range told {
		spares, err := all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery WHERE spare = ? AND state <> 'dropped' ORDER BY id`, d.ID)
		if err != nil {
			return err
		}
		for _, s := range spares {
			if s.Attempt.State == Pending && !s.Attempt.Begun {
				err = t.drop(ctx, []Delivery{s}, dropOver)
			} else {
				end := Delivery{To: s.To, Kind: over.Kind, Rank: RankOver, Follows: s.ID, Message: over.Message, Attempt: Attempt{Created: over.Attempt.Created}}
				_, err = t.insertDelivery(ctx, end)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// told reports whether the chat has an earlier message about the delivery's problem:
// its end must then be told as such.
func (t *tx) told(ctx context.Context, d Delivery) bool {
	n, _, err := one(ctx, t, single[int], `SELECT count(*) FROM delivery
		WHERE problem = ? AND chat = ? AND state = 'sent' AND edits IS NULL AND id < ?`, d.Problem, d.To, d.ID)
	return err == nil && n > 0
}

func missedBy(told, over, first Delivery) reports.Missed {
	return reports.Missed{Title: told.Message.Title, Tone: told.Message.Tone, Began: first.Attempt.Created, Ended: over.Attempt.Created}
}

// joinEdit is join for an edit that tells the end of what its message told: if that
// message still waits, it becomes the line of a late message.
func (t *tx) joinEdit(ctx context.Context, d *Delivery) (int64, bool, error) {
	target, ok, err := one(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery
		WHERE id = ? AND state = 'pending' AND begun = 0`, d.Edits)
	if err != nil || !ok {
		return 0, false, err
	}
	missed := encodeMissed([]reports.Missed{missedBy(target, *d, target)})
	message, err := json.Marshal(d.Message)
	if err != nil {
		return 0, false, err
	}
	_, err = t.exec(ctx, `UPDATE delivery SET message = ?, missed = ?, rank = ? WHERE id = ?`, string(message), missed, RankOver, target.ID)
	return target.ID, true, err
}

// drop drops deliveries for a reason of ours.
func (t *tx) drop(ctx context.Context, deliveries []Delivery, reason string) error {
	for _, d := range deliveries {
		if _, err := t.exec(ctx, `UPDATE delivery SET state = 'dropped', error = ? WHERE id = ?`, reason, d.ID); err != nil {
			return err
		}
	}
	return nil
}

// gather makes one message of all that a chat missed: the given delivery takes the
// lines of the others, which are dropped. It returns their number.
func (t *tx) gather(ctx context.Context, d Delivery) (int, error) {
	others, err := all(ctx, t, scanDelivery, `SELECT `+deliveryColumns+` FROM delivery
		WHERE chat = ? AND state = 'pending' AND begun = 0 AND missed <> '' AND id <> ? ORDER BY +id`, d.To, d.ID)
	if err != nil || len(others) == 0 {
		return 0, err
	}
	lines := d.Missed
	for _, o := range others {
		lines = append(lines, o.Missed...)
	}
	slices.SortStableFunc(lines, func(a, b reports.Missed) int { return a.Began.Compare(b.Began) })
	if _, err := t.exec(ctx, `UPDATE delivery SET missed = ? WHERE id = ?`, encodeMissed(lines), d.ID); err != nil {
		return 0, err
	}
	return len(others), t.drop(ctx, others, dropMerged)
}

// encodeMissed returns the stored form; empty for no lines.
func encodeMissed(lines []reports.Missed) string {
	if len(lines) == 0 {
		return ""
	}
	text, _ := json.Marshal(lines) // texts and times always marshal
	return string(text)
}
