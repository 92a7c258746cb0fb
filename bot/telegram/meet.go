package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"domovoy/bot"
)

// Errors of Meet that a person can mend while it goes on.
var (
	ErrBusy    = errors.New("another program receives for this bot")
	ErrWebhook = errors.New("a webhook receives for this bot")
)

// Heard is something said to the bot, or, with Joined, that it was added to a chat.
type Heard struct {
	bot.Update
	Title   string // of the group; empty in a private chat
	Joined  bool
	Channel bool // it is a channel, in which nobody can ask the bot
}

// meetWait is how long Meet waits after a failure: a person is waiting, too.
const meetWait = 2 * time.Second

// Username is the bot's username, without the @.
func (t *Telegram) Username(ctx context.Context) (string, error) {
	me, err := t.self(ctx)
	return me.Username, err
}

func (t *Telegram) self(ctx context.Context) (user, error) {
	result, err := t.api.call(ctx, callTimeout, "getMe", nil)
	if err != nil {
		return user{}, explain(err, bot.Address{})
	}
	var me user
	if err := json.Unmarshal(result, &me); err != nil || me.Username == "" {
		return user{}, errors.Join(errors.New("getMe names no bot"), err)
	}
	return me, nil
}

// Meet passes on what people say to the bot until hear returns true. What it has
// passed on is confirmed, so that Listen does not receive it again. It calls failed
// with an error after which it tries again: ErrBusy, ErrWebhook, or one of the network.
// Its own error is the context's, or a *bot.Permanent for a refused token.
func (t *Telegram) Meet(ctx context.Context, hear func(Heard) bool, failed func(error)) error {
	defer t.api.http.CloseIdleConnections()
	me, err := t.self(ctx)
	if err != nil {
		return err
	}
	c, cursor := newConverter(me, t.now), ""
	for {
		heard, next, err := t.meet(ctx, c, cursor, pollSeconds)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if refusal, invalid := invalidToken(err); invalid {
				return &bot.Permanent{Reason: reasonOf(refusal), Token: true, Err: err}
			}
			failed(met(err))
			if err := t.sleep(ctx, meetWait); err != nil {
				return err
			}
			continue
		}
		cursor = next
		for _, h := range heard {
			if hear(h) {
				_, _, err := t.meet(ctx, c, cursor, 0) // confirms
				return err
			}
		}
	}
}

// meet polls once. It returns the cursor of the next poll.
func (t *Telegram) meet(ctx context.Context, c *converter, cursor string, seconds int) ([]Heard, string, error) {
	params := tgbotapi.Params{"timeout": strconv.Itoa(seconds), "allowed_updates": `["message","callback_query","my_chat_member"]`}
	params.AddNonEmpty("offset", cursor)
	result, err := t.api.call(ctx, pollTimeout, "getUpdates", params)
	if err != nil {
		return nil, cursor, err
	}
	var updates []update
	if err := json.Unmarshal(result, &updates); err != nil {
		return nil, cursor, fmt.Errorf("reading updates: %w", err)
	}
	var heard []Heard
	for _, u := range updates {
		cursor = strconv.FormatInt(u.ID+1, 10)
		if m := u.Member; m != nil && m.admits() && m.Chat.Type != "private" {
			to := bot.Address{Messenger: Messenger, Chat: strconv.FormatInt(m.Chat.ID, 10)}
			heard = append(heard, Heard{Update: bot.Update{Chat: to.String(), Name: m.From.name()}, Title: m.Chat.Title, Joined: true, Channel: m.Chat.Type == "channel"})
		}
		if said, ok := c.convert(u); ok && u.Message != nil {
			heard = append(heard, Heard{Update: said, Title: u.Message.Chat.Title})
		}
	}
	return heard, cursor, nil
}

// met is the error of a poll, for a person.
func met(err error) error {
	switch {
	case isConflict(err) && says(err, "webhook"):
		return ErrWebhook
	case isConflict(err):
		return ErrBusy
	}
	return err
}
