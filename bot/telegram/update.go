package telegram

import "encoding/json"

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
