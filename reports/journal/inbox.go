package journal

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

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

// ErrAnswered is the error of Answer when the update was handled before.
var ErrAnswered = errors.New("is answered already")

// Receive stores updates and the messenger's cursor, and returns the number of new
// updates. An update whose key is stored already is ignored: after a crash a
// messenger repeats updates that were not confirmed. An empty cursor leaves the
// stored one unchanged.
func (j *Journal) Receive(ctx context.Context, messenger string, updates []Update, cursor string) (fresh int, err error) {
	err = j.together(ctx, "receiving updates", func(t *tx) error {
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
		if n == 0 {
			continue
		}
		if err := t.tryChat(ctx, u.Chat); err != nil { // where somebody speaks to us, we may be heard
			return 0, err
		}
	}
	return fresh, nil
}

// Cursor returns the cursor that Receive stored last; empty: there is none.
func (j *Journal) Cursor(ctx context.Context, messenger string) (cursor string, err error) {
	err = j.view(ctx, "reading a cursor", func(t *tx) error {
		cursor, _, err = one(ctx, t, single[string], `SELECT value FROM cursor WHERE messenger = ?`, messenger)
		return err
	})
	return cursor, err
}

// Known reports whether updates of a person in a chat, an address with or without a
// thread, are answered; updates of all others are Strangers. Nil: nobody's are.
type Known func(person, chat string) bool

func (k Known) has(person, chat string) bool { return k != nil && k(person, chat) }

const updateColumns = `id, messenger, key, chat, private, person, name, language, text, button, ref, at`

func scanUpdate(s scanner) (u Update, err error) {
	err = s.Scan(&u.ID, &u.Messenger, &u.Key, &u.Chat, &u.Private, &u.Person, &u.Name, &u.Language,
		&u.Text, &u.Button, &u.Ref, stamp{&u.At})
	return u, err
}

// Unanswered lists the updates of known senders that were not handled yet, oldest
// first and at most limit: of each chat only the oldest one, and none of the chats
// in busy.
func (j *Journal) Unanswered(ctx context.Context, who Known, busy []string, limit int) ([]Update, error) {
	seen := map[string]bool{}
	for _, chat := range busy {
		seen[chat] = true
	}
	return j.unhandled(ctx, "reading the next updates", limit, func(person, chat string) bool {
		if seen[chat] || !who.has(person, chat) {
			return false
		}
		seen[chat] = true
		return true
	})
}

// Strangers lists the updates of all other senders that were not handled yet, oldest
// first and at most limit.
func (j *Journal) Strangers(ctx context.Context, who Known, limit int) ([]Update, error) {
	return j.unhandled(ctx, "reading strangers' updates", limit, func(person, chat string) bool { return !who.has(person, chat) })
}

// unhandled lists the chosen ones of the updates that were not handled yet, oldest first
// and at most limit. It reads no further than it must, since thousands may wait.
func (j *Journal) unhandled(ctx context.Context, doing string, limit int, choose func(person, chat string) bool) (found []Update, err error) {
	err = j.view(ctx, doing, func(t *tx) error {
		var chosen []int64
		err := until(ctx, t, func(s scanner) (bool, error) {
			var id int64
			var person, chat string
			if err := s.Scan(&id, &person, &chat); err != nil {
				return false, err
			}
			if choose(person, chat) {
				chosen = append(chosen, id)
			}
			return len(chosen) < limit, nil
		}, `SELECT id, person, chat FROM inbox WHERE handled = 0 ORDER BY id`)
		if err != nil {
			return err
		}
		for _, id := range chosen {
			u, ok, err := one(ctx, t, scanUpdate, `SELECT `+updateColumns+` FROM inbox WHERE id = ?`, id)
			if err != nil {
				return err
			}
			if ok {
				found = append(found, u)
			}
		}
		return nil
	})
	return found, err
}

// Ignore marks an update as handled without an answer and without an audit entry.
func (j *Journal) Ignore(ctx context.Context, update int64) error {
	return j.together(ctx, "ignoring an update", func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE inbox SET handled = ? WHERE id = ? AND handled = 0`, millis(time.Now()), update)
		return err
	})
}

// Answer marks an update as handled, enqueues its answers and stores the audit entry,
// which may be nil. It does all of it or nothing, so that no command is answered
// twice. It returns the IDs of the deliveries.
func (j *Journal) Answer(ctx context.Context, update int64, answers []Delivery, entry *AuditEntry) (ids []int64, err error) {
	err = j.together(ctx, "answering", func(t *tx) error {
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

// actionIDBytes makes an ID of 22 characters, which cannot be guessed and fits
// into Telegram's callback_data of 64 bytes
// (https://core.telegram.org/bots/api#inlinekeyboardbutton).
const actionIDBytes = 16

func newActionID() string {
	id := make([]byte, actionIDBytes)
	rand.Read(id) //nolint:errcheck // it never fails; see its documentation
	return base64.RawURLEncoding.EncodeToString(id)
}

func (t *tx) keepAction(ctx context.Context, id, chat, command string, at time.Time) error {
	_, err := t.exec(ctx, `INSERT INTO action (id, chat, command, created) VALUES (?, ?, ?, ?)`, id, chat, command, millis(at))
	return err
}

// Action returns the command of a button and the address of the chat it was sent to;
// a button is valid only there. False: the ID is unknown, or its button too old.
func (j *Journal) Action(ctx context.Context, id string) (command, chat string, ok bool, err error) {
	err = j.view(ctx, "reading an action", func(t *tx) error {
		_, ok, err = one(ctx, t, func(s scanner) (struct{}, error) {
			return struct{}{}, s.Scan(&command, &chat)
		}, `SELECT command, chat FROM action WHERE id = ?`, id)
		return err
	})
	return command, chat, ok, err
}

// Language returns the language that was chosen for a chat; false: none was.
func (j *Journal) Language(ctx context.Context, chat string) (language string, ok bool, err error) {
	err = j.view(ctx, "reading a chat's language", func(t *tx) error {
		language, ok, err = one(ctx, t, single[string], `SELECT language FROM chat WHERE address = ? AND language <> ''`, chat)
		return err
	})
	return language, ok, err
}

// SetLanguage stores the language that was chosen for a chat.
func (j *Journal) SetLanguage(ctx context.Context, chat, language string) error {
	return j.change(ctx, "setting a chat's language", func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO chat (address, language) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET language = excluded.language`, chat, language)
		return err
	})
}
