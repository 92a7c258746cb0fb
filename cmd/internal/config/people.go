package config

import (
	"regexp"
	"strconv"
	"strings"

	"domovoy/bot"
)

var (
	slackChat   = regexp.MustCompile(`^[CGD][A-Z0-9]{2,20}$`)
	slackPerson = regexp.MustCompile(`^[TE][A-Z0-9]{2,20}:[UW][A-Z0-9]{2,20}$`)
)

// readChat takes telegram:-1001234567890, with /7 for a topic of a forum, and
// slack:C0123456789. A negative Telegram id is a group, a positive one a
// person's private chat with the bot.
func readChat(f field, v scalar) (any, *problem) {
	messenger, rest, _ := strings.Cut(v.text, ":")
	chat, topic, hasTopic := strings.Cut(rest, "/")
	to := bot.Address{Messenger: messenger, Chat: chat, Thread: topic}
	switch messenger {
	case "telegram":
		id, ok := decimalID(chat)
		if !ok || id == 0 {
			return nil, wrong("chat", f.args(v)).try("chat.telegram")
		}
		if n, ok := decimalID(topic); hasTopic && (!ok || n < 1) {
			return nil, wrong("chat", f.args(v)).try("chat.topic")
		}
	case "slack":
		if !slackChat.MatchString(chat) || hasTopic {
			return nil, wrong("chat", f.args(v)).try("chat.slack")
		}
	default:
		return nil, wrong("chat", f.args(v))
	}
	return to, nil
}

// readPerson takes ids that stay with their person. A user name may be given
// up, and taken by somebody else, who would then have its rights.
func readPerson(f field, v scalar) (any, *problem) {
	messenger, rest, _ := strings.Cut(v.text, ":")
	switch messenger {
	case "telegram":
		if id, ok := decimalID(rest); !ok || id < 1 {
			return nil, wrong("person", f.args(v)).try("person.telegram")
		}
	case "slack":
		if !slackPerson.MatchString(rest) {
			return nil, wrong("person", f.args(v)).try("person.slack")
		}
	default:
		return nil, wrong("person", f.args(v))
	}
	return v.text, nil
}

// decimalID reads an id in its one form, so that equal ids are equal texts.
func decimalID(s string) (int64, bool) {
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil && strconv.FormatInt(id, 10) == s
}
