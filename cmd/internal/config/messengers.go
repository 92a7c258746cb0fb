package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"domovoy/bot"
)

// Messengers are the ways to talk with people; each may be absent.
type Messengers struct {
	Telegram Telegram `key:"telegram"`
	Slack    Slack    `key:"slack"`
}

// Telegram is a bot at Telegram; it is off while Token is not set.
type Telegram struct {
	Token  Secret `key:"token" is:"secret" shape:"telegram"`
	APIURL string `key:"api_url" is:"url"`
	Proxy  Secret `key:"proxy" is:"proxy"`
}

// Slack is an app at Slack; it is off while BotToken is not set.
type Slack struct {
	BotToken Secret `key:"bot_token" is:"secret" shape:"slackbot"`
	AppToken Secret `key:"app_token" is:"secret" shape:"slackapp"`
	APIURL   string `key:"api_url" is:"url"`
	Proxy    Secret `key:"proxy" is:"proxy"`
}

// messenger is what the rules of the file know about one messenger.
type messenger struct {
	name        string       // its section, and the beginning of its addresses
	credentials []credential // all that it needs; without the first it is off
	leak        string       // matches a text with its tokens, which is then not shown; empty if they look like other words
	// chat checks the part of an address after "NAME:". It returns the name of
	// the hint if the address is wrong, else "".
	chat   func(id, topic string, hasTopic bool) string
	person func(id string) bool // checks the id of a person after "NAME:"
}

// credential is a secret that a messenger needs. Its shape is in the tag of its
// key, and names the problem of a secret in another form.
type credential struct {
	shape string
	of    func(Messengers) Secret
	form  *regexp.Regexp
	other string // the beginning of the messenger's other token, often given instead
}

// messengers lists every messenger. A new one is a section in Messengers and a
// value here; the tests name the texts that it needs.
func messengers() []messenger {
	return []messenger{{
		name:        "telegram",
		credentials: []credential{{"telegram", func(m Messengers) Secret { return m.Telegram.Token }, telegramToken, ""}},
		leak:        `\d{5,}:[\w-]{10,}`,
		chat:        telegramChat,
		person:      func(id string) bool { n, ok := decimalID(id); return ok && n > 0 },
	}, {
		name: "slack",
		credentials: []credential{
			{"slackbot", func(m Messengers) Secret { return m.Slack.BotToken }, slackBotToken, "xapp-"},
			{"slackapp", func(m Messengers) Secret { return m.Slack.AppToken }, slackAppToken, "xoxb-"},
		},
		leak:   `xox[a-z]-|xapp-`,
		chat:   slackChat,
		person: slackPerson.MatchString,
	}}
}

var (
	telegramToken = regexp.MustCompile(`^\d+:[\w-]+$`)
	slackBotToken = regexp.MustCompile(`^xoxb-[\w-]+$`)
	slackAppToken = regexp.MustCompile(`^xapp-[\w-]+$`)
	slackChannel  = regexp.MustCompile(`^[CGD][A-Z0-9]{2,20}$`)
	slackPerson   = regexp.MustCompile(`^[TE][A-Z0-9]{2,20}:[UW][A-Z0-9]{2,20}$`)
)

// telegramChat takes -1001234567890, with /7 for a topic of a forum. A negative
// id is a group, a positive one a person's private chat with the bot.
func telegramChat(id, topic string, hasTopic bool) string {
	if n, ok := decimalID(id); !ok || n == 0 {
		return "chat.telegram"
	}
	if n, ok := decimalID(topic); hasTopic && (!ok || n < 1) {
		return "chat.topic"
	}
	return ""
}

// slackChat takes C0123456789; a thread cannot be named in the file.
func slackChat(id, _ string, hasTopic bool) string {
	if !slackChannel.MatchString(id) || hasTopic {
		return "chat.slack"
	}
	return ""
}

// decimalID reads an id in its one form, so that equal ids are equal texts.
func decimalID(s string) (int64, bool) {
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil && strconv.FormatInt(id, 10) == s
}

// findMessenger returns the messenger with a name.
func findMessenger(name string) (found messenger, ok bool) {
	for _, m := range messengers() {
		if m.name == name {
			return m, true
		}
	}
	return messenger{}, false
}

// isOn reports whether the file has the messenger's first secret.
func (m messenger) isOn(c Messengers) bool { return m.credentials[0].of(c).IsSet() }

// addressPattern matches the beginning of every address, for the schema.
func addressPattern() string {
	var names []string
	for _, m := range messengers() {
		names = append(names, m.name)
	}
	return "^(" + strings.Join(names, "|") + "):"
}

// readChat takes an address of a chat: a messenger's name, a colon, and what
// the messenger calls the chat.
func readChat(f field, v scalar) (any, *problem) {
	name, rest, _ := strings.Cut(v.text, ":")
	m, ok := findMessenger(name)
	switch {
	case name == emailName, name == webhookName:
		return nil, wrong("chat.sendonly", f.args(v))
	case !ok:
		return nil, wrong("chat", f.args(v))
	}
	id, topic, hasTopic := strings.Cut(rest, "/")
	if hint := m.chat(id, topic, hasTopic); hint != "" {
		return nil, wrong("chat", f.args(v)).withHint(hint)
	}
	return bot.Address{Messenger: name, Chat: id, Thread: topic}, nil
}

// readPerson takes ids that stay with their person. A user name may be given
// up and taken by another person, who would then have its rights.
func readPerson(f field, v scalar) (any, *problem) {
	name, id, _ := strings.Cut(v.text, ":")
	m, ok := findMessenger(name)
	if !ok {
		return nil, wrong("person", f.args(v))
	}
	if !m.person(id) {
		return nil, wrong("person", f.args(v)).withHint("person." + name)
	}
	return v.text, nil
}

// checkMessengers finds messengers that have only some of their secrets.
func (r *reader) checkMessengers(c *Config) {
	for _, m := range messengers() {
		isSet := func(t credential) bool { return t.of(c.Messengers).IsSet() }
		isAbsent := func(t credential) bool { return !isSet(t) }
		if slices.ContainsFunc(m.credentials, isSet) && slices.ContainsFunc(m.credentials, isAbsent) {
			r.fault(m.name, wrong(m.name+".half", nil))
		}
	}
}

func (r *reader) checkChats(c *Config) {
	known := map[string]string{}
	for i, chat := range c.Chats {
		path := fmt.Sprintf("chats[%d].to", i)
		if chat.To.Messenger == "" {
			continue
		}
		r.unique(known, chat.To.String(), path)
		r.checkReached(c, chat.To, path)
	}
}

// checkReached finds an address in a messenger that is off.
func (r *reader) checkReached(c *Config, to bot.Address, path string) {
	if m, ok := findMessenger(to.Messenger); ok && !m.isOn(c.Messengers) {
		r.fault(path, wrong(m.name+".off", nil))
	}
}
