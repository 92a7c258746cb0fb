package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"domovoy/bot"
)

// Messengers are the ways to talk with people; each may be absent.
type Messengers struct {
	Telegram Telegram `key:"telegram" title:"Telegram, by long polling"`
	Slack    Slack    `key:"slack" title:"Slack, by Socket Mode"`
}

// Telegram is a bot at Telegram; it is off while Token is not set.
type Telegram struct {
	Token  Secret `key:"token" is:"secret" shape:"telegram" title:"The bot's token, from @BotFather"`
	APIURL string `key:"api_url" is:"url" title:"Another Bot API server; Telegram's own if absent"`
	Proxy  Secret `key:"proxy" is:"proxy" title:"The way out, http:// or socks5://"`
}

// Slack is an app at Slack; it is off while BotToken is not set.
type Slack struct {
	BotToken Secret `key:"bot_token" is:"secret" shape:"slackbot" title:"The bot token, xoxb-"`
	AppToken Secret `key:"app_token" is:"secret" shape:"slackapp" title:"The app-level token for Socket Mode, xapp-"`
	APIURL   string `key:"api_url" is:"url" title:"Another Slack API server; Slack's own if absent"`
	Proxy    Secret `key:"proxy" is:"proxy" title:"The way out, http:// or socks5://"`
}

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

func (r *reader) checkMessengers(c *Config) {
	s := c.Slack
	if s.BotToken.IsSet() != s.AppToken.IsSet() {
		r.fault("slack", wrong("slack.half", nil))
	}
}

func (r *reader) checkChats(c *Config) {
	known := map[string]string{}
	for i, chat := range c.Chats {
		path := fmt.Sprintf("chats[%d].to", i)
		to := chat.To
		if to.Messenger == "" {
			continue
		}
		r.unique(known, to.String(), path)
		switch {
		case to.Messenger == "telegram" && !c.Telegram.Token.IsSet():
			r.fault(path, wrong("telegram.off", nil))
		case to.Messenger == "slack" && !c.Slack.BotToken.IsSet():
			r.fault(path, wrong("slack.off", nil))
		}
	}
}
