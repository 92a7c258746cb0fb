package telegram

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"domovoy/bot"
)

// The types below are the parts of the API's objects that are used here. The
// library's lack topics and the newer signs of a forwarded message.

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

// topic tells where in a forum a message is.
type topic struct {
	Thread  int64 `json:"message_thread_id"` // also of plain reply threads, which are no place
	InTopic bool  `json:"is_topic_message"`
}

// origin tells that a message is not the plain word of its sender.
type origin struct {
	SenderChat    *chat           `json:"sender_chat"` // an anonymous admin, a channel
	ViaBot        *user           `json:"via_bot"`
	ForwardOrigin json.RawMessage `json:"forward_origin"`
	ForwardDate   int64           `json:"forward_date"` // servers older than Bot API 7.0
	Automatic     bool            `json:"is_automatic_forward"`
}

type chat struct {
	ID   int64  `json:"id"`
	Type string `json:"type"` // private, group, supergroup, channel
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
	Message *message `json:"message"` // nil: the button was on no message of ours
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

// hearer decides what is meant for the bot.
type hearer struct {
	me      user
	mention *regexp.Regexp // of the bot's name
	now     func() time.Time
}

func newHearer(me user, now func() time.Time) *hearer {
	return &hearer{
		me:      me,
		mention: regexp.MustCompile(`(?i)(^|[^\w@])@` + regexp.QuoteMeta(me.Username) + `\b`),
		now:     now,
	}
}

// hear converts what is meant for the bot; false: nothing is.
func (h *hearer) hear(u update) (bot.Update, bool) {
	switch {
	case u.Message != nil:
		return h.said(u.ID, *u.Message)
	case u.Pressed != nil:
		return h.pressed(u.ID, *u.Pressed)
	}
	return bot.Update{}, false
}

// said converts a message. Those of other bots are not heard at all: two bots
// that answer each other never stop.
func (h *hearer) said(id int64, m message) (bot.Update, bool) {
	text, meant := h.meant(m)
	if !meant || text == "" || m.Automatic || m.SenderChat == nil && m.From != nil && m.From.IsBot {
		return bot.Update{}, false
	}
	u := at(id, m)
	u.Text = text
	u.At = time.Unix(m.Date, 0).UTC()
	if m.From != nil {
		u.Name, u.Language = m.From.name(), m.From.Language
	}
	if m.speaksForItself() {
		u.Person = m.From.person()
	}
	return u, true
}

// speaksForItself tells whether a message is its sender's own word: not that
// of an anonymous admin, of a channel, of another bot, of someone forwarded.
func (m message) speaksForItself() bool {
	forwarded := m.ForwardDate != 0 || len(m.ForwardOrigin) > 0
	return m.From != nil && !m.From.IsBot && m.SenderChat == nil && m.ViaBot == nil && !forwarded
}

// dataShape is what a button's id can be. Hostile clients send other data.
var dataShape = regexp.MustCompile(`^[!-~]{1,64}$`)

// pressed converts a pressed button. Who pressed is always a person, even
// where the same person speaks anonymously.
func (h *hearer) pressed(id int64, c callback) (bot.Update, bool) {
	if c.Message == nil || c.From.IsBot || !dataShape.MatchString(c.Data) {
		return bot.Update{}, false
	}
	u := at(id, *c.Message)
	u.Button = c.Data
	u.Person, u.Name, u.Language = c.From.person(), c.From.name(), c.From.Language
	u.At = h.now().UTC() // a press has no date of its own
	return u, true
}

// at fills in where something happened.
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

// meant gives the words of a message as if they were typed to the bot alone;
// false: they are for somebody else.
func (h *hearer) meant(m message) (string, bool) {
	text := strings.TrimSpace(m.Text)
	private := m.Chat.Type == "private"
	if c := command.FindStringSubmatch(text); c != nil {
		mine := c[2] == "" || strings.EqualFold(c[2], h.me.Username)
		return strings.TrimSpace(c[1] + " " + c[3]), mine
	}
	mentioned := h.mention.MatchString(text)
	if !private && !mentioned && !h.answered(m) {
		return "", false
	}
	if mentioned {
		text = strings.TrimSpace(h.mention.ReplaceAllString(text, "$1"))
		text = strings.TrimSpace(strings.TrimRight(strings.TrimLeft(text, ",:"), ","))
	}
	return text, true
}

// answered tells whether a message replies to one of the bot's. In a topic,
// each message that replies to nothing seems to reply to the topic's first one,
// which may be the bot's own.
func (h *hearer) answered(m message) bool {
	r := m.ReplyTo
	if r == nil || r.From == nil || r.From.ID != h.me.ID {
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
