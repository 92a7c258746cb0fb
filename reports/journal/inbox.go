package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrAnswered is what Answer says of an update that has its answer.
var ErrAnswered = errors.New("is answered already")

// Receive stores what people said, with the messenger's cursor, and gives the
// number of updates that are new. One whose key is known is ignored: after a
// crash a messenger repeats what was not confirmed. An empty cursor leaves
// the stored one.
func (j *Journal) Receive(ctx context.Context, messenger string, updates []Update, cursor string) (fresh int, err error) {
	err = j.change(ctx, "receiving updates", func(t *tx) error {
		fresh, err = t.receive(ctx, messenger, updates)
		if err != nil || cursor == "" {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO cursor (messenger, value) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET value = excluded.value`, messenger, cursor)
		return err
	})
	return fresh, err
}

func (t *tx) receive(ctx context.Context, messenger string, updates []Update) (fresh int, err error) {
	for _, u := range updates {
		n, err := t.exec(ctx, `INSERT INTO inbox (messenger, key, chat, private, person, name, language, text, button, ref, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`, messenger, u.Key, u.Chat, u.Private,
			u.Person, u.Name, u.Language, u.Text, u.Button, u.Ref, millis(u.At))
		if err != nil {
			return 0, err
		}
		fresh += n
	}
	return fresh, nil
}

// Cursor is the last one that Receive stored; empty: none yet.
func (j *Journal) Cursor(ctx context.Context, messenger string) (cursor string, err error) {
	err = j.look(ctx, "reading a cursor", func(t *tx) error {
		cursor, _, err = one(ctx, t, single[string], `SELECT value FROM cursor WHERE messenger = ?`, messenger)
		return err
	})
	return cursor, err
}

// NextUpdate is the oldest update without an answer; false: there is none.
func (j *Journal) NextUpdate(ctx context.Context) (u Update, ok bool, err error) {
	scan := func(s scanner) (u Update, err error) {
		err = s.Scan(&u.ID, &u.Messenger, &u.Key, &u.Chat, &u.Private, &u.Person, &u.Name, &u.Language,
			&u.Text, &u.Button, &u.Ref, stamp{&u.At})
		return u, err
	}
	err = j.look(ctx, "reading the next update", func(t *tx) error {
		u, ok, err = one(ctx, t, scan, `SELECT id, messenger, key, chat, private, person, name, language, text, button, ref, at
			FROM inbox WHERE handled = 0 ORDER BY id LIMIT 1`)
		return err
	})
	return u, ok, err
}

// Answer marks an update as handled, enqueues its answers and, if there is
// one, keeps the audit entry: all or nothing, so that no command is answered
// twice. The IDs are those of the deliveries.
func (j *Journal) Answer(ctx context.Context, update int64, answers []Delivery, entry *AuditEntry) (ids []int64, err error) {
	err = j.change(ctx, "answering", func(t *tx) error {
		ids, err = t.answer(ctx, update, answers, entry)
		return err
	})
	return ids, err
}

func (t *tx) answer(ctx context.Context, update int64, answers []Delivery, entry *AuditEntry) ([]int64, error) {
	now := time.Now()
	n, err := t.exec(ctx, `UPDATE inbox SET handled = ? WHERE id = ? AND handled = 0`, millis(now), update)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fmt.Errorf("update %d %w", update, ErrAnswered)
	}
	if entry != nil {
		if err := t.audit(ctx, *entry); err != nil {
			return nil, err
		}
	}
	return t.enqueue(ctx, now, answers)
}
