package journal

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"
)

// actionIDBytes makes an ID of 22 characters: nobody guesses one, and it fits
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

// Action is what a button means, and the chat it was sent to: a button
// counts only there. False: it is unknown or too old.
func (j *Journal) Action(ctx context.Context, id string) (command, chat string, ok bool, err error) {
	err = j.look(ctx, "reading an action", func(t *tx) error {
		_, ok, err = one(ctx, t, func(s scanner) (struct{}, error) {
			return struct{}{}, s.Scan(&command, &chat)
		}, `SELECT command, chat FROM action WHERE id = ?`, id)
		return err
	})
	return command, chat, ok, err
}
