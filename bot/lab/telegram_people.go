package lab

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Chat is a chat that the bot can write to.
type Chat struct {
	ID    int64  // positive: private; -100… : supergroup or channel; else negative: group
	Type  string // private, group, supergroup, channel; empty: by the id
	Title string // or the person's first name
}

// chat is a Chat with the server's state of it.
type chat struct {
	Chat
	topics   map[int]bool // forum topics by message_thread_id
	others   map[int]bool // ids of messages by others
	frozen   map[int]bool // ids of the bot's messages that cannot be edited
	sent     []*TelegramMessage
	nextID   int
	refusal  *telegramError // answered to every send; nil: none
	perChat  limit
	perGroup limit
	held     time.Time // until when the bot was asked to wait, in all topics
}

// hold opens the window of a 429.
func (c *chat) hold(now time.Time, seconds int) {
	if until := now.Add(time.Duration(seconds) * time.Second); until.After(c.held) {
		c.held = until
	}
}

// inside reports whether a call comes in the window of a 429.
func (t *Telegram) inside(q request) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.chats[int64(q.number("chat_id", 0))]
	return c != nil && t.options.Now().Before(c.held)
}

func newChat(c Chat) *chat {
	if c.Type == "" {
		c.Type = typeOf(c.ID)
	}
	return &chat{
		Chat:     c,
		topics:   map[int]bool{},
		others:   map[int]bool{},
		frozen:   map[int]bool{},
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

// telegramRates are the rate limits over all chats.
type telegramRates struct {
	strict  bool
	overall limit
}

// limits are the rate limits of a message: the overall one, one a second in a chat, 20
// a minute in a group. https://core.telegram.org/bots/faq
func (t *Telegram) limits(c *chat) []limit {
	if c.Type == "private" {
		return []limit{t.rates.overall, c.perChat}
	}
	return []limit{t.rates.overall, c.perChat, c.perGroup}
}

// AddChat adds a chat without an update for the bot. A message in an unknown chat adds
// it too.
func (t *Telegram) AddChat(c Chat) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chats[c.ID] = newChat(c)
}

// chatOf returns a chat, which it adds if it is unknown. The caller holds t.mu.
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

// DeleteTopic deletes a topic.
func (t *Telegram) DeleteTopic(chatID int64, thread int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.chatOf(chatID).topics, thread)
}

// Block makes a chat refuse the bot, as after a person blocked it or a group removed it.
func (t *Telegram) Block(chatID int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.chatOf(chatID)
	c.refusal = forbidden("bot was kicked from the " + c.Type + " chat")
	if c.Type == "private" {
		c.refusal = forbidden("bot was blocked by the user")
	}
}

// Migrate turns a group into a supergroup with a new id: sending to the old id is
// refused with the new id in the response's parameters, and the bot receives two
// service messages.
func (t *Telegram) Migrate(from, to int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.chatOf(from)
	t.chats[to] = newChat(Chat{ID: to, Type: "supergroup", Title: old.Title})
	old.refusal = badRequest("group chat was upgraded to a supergroup chat")
	old.refusal.migrateTo = to
	sender := User{ID: 1, FirstName: "Owner"}
	gone, born := t.newMessage(old, sender), t.newMessage(t.chats[to], sender)
	gone["migrate_to_chat_id"], born["migrate_from_chat_id"] = to, from
	t.updates.add("message", gone)
	t.updates.add("message", born)
	t.changed.send()
}

// target returns the chat of a call, or an error if the bot may not write there. The
// caller holds t.mu.
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

// admitTo applies the rate limits to one more message. The caller holds t.mu.
func (t *Telegram) admitTo(c *chat) error {
	if !t.rates.strict {
		return nil
	}
	now := t.options.Now()
	if left := c.held.Sub(now); left > 0 {
		return tooManyRequests(int((left + time.Second - 1) / time.Second))
	}
	if seconds := admit(now, t.limits(c)...); seconds > 0 {
		c.hold(now, seconds)
		return tooManyRequests(seconds)
	}
	return nil
}

// User is a person who writes to the bot.
type User struct {
	ID           int64
	FirstName    string
	Username     string
	LanguageCode string // of the person's app; may be empty
}

func (u User) json() object {
	o := object{"id": u.ID, "is_bot": false, "first_name": u.FirstName}
	if u.Username != "" {
		o["username"] = u.Username
	}
	if u.LanguageCode != "" {
		o["language_code"] = u.LanguageCode
	}
	return o
}

// Incoming is a message in a chat of the bot. In a channel it is a post, which has no
// author.
type Incoming struct {
	Chat       int64
	Thread     int // 0: none
	From       User
	Text       string
	ReplyTo    int   // 0: none
	SenderChat int64 // sent in the name of this chat: the group itself for an anonymous admin, or a channel; 0: none
	EditOf     int   // id of the message that this edits; 0: it is new
}

// Say sends a text to a chat, which it adds if it is unknown; thread may be 0. It
// returns the message's id.
func (t *Telegram) Say(chatID int64, thread int, fromID int64, name, text string) int {
	return t.Post(Incoming{Chat: chatID, Thread: thread, From: User{ID: fromID, FirstName: name}, Text: text})
}

// Post adds a message to a chat and returns its id. The bot receives no update for
// messages in a group that privacy mode hides.
func (t *Telegram) Post(in Incoming) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.chats[in.Chat] == nil && in.Chat > 0 {
		t.chats[in.Chat] = newChat(Chat{ID: in.Chat, Title: in.From.FirstName})
	}
	c := t.chatOf(in.Chat)
	if in.Thread != 0 {
		c.topics[in.Thread] = true
	}
	message := t.newMessage(c, in.From)
	if in.EditOf != 0 {
		message["message_id"], message["edit_date"] = in.EditOf, t.options.Now().Unix()
	}
	t.describe(message, c, in)
	if t.receives(c, in) {
		t.updates.add(in.kind(c), message)
	}
	t.changed.send()
	return message["message_id"].(int)
}

func (in Incoming) kind(c *chat) string {
	kind := "message"
	if c.Type == "channel" {
		kind = "channel_post"
	}
	if in.EditOf != 0 {
		kind = "edited_" + kind
	}
	return kind
}

// newMessage returns the JSON of a new message by others. The caller holds t.mu.
func (t *Telegram) newMessage(c *chat, from User) object {
	id := c.nextID
	c.nextID++
	c.others[id] = true
	return object{"message_id": id, "date": t.options.Now().Unix(), "chat": c.json(), "from": from.json()}
}

var commandWord = regexp.MustCompile(`^/([A-Za-z0-9_]{1,32})(?:@(\w+))?`)

func (t *Telegram) describe(message object, c *chat, in Incoming) {
	message["text"] = in.Text
	if word := commandWord.FindString(in.Text); word != "" {
		message["entities"] = []Entity{{Type: "bot_command", Length: len(word)}}
	}
	if in.Thread != 0 {
		message["message_thread_id"], message["is_topic_message"] = in.Thread, true
	}
	if m := c.find(in.ReplyTo); m != nil {
		message["reply_to_message"] = t.messageJSON(c, m)
	}
	switch {
	case c.Type == "channel":
		delete(message, "from")
		message["sender_chat"] = c.json()
	case in.SenderChat == in.Chat: // the fake users are fixed by Telegram
		message["from"] = object{"id": 1087968824, "is_bot": true, "first_name": "Group", "username": "GroupAnonymousBot"}
		message["sender_chat"] = c.json()
	case in.SenderChat != 0:
		message["from"] = object{"id": 136817688, "is_bot": true, "first_name": "Channel", "username": "Channel_Bot"}
		message["sender_chat"] = object{"id": in.SenderChat, "type": "channel", "title": "channel"}
	}
}

// receives applies the privacy mode: in groups the bot receives only commands that may
// be for it and replies to its messages.
// https://core.telegram.org/bots/features#privacy-mode
func (t *Telegram) receives(c *chat, in Incoming) bool {
	if t.options.ReadAll || c.Type == "private" || c.Type == "channel" || c.find(in.ReplyTo) != nil {
		return true
	}
	m := commandWord.FindStringSubmatch(in.Text)
	return m != nil && (m[2] == "" || strings.EqualFold(m[2], t.options.Username))
}

// ChangeMembership sends an update that by changed the bot's status in a chat: member,
// administrator, left or kicked.
func (t *Telegram) ChangeMembership(chatID int64, by User, from, to string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.chatOf(chatID)
	t.updates.add("my_chat_member", object{
		"chat": c.json(), "from": by.json(), "date": t.options.Now().Unix(),
		"old_chat_member": object{"user": t.me(), "status": from},
		"new_chat_member": object{"user": t.me(), "status": to},
	})
	t.changed.send()
}

// Freeze has later edits of a message refused, as those of messages that are too old.
func (t *Telegram) Freeze(chatID int64, messageID int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chats[chatID].frozen[messageID] = true
}

// Forget deletes a message of the bot: later edits do not find it.
func (t *Telegram) Forget(chatID int64, messageID int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.chatOf(chatID)
	for i, m := range c.sent {
		if m.ID == messageID {
			c.sent = append(c.sent[:i:i], c.sent[i+1:]...)
			break
		}
	}
	t.changed.send()
}

func (t *Telegram) nextQuery() string {
	return strconv.FormatInt(int64(4_382_000_000_000_000_000+len(t.queries)), 10)
}
