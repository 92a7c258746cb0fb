package slack

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"domovoy/bot"
)

// noText is the command for a mention of the bot without any text.
const noText = "help"

// updates returns the commands, pressed buttons and messages of people in an
// envelope. It returns none for anything else, such as a message of another bot.
//
// Slack repeats an event when it received no confirmation, or when no socket was
// open: then the repetition (retry_attempt above zero) is the only copy. So
// repetitions are not dropped here; the journal recognises them by their keys.
func updates(event socketmode.Event) []bot.Update {
	if event.Request == nil {
		return nil
	}
	switch data := event.Data.(type) {
	case slackgo.SlashCommand:
		return []bot.Update{command(data, event.Request.EnvelopeID)}
	case slackgo.InteractionCallback:
		return presses(data, event.Request.EnvelopeID)
	case slackevents.EventsAPIEvent:
		return mention(data, event.Request.EnvelopeID)
	}
	return nil
}

// command converts a slash command such as "/domovoy check shop.ru". Slash commands
// do not work in threads and have no message.
func command(c slackgo.SlashCommand, envelope string) bot.Update {
	return bot.Update{
		Messenger: name,
		Key:       "command:" + cmp.Or(c.TriggerID, envelope),
		Chat:      address(c.ChannelID, ""),
		Private:   direct(c.ChannelID),
		Person:    person(c.TeamID, c.UserID),
		Name:      c.UserName,
		Text:      cmp.Or(strings.TrimSpace(unwrapAll(c.Text)), noText),
		At:        time.Now(),
	}
}

// presses converts pressed buttons and chosen entries of menus. A payload has one of
// them in practice, though the format allows more.
func presses(c slackgo.InteractionCallback, envelope string) []bot.Update {
	if c.Type != slackgo.InteractionTypeBlockActions {
		return nil
	}
	channel := cmp.Or(c.Container.ChannelID, c.Channel.ID)
	thread := c.Container.ThreadTs
	if thread == c.Container.MessageTs {
		thread = "" // the root of a thread, not a message in it
	}
	var pressed []bot.Update
	for _, action := range c.ActionCallback.BlockActions {
		button := cmp.Or(action.Value, action.ActionID)
		menu := action.Type == "overflow" || action.Type == "static_select"
		if menu {
			button = action.SelectedOption.Value
		}
		known := action.Type == "button" && !strings.HasPrefix(action.ActionID, opens) || menu
		if !known || channel == "" || button == "" {
			continue
		}
		stamp := cmp.Or(action.ActionTs, c.ActionTs, c.TriggerID, envelope)
		pressed = append(pressed, bot.Update{
			Messenger: name,
			Key:       strings.Join([]string{"action", stamp, action.ActionID, c.User.ID}, ":"),
			Chat:      address(channel, thread),
			Private:   direct(channel),
			Person:    person(cmp.Or(c.User.TeamID, c.Team.ID), c.User.ID),
			Name:      c.User.Name,
			Button:    button,
			Ref:       c.Container.MessageTs,
			At:        moment(action.ActionTs),
		})
	}
	return pressed
}

// mention converts a message such as "@domovoy check shop.ru" in a channel, and one
// without the mention in a direct message.
func mention(e slackevents.EventsAPIEvent, envelope string) []bot.Update {
	u := bot.Update{Messenger: name}
	var self string
	key := envelope
	if outer, ok := e.Data.(*slackevents.EventsAPICallbackEvent); ok {
		key = cmp.Or(outer.EventID, envelope)
		if len(outer.Authorizations) > 0 {
			self = outer.Authorizations[0].UserID
		}
	}
	u.Key = "event:" + key
	switch m := e.InnerEvent.Data.(type) {
	case *slackevents.AppMentionEvent:
		if m.BotID != "" || m.User == "" || m.User == self {
			return nil
		}
		u.Chat, u.Private = address(m.Channel, m.ThreadTimeStamp), direct(m.Channel)
		u.Person = person(cmp.Or(m.UserTeam, e.TeamID), m.User)
		u.Text, u.Ref, u.At = plain(m.Text, self), m.TimeStamp, moment(m.TimeStamp)
	case *slackevents.MessageEvent:
		if !m.IsIM() || m.SubType != "" || m.BotID != "" || m.User == "" || m.User == self {
			return nil
		}
		u.Chat, u.Private = address(m.Channel, m.ThreadTimeStamp), true
		u.Person = person(cmp.Or(m.UserTeam, e.TeamID), m.User)
		u.Text, u.Ref, u.At = unwrapAll(m.Text), m.TimeStamp, moment(m.TimeStamp)
	default:
		return nil
	}
	u.Text = cmp.Or(u.Text, noText)
	return []bot.Update{u}
}

// address is the address of a channel or of a thread in it.
func address(channel, thread string) string {
	return bot.Address{Messenger: name, Chat: channel, Thread: thread}.String()
}

// person is an immutable id; it has the team's because a user's id is unique only
// within a team. It is empty when either is.
func person(team, user string) string {
	if team == "" || user == "" {
		return ""
	}
	return name + ":" + team + ":" + user
}

// moment is the time of a timestamp such as 1700000000.123456, by which Slack also
// identifies messages. It is now when the timestamp cannot be parsed.
func moment(stamp string) time.Time {
	whole, fraction, _ := strings.Cut(stamp, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Now()
	}
	micros, _ := strconv.ParseInt(fraction, 10, 64) // absent: zero
	return time.Unix(seconds, micros*1000)
}

// token is what Slack puts into a person's text in place of a mention, a channel, or
// text that looks like a URL: <@U1|ann>, <#C1|ops>, <!here>,
// <http://shop.ru|shop.ru>.
// https://docs.slack.dev/messaging/formatting-message-text#parsing-retrieved-messages
var token = regexp.MustCompile(`<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>`)

// plain returns a person's text as it was typed, without the mention of the bot:
// Slack makes links of domain names and escapes three characters. self is the bot's
// user id; when it is empty, the first mention is removed.
func plain(text, self string) string {
	ours := "<@" + self
	if self == "" {
		ours = "<@"
	}
	if start := strings.Index(text, ours); start >= 0 {
		if end := strings.IndexByte(text[start:], '>'); end >= 0 {
			text = text[:start] + " " + text[start+end+1:]
		}
	}
	return unwrapAll(text)
}

// unwrapAll undoes Slack's tokens and escapes in a text.
func unwrapAll(text string) string {
	text = token.ReplaceAllStringFunc(text, unwrap)
	text = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "\u00a0", " ").Replace(text)
	return strings.TrimSpace(text)
}

// unwrap returns the text that a token stands for. For a link with a label that is a
// name itself it returns the label, which is what the person typed or sees.
func unwrap(s string) string {
	part := token.FindStringSubmatch(s)
	sigil, target, label := part[1], part[2], part[3]
	switch {
	case sigil == "!":
		return "@" + target
	case sigil != "" && label != "":
		return sigil + label
	case sigil != "":
		return sigil + target
	case strings.Contains(label, ".") && !strings.ContainsAny(label, " \t\n"):
		return label
	}
	return strings.TrimPrefix(target, "mailto:")
}
