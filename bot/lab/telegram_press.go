package lab

import (
	"context"
	"fmt"
)

// CallbackAnswer is what happened to a pressed button.
// https://core.telegram.org/bots/api#answercallbackquery
type CallbackAnswer struct {
	Query    string
	Answered int // how many times
	Text     string
	Alert    bool
}

const maxCallbackAnswer = 200

// Press sends callback data as if a button of a message carried it: hostile
// clients can send what no button has. The message may be unknown, as an old
// one is; it is then told as inaccessible. Press returns the query's id.
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
	t.bell.ring()
	return id
}

// PressButton presses the button of that label.
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
	t.bell.ring()
	return true, nil
}

// WaitAnswer waits until the bot has answered a pressed button.
func (t *Telegram) WaitAnswer(ctx context.Context, query string) (CallbackAnswer, error) {
	answer, err := await(ctx, &t.bell, func() (CallbackAnswer, bool) {
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
