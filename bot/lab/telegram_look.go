package lab

import (
	"context"
	"fmt"
	"slices"
)

// Messages lists what the bot has sent to a chat, oldest first, as it is now.
func (t *Telegram) Messages(chatID int64) []TelegramMessage {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.chats[chatID] == nil {
		return nil
	}
	var list []TelegramMessage
	for _, m := range t.chats[chatID].sent {
		list = append(list, m.clone())
	}
	return list
}

// WaitMessage waits until a message of any chat is as wanted, new or edited.
func (t *Telegram) WaitMessage(ctx context.Context, wanted func(TelegramMessage) bool) (TelegramMessage, error) {
	m, err := await(ctx, &t.bell, func() (TelegramMessage, bool) {
		for _, m := range t.all() {
			if wanted(m) {
				return m, true
			}
		}
		return TelegramMessage{}, false
	})
	if err != nil {
		return m, fmt.Errorf("waiting for a message, saw %q: %w", t.texts(), err)
	}
	return m, nil
}

func (t *Telegram) all() []TelegramMessage {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []TelegramMessage
	for _, c := range t.chats {
		for _, m := range c.sent {
			list = append(list, m.clone())
		}
	}
	return list
}

func (t *Telegram) texts() []string {
	var texts []string
	for _, m := range t.all() {
		texts = append(texts, m.Text)
	}
	return texts
}

// clone copies what later edits append to; the rest is only ever replaced.
func (m *TelegramMessage) clone() TelegramMessage {
	c := *m
	c.Edits = slices.Clone(m.Edits)
	return c
}
