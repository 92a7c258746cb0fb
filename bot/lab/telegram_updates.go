package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// updateQueue keeps updates until a higher offset confirms them.
// https://core.telegram.org/bots/api#getupdates
type updateQueue struct {
	next    int // update_id of the update to come
	waiting []update
	allowed []string      // nil: not set by any getUpdates, so the default kinds
	poll    chan struct{} // of the running poll, closed to end it; may be nil
}

type update struct {
	id   int
	kind string // the name of its one field: message, callback_query…
	body object
}

// offByDefault are the kinds that a bot receives only if it names them.
func offByDefault() []string {
	return []string{"chat_member", "message_reaction", "message_reaction_count"}
}

// add queues an update if the bot receives its kind: the filter applies when an update
// is made, not when it is fetched.
func (q *updateQueue) add(kind string, body object) {
	wanted := slices.Contains(q.allowed, kind)
	if len(q.allowed) == 0 {
		wanted = !slices.Contains(offByDefault(), kind)
	}
	if !wanted {
		return
	}
	q.waiting = append(q.waiting, update{id: q.next, kind: kind, body: body})
	q.next++
}

// confirm removes the updates that an offset confirms: those below it or, when it is
// negative, all but that many of the newest.
func (q *updateQueue) confirm(offset int) {
	if offset < 0 {
		q.waiting = q.waiting[max(0, len(q.waiting)+offset):]
		return
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(u update) bool { return u.id < offset })
}

func (q *updateQueue) batch(limit int) []object {
	list := []object{}
	for _, u := range q.waiting[:min(limit, len(q.waiting))] {
		list = append(list, object{"update_id": u.id, u.kind: u.body})
	}
	return list
}

func (t *Telegram) getUpdates(ctx context.Context, q request) (any, error) {
	offset, limit, wait := q.number("offset", 0), q.number("limit", 100), q.number("timeout", 0)
	limit = min(max(limit, 1), 100)
	var allowed []string
	if text := q.params["allowed_updates"]; text != "" && json.Unmarshal([]byte(text), &allowed) != nil {
		return nil, badRequest("can't parse allowed updates JSON object")
	}
	if t.hasWebhook() {
		return nil, &telegramError{code: http.StatusConflict, text: "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"}
	}
	ended := t.startPoll(offset, allowed)
	defer t.endPoll(ended)
	timer := time.NewTimer(time.Duration(min(wait, 50)) * time.Second)
	defer timer.Stop()
	return t.longPoll(ctx, limit, ended, timer.C)
}

func (t *Telegram) hasWebhook() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.webhook != ""
}

// startPoll ends the running poll, as the real server does: of two pollers the older
// one receives 409.
func (t *Telegram) startPoll(offset int, allowed []string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.updates.poll != nil {
		close(t.updates.poll)
	}
	t.updates.poll = make(chan struct{})
	if allowed != nil {
		t.updates.allowed = allowed
	}
	t.updates.confirm(offset)
	t.changed.send()
	return t.updates.poll
}

func (t *Telegram) endPoll(poll chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.updates.poll == poll {
		t.updates.poll = nil
	}
}

func (t *Telegram) longPoll(ctx context.Context, limit int, ended <-chan struct{}, late <-chan time.Time) (any, error) {
	for {
		changed := t.changed.listen()
		t.mu.Lock()
		batch := t.updates.batch(limit)
		t.mu.Unlock()
		if len(batch) > 0 {
			return batch, nil
		}
		select {
		case <-changed:
		case <-late:
			return []object{}, nil
		case <-ended:
			return nil, errConflict
		case <-ctx.Done():
			return []object{}, nil // the client has disconnected
		}
	}
}

// Unconfirmed counts the updates the bot has not confirmed.
func (t *Telegram) Unconfirmed() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.updates.waiting)
}

// WaitConfirmed waits until the bot has confirmed all updates.
func (t *Telegram) WaitConfirmed(ctx context.Context) error {
	_, err := await(ctx, &t.changed, func() (int, bool) {
		n := t.Unconfirmed()
		return n, n == 0
	})
	return err
}

// WaitPolling waits until a getUpdates is under way.
func (t *Telegram) WaitPolling(ctx context.Context) error {
	_, err := await(ctx, &t.changed, func() (struct{}, bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		return struct{}{}, t.updates.poll != nil
	})
	return err
}

// number parses a whole number; anything else counts as not given, as with the real
// server.
func (q *request) number(name string, otherwise int) int {
	n, err := strconv.Atoi(q.params[name])
	if err != nil {
		return otherwise
	}
	return n
}

func (q *request) flag(name string) bool {
	on, err := strconv.ParseBool(q.params[name])
	return err == nil && on
}

// CallbackAnswer is the bot's answer to a pressed button.
// https://core.telegram.org/bots/api#answercallbackquery
type CallbackAnswer struct {
	Query    string
	Answered int // number of answers
	Text     string
	Alert    bool
}

const maxCallbackAnswer = 200

// Press sends callback data as if a button of a message had it: modified clients can
// send data that no button has. A message that is unknown, as an old one may be, is
// sent as an InaccessibleMessage. Press returns the query's id.
func (t *Telegram) Press(chatID int64, messageID int, from User, data string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.chatOf(chatID)
	message := object{"chat": c.json(), "message_id": messageID, "date": 0} // InaccessibleMessage
	if m := c.find(messageID); m != nil {
		message = t.messageJSON(c, m)
	}
	id := t.nextQuery()
	t.queries[id] = &CallbackAnswer{Query: id}
	t.updates.add("callback_query", object{
		"id": id, "from": from.json(), "message": message, "chat_instance": fmt.Sprint(-chatID), "data": data,
	})
	t.changed.send()
	return id
}

// PressButton presses the button with that label and returns the query's id.
func (t *Telegram) PressButton(chatID int64, messageID int, from User, label string) (string, error) {
	t.mu.Lock()
	m := t.chatOf(chatID).find(messageID)
	var button Button
	found := false
	if m != nil {
		button, found = m.button(label)
	}
	t.mu.Unlock()
	if !found || button.Data == "" {
		return "", fmt.Errorf("message %d of chat %d has no button %q to press", messageID, chatID, label)
	}
	return t.Press(chatID, messageID, from, button.Data), nil
}

func (t *Telegram) answerCallbackQuery(_ context.Context, q request) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	answer := t.queries[q.params["callback_query_id"]]
	if answer == nil {
		return nil, badRequest("query is too old and response timeout expired or query ID is invalid")
	}
	if units(q.params["text"]) > maxCallbackAnswer {
		return nil, badRequest("MESSAGE_TOO_LONG")
	}
	answer.Answered++
	answer.Text, answer.Alert = q.params["text"], q.flag("show_alert")
	t.changed.send()
	return true, nil
}

// WaitAnswer waits until the bot has answered a pressed button.
func (t *Telegram) WaitAnswer(ctx context.Context, query string) (CallbackAnswer, error) {
	answer, err := await(ctx, &t.changed, func() (CallbackAnswer, bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.queries[query] == nil {
			return CallbackAnswer{}, false
		}
		return *t.queries[query], t.queries[query].Answered > 0
	})
	if err != nil {
		return answer, fmt.Errorf("waiting for the answer to callback query %s: %w", query, err)
	}
	return answer, nil
}
