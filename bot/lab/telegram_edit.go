package lab

import "context"

func (t *Telegram) editMessageText(_ context.Context, q request) (any, error) {
	content, err := q.content("text")
	if err != nil {
		return nil, err
	}
	if err := content.checkText(); err != nil {
		return nil, err
	}
	return t.edit(q, func(m *TelegramMessage) (Content, error) {
		if m.File != nil {
			return content, badRequest("there is no text in the message to edit")
		}
		return content, nil
	})
}

func (t *Telegram) editMessageReplyMarkup(_ context.Context, q request) (any, error) {
	buttons, err := parseKeyboard(q.params["reply_markup"])
	if err != nil {
		return nil, err
	}
	return t.edit(q, func(m *TelegramMessage) (Content, error) {
		content := m.Content
		content.Buttons = buttons
		return content, nil
	})
}

// edit replaces the content of one of the bot's messages. An edit without
// reply_markup takes the buttons away.
func (t *Telegram) edit(q request, change func(*TelegramMessage) (Content, error)) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := t.target(q)
	if err != nil {
		return nil, err
	}
	m, err := q.edited(c)
	if err != nil {
		return nil, err
	}
	content, err := change(m)
	if err != nil {
		return nil, err
	}
	if err := t.admitTo(c); err != nil { // edits count, though the FAQ speaks of messages only
		return nil, err
	}
	if m.same(content) {
		return nil, badRequest("message is not modified: specified new message content and reply markup " +
			"are exactly the same as a current content and reply markup of the message")
	}
	m.Edits = append(m.Edits, m.Content)
	m.Content = content
	t.bell.ring()
	return t.messageJSON(c, m), nil
}

// edited finds the message an edit is about.
func (q *request) edited(c *chat) (*TelegramMessage, error) {
	id := q.number("message_id", 0)
	if id == 0 {
		return nil, badRequest("message identifier is not specified")
	}
	if m := c.find(id); m != nil {
		return m, nil
	}
	if c.heard[id] {
		return nil, badRequest("message can't be edited")
	}
	return nil, badRequest("message to edit not found")
}
