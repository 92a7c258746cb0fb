package lab

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// TelegramMessage is a message of the bot in its present form.
type TelegramMessage struct {
	Chat    int64
	ID      int // counted per chat
	Thread  int // 0: none
	ReplyTo int // 0: none
	Content
	File   *TelegramFile // nil for a text
	Album  string        // its media_group_id; empty: it is in no album
	Silent bool
	At     time.Time
	Edits  []Content // the previous forms, oldest first
}

// Content is the part of a message that an edit can change.
type Content struct {
	Raw       string // as sent, with its markup; a document's caption
	ParseMode string
	Text      string // Raw without its markup
	Entities  []Entity
	Buttons   [][]Button
}

// TelegramFile is a document or a photo.
type TelegramFile struct {
	File
	Photo bool
}

// Button is a button of an inline keyboard.
// https://core.telegram.org/bots/api#inlinekeyboardbutton
type Button struct {
	Label string
	Data  string // callback_data; empty for the other kinds
	URL   string
	Copy  string // copy_text
	Style string // danger, success, primary or empty
}

// same reports whether an edit to other would change nothing visible.
func (c Content) same(other Content) bool {
	return c.Text == other.Text && slices.Equal(c.Entities, other.Entities) &&
		slices.EqualFunc(c.Buttons, other.Buttons, slices.Equal[[]Button])
}

// button returns the button with that label.
func (c Content) button(label string) (Button, bool) {
	for _, row := range c.Buttons {
		for _, b := range row {
			if b.Label == label {
				return b, true
			}
		}
	}
	return Button{}, false
}

// add adds a new message to its chat. The caller holds t.mu.
func (t *Telegram) add(c *chat, m *TelegramMessage) {
	m.Chat, m.ID, m.At = c.ID, c.nextID, t.options.Now()
	c.nextID++
	c.sent = append(c.sent, m)
	t.changed.send()
}

// find returns a message of the bot, or nil.
func (c *chat) find(id int) *TelegramMessage {
	i := slices.IndexFunc(c.sent, func(m *TelegramMessage) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return c.sent[i]
}

func (t *Telegram) messageJSON(c *chat, m *TelegramMessage) object {
	o := object{"message_id": m.ID, "date": m.At.Unix(), "chat": c.json(), "from": t.me()}
	if len(m.Edits) > 0 {
		o["edit_date"] = t.options.Now().Unix()
	}
	if m.Thread != 0 {
		o["message_thread_id"], o["is_topic_message"] = m.Thread, true
	}
	if m.ReplyTo != 0 {
		o["reply_to_message"] = object{"message_id": m.ReplyTo, "date": m.At.Unix(), "chat": c.json()}
	}
	if m.Album != "" {
		o["media_group_id"] = m.Album
	}
	text, entities := "text", "entities"
	if m.File != nil {
		text, entities = "caption", "caption_entities"
		m.File.describe(o)
	}
	if m.Text != "" {
		o[text] = m.Text
	}
	if len(m.Entities) > 0 {
		o[entities] = m.Entities
	}
	if len(m.Buttons) > 0 {
		o["reply_markup"] = keyboardJSON(m.Buttons)
	}
	return o
}

// describe adds the file's field to the JSON of a message.
func (f *TelegramFile) describe(o object) {
	id := "lab-" + f.Name
	if f.Photo {
		o["photo"] = []object{{"file_id": id, "file_unique_id": id, "width": 1, "height": 1, "file_size": len(f.Data)}}
		return
	}
	o["document"] = object{"file_id": id, "file_unique_id": id, "file_name": f.Name, "file_size": len(f.Data)}
}

// Messages lists the messages of the bot in a chat, oldest first.
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

// WaitMessage waits until wanted returns true for a new or edited message of any chat,
// and returns it.
func (t *Telegram) WaitMessage(ctx context.Context, wanted func(TelegramMessage) bool) (TelegramMessage, error) {
	m, err := await(ctx, &t.changed, func() (TelegramMessage, bool) {
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

// clone copies the message without sharing Edits, which later edits append to.
func (m *TelegramMessage) clone() TelegramMessage {
	c := *m
	c.Edits = slices.Clone(m.Edits)
	return c
}

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

func (t *Telegram) editMessageCaption(_ context.Context, q request) (any, error) {
	content, err := q.content("caption")
	if err != nil {
		return nil, err
	}
	if units(content.Text) > maxCaption {
		return nil, badRequest("message caption is too long")
	}
	return t.edit(q, func(m *TelegramMessage) (Content, error) {
		if m.File == nil {
			return content, badRequest("there is no caption in the message to edit")
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

// edit replaces the content of one of the bot's messages. An edit without reply_markup
// removes the buttons.
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
	t.changed.send()
	return t.messageJSON(c, m), nil
}

// edited returns the message that an edit names.
func (q *request) edited(c *chat) (*TelegramMessage, error) {
	id := q.number("message_id", 0)
	if id == 0 {
		return nil, badRequest("message identifier is not specified")
	}
	if m := c.find(id); m != nil && !c.frozen[id] {
		return m, nil
	}
	if c.others[id] || c.frozen[id] {
		return nil, badRequest("message can't be edited")
	}
	return nil, badRequest("message to edit not found")
}
