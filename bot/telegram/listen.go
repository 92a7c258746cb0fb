package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"domovoy/bot"
)

const (
	pollSeconds   = 50
	pollTimeout   = (pollSeconds + 10) * time.Second
	answerTimeout = 5 * time.Second

	firstWait    = time.Second
	longestWait  = 4 * time.Second // what people ask is not to wait for long once Telegram works again
	conflictWait = 30 * time.Second
)

// Listen receives updates until the context ends, which is not an error, or until
// Telegram refuses the token: the error is then a *bot.Permanent. It retries
// everything else.
func (t *Telegram) Listen(ctx context.Context, inbox bot.Inbox) error {
	defer t.api.http.CloseIdleConnections()
	l := &listener{Telegram: t, inbox: inbox}
	failures := 0
	for {
		err := l.next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			failures = 0
			continue
		}
		if refusal, invalid := invalidToken(err); invalid {
			return &bot.Permanent{Reason: reasonOf(refusal), Token: true, Err: err}
		}
		failures++
		wait := waitAfter(err, failures)
		t.logFailure(ctx, err, wait)
		if t.sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// invalidToken reports whether Telegram does not accept the token. A 404 may be a
// proxy's: Telegram gives one to a token of a wrong form, which New refuses.
func invalidToken(err error) (*tgbotapi.Error, bool) {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	return refusal, refused && refusal.Code == http.StatusUnauthorized
}

func isConflict(err error) bool {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	return refused && refusal.Code == http.StatusConflict
}

// waitAfter is how long to wait after a number of consecutive failures, at least one.
func waitAfter(err error, failures int) time.Duration {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	switch {
	case refused && refusal.Code == http.StatusTooManyRequests:
		return waitOf(refusal)
	case isConflict(err):
		return conflictWait
	}
	return min(firstWait<<min(failures-1, 20), longestWait)
}

func (t *Telegram) logFailure(ctx context.Context, err error, wait time.Duration) {
	text := "receiving from Telegram failed"
	if isConflict(err) {
		text = "receiving from Telegram failed: another program uses this bot's token, or it has a webhook"
	}
	t.log.WarnContext(ctx, text, "error", err, "retry_in", wait)
}

// listener is one run of Listen.
type listener struct {
	*Telegram
	inbox     bot.Inbox
	converter *converter // nil until getMe has succeeded
	cursor    string     // the offset of the next getUpdates; may be empty
}

// next polls once; before the first poll it calls getMe.
func (l *listener) next(ctx context.Context) error {
	if l.converter == nil {
		if err := l.start(ctx); err != nil {
			return err
		}
	}
	return l.poll(ctx)
}

func (l *listener) start(ctx context.Context) error {
	result, err := l.api.call(ctx, callTimeout, "getMe", nil)
	if err != nil {
		return err
	}
	var me user
	if err := json.Unmarshal(result, &me); err != nil {
		return fmt.Errorf("reading getMe: %w", err)
	}
	if me.Username == "" {
		return errors.New("getMe names no bot")
	}
	if l.cursor, err = l.inbox.Cursor(ctx); err != nil {
		return fmt.Errorf("reading the cursor: %w", err)
	}
	l.setMenus(ctx)
	l.log.InfoContext(ctx, "receiving from Telegram", "bot", "@"+me.Username)
	l.converter = newConverter(me, l.now)
	return nil
}

// poll receives updates and stores them. Polling with the cursor confirms all updates
// before it. https://core.telegram.org/bots/api#getupdates
func (l *listener) poll(ctx context.Context) error {
	params := tgbotapi.Params{
		"timeout":         strconv.Itoa(pollSeconds),
		"allowed_updates": `["message","callback_query","my_chat_member"]`,
	}
	params.AddNonEmpty("offset", l.cursor)
	result, err := l.api.call(ctx, pollTimeout, "getUpdates", params)
	if err != nil {
		return err
	}
	updates, cursor, err := l.read(ctx, result)
	if err != nil || cursor == "" {
		return err
	}
	if err := l.inbox.Receive(ctx, l.convert(ctx, updates), cursor); err != nil {
		return fmt.Errorf("storing updates: %w", err)
	}
	l.cursor = cursor
	l.answerQueries(ctx, updates)
	return nil
}

// read decodes the updates one by one, so that an update that cannot be decoded is
// skipped alone and not received again and again. The cursor is empty when there
// are no updates.
func (l *listener) read(ctx context.Context, result json.RawMessage) (updates []update, cursor string, err error) {
	var list []json.RawMessage
	if err := json.Unmarshal(result, &list); err != nil {
		return nil, "", fmt.Errorf("reading updates: %w", err)
	}
	for _, raw := range list {
		var u update
		failure := json.Unmarshal(raw, &u)
		if u.ID == 0 { // an update without a number cannot be confirmed
			return nil, "", errors.Join(errors.New("reading updates: one has no update_id"), failure)
		}
		cursor = strconv.FormatInt(u.ID+1, 10)
		if failure != nil {
			l.log.WarnContext(ctx, "an update cannot be read", "update", u.ID, "error", failure)
			continue
		}
		updates = append(updates, u)
	}
	return updates, cursor, nil
}

// convert returns the updates that are addressed to the bot, and logs changes of its
// membership.
func (l *listener) convert(ctx context.Context, updates []update) []bot.Update {
	var converted []bot.Update
	for _, u := range updates {
		if m := u.Member; m != nil {
			l.log.InfoContext(ctx, "the bot's membership in a chat changed",
				"chat", m.Chat.ID, "from", m.Old.Status, "to", m.New.Status, "by", m.From.person())
		}
		if m := u.Member; m != nil && m.admits() {
			l.admitted(ctx, m.Chat.ID)
		}
		if update, ok := l.converter.convert(u); ok {
			converted = append(converted, update)
		}
	}
	return converted
}

// admitted passes on that the bot may write to a chat. A failure only means that the
// chat is tried later.
func (l *listener) admitted(ctx context.Context, chat int64) {
	if keeper, ok := l.inbox.(bot.Doorkeeper); ok {
		to := bot.Address{Messenger: Messenger, Chat: strconv.FormatInt(chat, 10)}
		if err := keeper.Admitted(ctx, to); err != nil {
			l.log.WarnContext(ctx, "cannot note that a chat takes messages", "chat", chat, "error", err)
		}
	}
}

// answerQueries ends the progress indicator on pressed buttons. The indicator ends by itself
// after a while, so a failure is only logged.
func (l *listener) answerQueries(ctx context.Context, updates []update) {
	for _, u := range updates {
		if u.Pressed == nil {
			continue
		}
		params := tgbotapi.Params{"callback_query_id": u.Pressed.ID}
		if _, err := l.api.call(ctx, answerTimeout, "answerCallbackQuery", params); err != nil {
			l.log.DebugContext(ctx, "a pressed button was not answered", "error", err)
			if !says(err, "") { // not a refusal: the network is down, and the other calls would time out too
				return
			}
		}
	}
}
