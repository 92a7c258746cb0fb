package telegram

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"domovoy/bot"
)

// The types below have the used fields of the API's objects. Those of the library
// lack topics and the newer marks of a forwarded message.

// update is https://core.telegram.org/bots/api#update
type update struct {
	ID      int64       `json:"update_id"`
	Message *message    `json:"message"`
	Pressed *callback   `json:"callback_query"`
	Member  *membership `json:"my_chat_member"`
}

// message is https://core.telegram.org/bots/api#message
type message struct {
	ID      int64    `json:"message_id"`
	Date    int64    `json:"date"` // Unix time; 0: the message is no longer accessible
	Chat    chat     `json:"chat"`
	From    *user    `json:"from"`
	Text    string   `json:"text"`
	ReplyTo *message `json:"reply_to_message"`
	topic
	origin
}

// topic is the topic of a forum that a message is in.
type topic struct {
	Thread  int64 `json:"message_thread_id"` // also set in reply threads outside of topics
	InTopic bool  `json:"is_topic_message"`
}

// origin has the marks of a message that its sender did not write in person.
type origin struct {
	SenderChat    *chat           `json:"sender_chat"` // set for an anonymous admin or a channel
	ViaBot        *user           `json:"via_bot"`
	ForwardOrigin json.RawMessage `json:"forward_origin"`
	ForwardDate   int64           `json:"forward_date"` // servers older than Bot API 7.0
	Automatic     bool            `json:"is_automatic_forward"`
}

type chat struct {
	ID    int64  `json:"id"`
	Type  string `json:"type"`  // private, group, supergroup, channel
	Title string `json:"title"` // empty in a private chat
}

type user struct {
	ID        int64  `json:"id"`
	IsBot     bool   `json:"is_bot"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Username  string `json:"username"`
	Language  string `json:"language_code"`
}

// callback is https://core.telegram.org/bots/api#callbackquery
type callback struct {
	ID      string   `json:"id"`
	From    user     `json:"from"`
	Message *message `json:"message"` // nil: the button was not on a message of the bot
	Data    string   `json:"data"`
}

// membership is https://core.telegram.org/bots/api#chatmemberupdated
type membership struct {
	Chat chat   `json:"chat"`
	From user   `json:"from"`
	Old  member `json:"old_chat_member"`
	New  member `json:"new_chat_member"`
}

type member struct {
	Status string `json:"status"`
}

// admits reports whether the bot may write to the chat now. A person who blocked it
// and starts it again makes it a member, too.
func (m membership) admits() bool {
	return m.New.Status == "member" || m.New.Status == "administrator"
}

// converter turns Telegram's updates that are addressed to the bot into bot.Update.
type converter struct {
	me      user
	mention *regexp.Regexp // @ and the bot's username
	now     func() time.Time
}

func newConverter(me user, now func() time.Time) *converter {
	return &converter{
		me:      me,
		mention: regexp.MustCompile(`(?i)(^|[^\w@])@` + regexp.QuoteMeta(me.Username) + `\b`),
		now:     now,
	}
}

// convert returns the update of a message to the bot or of a pressed button; false:
// it is neither.
func (c *converter) convert(u update) (bot.Update, bool) {
	switch {
	case u.Message != nil:
		return c.fromMessage(u.ID, *u.Message)
	case u.Pressed != nil:
		return c.fromButton(u.ID, *u.Pressed)
	}
	return bot.Update{}, false
}

// fromMessage converts a message. Messages of other bots are ignored: two bots that
// answer each other would never stop.
func (c *converter) fromMessage(id int64, m message) (bot.Update, bool) {
	text, addressed := c.textFor(m)
	if !addressed || text == "" || m.Automatic || m.SenderChat == nil && m.From != nil && m.From.IsBot {
		return bot.Update{}, false
	}
	u := at(id, m)
	u.Text = text
	u.At = time.Unix(m.Date, 0).UTC()
	if m.From != nil {
		u.Name, u.Language = m.From.name(), m.From.Language
	}
	if m.inPerson() {
		u.Person = m.From.person()
	}
	return u, true
}

// inPerson reports whether the sender wrote the message in person: not as an
// anonymous admin or a channel, not through another bot, and not by forwarding.
func (m message) inPerson() bool {
	forwarded := m.ForwardDate != 0 || len(m.ForwardOrigin) > 0
	return m.From != nil && !m.From.IsBot && m.SenderChat == nil && m.ViaBot == nil && !forwarded
}

// dataShape is what an id of our buttons can be. Modified clients can send any data.
var dataShape = regexp.MustCompile(`^[!-~]{1,64}$`)

// fromButton converts a pressed button. Its sender is always known, also where that
// person writes anonymously.
func (c *converter) fromButton(id int64, pressed callback) (bot.Update, bool) {
	if pressed.Message == nil || pressed.From.IsBot || !dataShape.MatchString(pressed.Data) {
		return bot.Update{}, false
	}
	u := at(id, *pressed.Message)
	u.Button = pressed.Data
	u.Person, u.Name, u.Language = pressed.From.person(), pressed.From.name(), pressed.From.Language
	u.At = c.now().UTC() // the API sends no time of a press
	return u, true
}

// at returns an update with its key, chat and message set.
func at(id int64, m message) bot.Update {
	where := bot.Address{Messenger: Messenger, Chat: strconv.FormatInt(m.Chat.ID, 10)}
	if m.InTopic && m.Thread != 0 {
		where.Thread = strconv.FormatInt(m.Thread, 10)
	}
	return bot.Update{
		Messenger: Messenger,
		Key:       strconv.FormatInt(id, 10),
		Chat:      where.String(),
		Private:   m.Chat.Type == "private",
		Ref:       strconv.FormatInt(m.ID, 10),
	}
}

var command = regexp.MustCompile(`(?s)^/(\w+)(?:@(\w+))?(?:\s+(.*))?$`)

// textFor returns the text of a message without the bot's name and the slash of a
// command; false: the message is not addressed to the bot.
func (c *converter) textFor(m message) (string, bool) {
	text := strings.TrimSpace(m.Text)
	private := m.Chat.Type == "private"
	if words := command.FindStringSubmatch(text); words != nil {
		mine := words[2] == "" || strings.EqualFold(words[2], c.me.Username)
		return strings.TrimSpace(words[1] + " " + words[3]), mine
	}
	mentioned := c.mention.MatchString(text)
	if !private && !mentioned && !c.repliesToBot(m) {
		return "", false
	}
	if mentioned {
		text = strings.TrimSpace(c.mention.ReplaceAllString(text, "$1"))
		text = strings.TrimSpace(strings.TrimRight(strings.TrimLeft(text, ",:"), ","))
	}
	return text, true
}

// repliesToBot reports whether a message replies to one of the bot's. In a topic, the
// API presents a message that replies to nothing as a reply to the topic's first
// message, which may be the bot's.
func (c *converter) repliesToBot(m message) bool {
	r := m.ReplyTo
	if r == nil || r.From == nil || r.From.ID != c.me.ID {
		return false
	}
	return !m.InTopic || r.ID != m.Thread
}

func (u user) person() string { return Messenger + ":" + strconv.FormatInt(u.ID, 10) }

func (u user) name() string {
	if u.Username != "" {
		return "@" + u.Username
	}
	return strings.TrimSpace(u.FirstName + " " + u.LastName)
}
