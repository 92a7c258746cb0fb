package journal

import (
	"context"
	"time"
)

// ClosedChat is a chat that refuses us for good, until it does not.
type ClosedChat struct {
	Chat   string // without its topic
	Since  time.Time
	Reason string // the messenger's own words
}

// retryClosed is when a chat that was closed is tried for the first time; later
// tries are as far from the last as that is from the closing, at most lastRetryClosed.
const (
	retryClosed     = 2 * time.Minute
	lastRetryClosed = 30 * time.Minute
)

// CloseChat records that a chat refused a delivery for good. The delivery and all
// others to that chat wait for a rare try, or for ReopenChat; those that were
// enqueued before giveUp are dropped with the reason. The audit notes the first
// refusal, and the notices, which tell others of it, are enqueued only then.
func (j *Journal) CloseChat(ctx context.Context, id int64, c ClosedChat, giveUp time.Time, unsure bool, notices []Delivery) (first bool, err error) {
	now := c.Since
	err = j.change(ctx, "closing a chat", func(t *tx) error {
		since, _, err := one(ctx, t, when, `SELECT closed FROM chat WHERE address = ? AND closed > 0`, c.Chat)
		if err != nil {
			return err
		}
		first = since.IsZero()
		if first {
			since = now
		}
		if _, err := t.exec(ctx, `INSERT INTO chat (address, closed, reason) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET closed = excluded.closed, reason = excluded.reason`, c.Chat, millis(since), c.Reason); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE delivery SET error = ?, tries = tries + 1, begun = iif(?, begun, 0) WHERE id = ?`, c.Reason, unsure, id); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE delivery SET state = 'dropped', error = ?, begun = 0
			WHERE place = ? AND state = 'pending' AND created < ?`, c.Reason, c.Chat, millis(giveUp)); err != nil {
			return err
		}
		if err := t.hold(ctx, c.Chat, now.Add(min(lastRetryClosed, max(retryClosed, now.Sub(since)))), c.Reason); err != nil || !first {
			return err
		}
		if _, err := t.enqueue(ctx, now, notices); err != nil {
			return err
		}
		return t.audit(ctx, AuditEntry{At: now, Person: systemPerson, Chat: c.Chat, Command: "delivery", Args: "closed " + c.Chat + " " + c.Reason, Result: "ok"})
	})
	return first, err
}

// systemPerson is who does what nobody ordered, in the audit.
const systemPerson = "local:domovoy"

// ReopenChat records that a chat takes messages again, or may do so: what waits for
// it is due. It reports whether the chat was closed. by is who said so; with the
// zero Actor it is the chat itself, which accepted a message.
func (j *Journal) ReopenChat(ctx context.Context, chat string, now time.Time, by Actor) (was bool, err error) {
	err = j.change(ctx, "opening a chat", func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE chat SET closed = 0, reason = '' WHERE address = ? AND closed > 0`, chat)
		if was = n > 0; err != nil || !was {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM hold WHERE place = ?`, chat); err != nil {
			return err
		}
		if by.Person == "" {
			by.Person = systemPerson
		}
		return t.audit(ctx, AuditEntry{At: now, Person: by.Person, Name: by.Name, Role: by.Role, Chat: chat,
			Command: "delivery", Args: "opened " + chat, Result: "ok"})
	})
	return was, err
}

// TryChat has what waits for a chat tried at once if the chat is closed: it may take
// messages again.
func (j *Journal) TryChat(ctx context.Context, chat string) error {
	return j.change(ctx, "trying a chat", func(t *tx) error { return t.tryChat(ctx, chat) })
}

func (t *tx) tryChat(ctx context.Context, chat string) error {
	_, err := t.exec(ctx, `DELETE FROM hold WHERE place = iif(instr(?1, '/') > 0, substr(?1, 1, instr(?1, '/') - 1), ?1)
		AND place IN (SELECT address FROM chat WHERE closed > 0)`, chat)
	return err
}

// ClosedChats lists the chats that refuse us for good.
func (j *Journal) ClosedChats(ctx context.Context) (closed []ClosedChat, err error) {
	err = j.view(ctx, "reading closed chats", func(t *tx) error {
		closed, err = t.closedChats(ctx)
		return err
	})
	return closed, err
}

func (t *tx) closedChats(ctx context.Context) ([]ClosedChat, error) {
	return all(ctx, t, func(s scanner) (c ClosedChat, err error) {
		err = s.Scan(&c.Chat, stamp{&c.Since}, &c.Reason)
		return c, err
	}, `SELECT address, closed, reason FROM chat WHERE closed > 0 ORDER BY address`)
}

// TryNow makes everything that waits due at now, whatever was planned; a request of
// a messenger to wait holds on. It returns the number of deliveries.
func (j *Journal) TryNow(ctx context.Context, now time.Time) (n int, err error) {
	err = j.change(ctx, "trying again", func(t *tx) error {
		if _, err := t.exec(ctx, `DELETE FROM hold WHERE place IN (SELECT address FROM chat WHERE closed > 0)`); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE delivery SET next = ?1 WHERE state = 'pending' AND next > ?1 AND tries > 0`, millis(now)); err != nil {
			return err
		}
		n, _, err = one(ctx, t, single[int], `SELECT count(*) FROM delivery WHERE state = 'pending'`)
		return err
	})
	return n, err
}
