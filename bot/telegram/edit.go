package telegram

import (
	"context"
	"fmt"
	"strconv"

	"domovoy/bot"
	"domovoy/reports"
)

// Edit replaces the words and buttons of a message. Files stay as they were
// sent: a bot cannot take a file back without deleting its message.
func (t *Telegram) Edit(ctx context.Context, to bot.Address, ref string, m reports.Message) error {
	at, err := placeOf(to)
	if err != nil {
		return err
	}
	if id, err := strconv.ParseInt(ref, 10, 64); err != nil || id <= 0 {
		return fmt.Errorf("editing message %q: %w", ref, bot.ErrGone)
	}
	err = t.edit(ctx, at, ref, t.draft("editMessageText", "text", maxText, m))
	if says(err, "there is no text in the message") { // it went out as a file's caption
		err = t.edit(ctx, at, ref, t.draft("editMessageCaption", "caption", maxCaption, m))
	}
	switch {
	case says(err, "message is not modified"):
		return nil
	case says(err, "message to edit not found", "message can't be edited", "message_id_invalid"):
		return fmt.Errorf("editing message %s (%w): %w", ref, err, bot.ErrGone)
	}
	return err
}

func (t *Telegram) edit(ctx context.Context, at place, ref string, d draft) error {
	d.params.AddNonZero64("chat_id", at.chat)
	d.params["message_id"] = ref
	_, err := t.deliver(ctx, at, d)
	return err
}
