package lab

import (
	"strconv"
	"strings"
	"time"
)

// Chat is a place where the bot can talk.
type Chat struct {
	ID    int64  // positive: private; -100… : supergroup or channel; else negative: group
	Type  string // private, group, supergroup, channel; empty: by the id
	Title string // or the person's first name
}

// chat is a Chat with what the server remembers of it.
type chat struct {
	Chat
	topics   map[int]bool // forum topics by message_thread_id
	heard    map[int]bool // ids of messages by others
	sent     []*TelegramMessage
	nextID   int
	refusal  *telegramError // answered to every send; nil: none
	perChat  limit
	perGroup limit
}

func newChat(c Chat) *chat {
	if c.Type == "" {
		c.Type = typeOf(c.ID)
	}
	return &chat{
		Chat:     c,
		topics:   map[int]bool{},
		heard:    map[int]bool{},
		nextID:   1,
		perChat:  &pace{interval: time.Second, burst: 3},
		perGroup: &window{calls: 20, length: time.Minute},
	}
}

func typeOf(id int64) string {
	switch {
	case id > 0:
		return "private"
	case id <= -1_000_000_000_000:
		return "supergroup"
	default:
		return "group"
	}
}

func (c *chat) json() object {
	o := object{"id": c.ID, "type": c.Type}
	if c.Type == "private" {
		o["first_name"] = c.Title
	} else {
		o["title"] = c.Title
	}
	if len(c.topics) > 0 {
		o["is_forum"] = true
	}
	return o
}

// telegramRates are the limits that no single chat has.
type telegramRates struct {
	strict  bool
	overall limit
}

// limits are those of one more message: the overall one, one a second in a
// chat, 20 a minute in a group. https://core.telegram.org/bots/faq
func (t *Telegram) limits(c *chat) []limit {
	if c.Type == "private" {
		return []limit{t.rates.overall, c.perChat}
	}
	return []limit{t.rates.overall, c.perChat, c.perGroup}
}

// AddChat makes a chat known, quietly. Saying something in an unknown one does
// so too.
func (t *Telegram) AddChat(c Chat) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chats[c.ID] = newChat(c)
}

// chatOf returns a chat, made on demand. Called with the lock held.
func (t *Telegram) chatOf(id int64) *chat {
	if t.chats[id] == nil {
		t.chats[id] = newChat(Chat{ID: id, Title: "chat " + strconv.FormatInt(id, 10)})
	}
	return t.chats[id]
}

// AddTopic opens a topic of a supergroup.
func (t *Telegram) AddTopic(chatID int64, thread int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chatOf(chatID).topics[thread] = true
}

// DeleteTopic makes a topic unknown.
func (t *Telegram) DeleteTopic(chatID int64, thread int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.chatOf(chatID).topics, thread)
}

// Block makes a chat refuse the bot: a person blocked it, or a group threw it out.
func (t *Telegram) Block(chatID int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.chatOf(chatID)
	c.refusal = forbidden("bot was kicked from the " + c.Type + " chat")
	if c.Type == "private" {
		c.refusal = forbidden("bot was blocked by the user")
	}
}

// Unblock takes Block back.
func (t *Telegram) Unblock(chatID int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chatOf(chatID).refusal = nil
}

// Migrate turns a group into a supergroup of a new id: sends to the old one are
// refused with the new one in the answer's parameters, and two service messages
// tell it.
func (t *Telegram) Migrate(from, to int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.chatOf(from)
	t.chats[to] = newChat(Chat{ID: to, Type: "supergroup", Title: old.Title})
	old.refusal = badRequest("group chat was upgraded to a supergroup chat")
	old.refusal.migrateTo = to
	sender := User{ID: 1, FirstName: "Owner"}
	gone, born := t.heardIn(old, sender), t.heardIn(t.chats[to], sender)
	gone["migrate_to_chat_id"], born["migrate_from_chat_id"] = to, from
	t.updates.add("message", gone)
	t.updates.add("message", born)
	t.bell.ring()
}

// target finds the chat of a call and makes sure that the bot may write there.
// Called with the lock held.
func (t *Telegram) target(q request) (*chat, error) {
	text := strings.TrimSpace(q.params["chat_id"])
	if text == "" {
		return nil, badRequest("chat_id is empty")
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || t.chats[id] == nil {
		return nil, badRequest("chat not found")
	}
	if refusal := t.chats[id].refusal; refusal != nil {
		return nil, refusal
	}
	return t.chats[id], nil
}

// admitTo applies the rates to one more message. Called with the lock held.
func (t *Telegram) admitTo(c *chat) error {
	if !t.rates.strict {
		return nil
	}
	if seconds := admit(t.options.Now(), t.limits(c)...); seconds > 0 {
		return tooManyRequests(seconds)
	}
	return nil
}
