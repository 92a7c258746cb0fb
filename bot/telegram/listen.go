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
	longestWait  = 5 * time.Minute
	conflictWait = 30 * time.Second
)

// Listen asks for updates until the context ends (it returns nil then), or
// until Telegram refuses the token (*bot.Permanent).
func (t *Telegram) Listen(ctx context.Context, inbox bot.Inbox) error {
	defer t.api.http.CloseIdleConnections()
	l := &listener{Telegram: t, inbox: inbox}
	failures := 0
	for {
		err := l.turn(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			failures = 0
			continue
		}
		if refusal, void := voidToken(err); void {
			return &bot.Permanent{Reason: reasonOf(refusal), Token: true, Err: err}
		}
		failures++
		wait := waitAfter(err, failures)
		t.logFailure(ctx, err, wait)
		if t.pause(ctx, wait) != nil {
			return nil
		}
	}
}

// voidToken tells whether Telegram does not know the token: 401, or 404 for
// one that it takes for a wrong path.
func voidToken(err error) (*tgbotapi.Error, bool) {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	return refusal, refused && (refusal.Code == http.StatusUnauthorized || refusal.Code == http.StatusNotFound)
}

func isConflict(err error) bool {
	refusal, refused := errors.AsType[*tgbotapi.Error](err)
	return refused && refusal.Code == http.StatusConflict
}

// waitAfter is how long to wait after so many failures in a row, at least one.
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
	text := "Telegram is not heard"
	if isConflict(err) {
		text = "Telegram is not heard: another program uses this bot's token, or it has a webhook"
	}
	t.log.WarnContext(ctx, text, "error", err, "again_in", wait)
}

// listener is one run of Listen.
type listener struct {
	*Telegram
	inbox  bot.Inbox
	hearer *hearer // nil until getMe has answered
	cursor string  // the offset to ask for; may be empty
}

// turn does the next thing: getMe at first, then one poll after the other.
func (l *listener) turn(ctx context.Context) error {
	if l.hearer == nil {
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
	l.log.InfoContext(ctx, "Telegram is heard", "bot", "@"+me.Username)
	l.hearer = newHearer(me, l.now)
	return nil
}

// poll asks for updates and stores them; asking with the cursor confirms all
// that came before it. https://core.telegram.org/bots/api#getupdates
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
	if err := l.inbox.Receive(ctx, l.heard(ctx, updates), cursor); err != nil {
		return fmt.Errorf("storing updates: %w", err)
	}
	l.cursor = cursor
	l.answer(ctx, updates)
	return nil
}

// read decodes the updates one by one, so that one of an unknown shape is lost
// alone, and not asked for again for ever. The cursor is empty without any.
func (l *listener) read(ctx context.Context, result json.RawMessage) (updates []update, cursor string, err error) {
	var list []json.RawMessage
	if err := json.Unmarshal(result, &list); err != nil {
		return nil, "", fmt.Errorf("reading updates: %w", err)
	}
	for _, raw := range list {
		var u update
		failure := json.Unmarshal(raw, &u)
		if u.ID == 0 { // without its number nothing can be confirmed
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

func (l *listener) heard(ctx context.Context, updates []update) []bot.Update {
	var heard []bot.Update
	for _, u := range updates {
		if m := u.Member; m != nil {
			l.log.InfoContext(ctx, "the bot's place in a chat changed",
				"chat", m.Chat.ID, "from", m.Old.Status, "to", m.New.Status, "by", m.From.person())
		}
		if update, ok := l.hearer.hear(u); ok {
			heard = append(heard, update)
		}
	}
	return heard
}

// answer ends the waiting sign on pressed buttons. What is not answered goes
// out by itself, so a failure is worth a line in the log and no more.
func (l *listener) answer(ctx context.Context, updates []update) {
	for _, u := range updates {
		if u.Pressed == nil {
			continue
		}
		params := tgbotapi.Params{"callback_query_id": u.Pressed.ID}
		if _, err := l.api.call(ctx, answerTimeout, "answerCallbackQuery", params); err != nil {
			l.log.DebugContext(ctx, "a pressed button was not answered", "error", err)
			if !says(err, "") { // no refusal: the network is down, and the rest would wait in vain
				return
			}
		}
	}
}
