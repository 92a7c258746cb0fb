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

// wordless is what calling the bot without a word means.
const wordless = "help"

// updates reads what a person said out of an envelope; none when it is of no
// use to us: a robot spoke, or somebody used a shortcut.
//
// Slack says a thing again when it missed our answer, or when no socket was
// open: then the repetition (retry_attempt above zero) is the only copy. So
// none is dropped here; the journal knows by the keys what it has.
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

// command reads "/domovoy check shop.ru". A slash command does not work in a
// thread and has no message of its own.
func command(c slackgo.SlashCommand, envelope string) bot.Update {
	return bot.Update{
		Messenger: name,
		Key:       "command:" + cmp.Or(c.TriggerID, envelope),
		Chat:      address(c.ChannelID, ""),
		Private:   direct(c.ChannelID),
		Person:    person(c.TeamID, c.UserID),
		Name:      c.UserName,
		Text:      cmp.Or(strings.TrimSpace(unwrapAll(c.Text)), wordless),
		At:        time.Now(),
	}
}

// presses reads buttons. One payload has one of them in practice; the format
// allows more.
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
		if action.Type != "button" || channel == "" {
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
			Button:    cmp.Or(action.Value, action.ActionID),
			Ref:       c.Container.MessageTs,
			At:        moment(action.ActionTs),
		})
	}
	return pressed
}

// mention reads "@domovoy check shop.ru" in a channel, and the same without
// the mention in a direct message.
func mention(e slackevents.EventsAPIEvent, envelope string) []bot.Update {
	said := bot.Update{Messenger: name}
	var self string
	key := envelope
	if outer, ok := e.Data.(*slackevents.EventsAPICallbackEvent); ok {
		key = cmp.Or(outer.EventID, envelope)
		if len(outer.Authorizations) > 0 {
			self = outer.Authorizations[0].UserID
		}
	}
	said.Key = "event:" + key
	switch m := e.InnerEvent.Data.(type) {
	case *slackevents.AppMentionEvent:
		if m.BotID != "" || m.User == "" || m.User == self {
			return nil
		}
		said.Chat, said.Private = address(m.Channel, m.ThreadTimeStamp), direct(m.Channel)
		said.Person = person(cmp.Or(m.UserTeam, e.TeamID), m.User)
		said.Text, said.Ref, said.At = plain(m.Text, self), m.TimeStamp, moment(m.TimeStamp)
	case *slackevents.MessageEvent:
		if !m.IsIM() || m.SubType != "" || m.BotID != "" || m.User == "" || m.User == self {
			return nil
		}
		said.Chat, said.Private = address(m.Channel, m.ThreadTimeStamp), true
		said.Person = person(cmp.Or(m.UserTeam, e.TeamID), m.User)
		said.Text, said.Ref, said.At = unwrapAll(m.Text), m.TimeStamp, moment(m.TimeStamp)
	default:
		return nil
	}
	said.Text = cmp.Or(said.Text, wordless)
	return []bot.Update{said}
}

// address is where to answer.
func address(channel, thread string) string {
	return bot.Address{Messenger: name, Chat: channel, Thread: thread}.String()
}

// person is an immutable id; a user's id alone is unique within a team only.
func person(team, user string) string {
	if team == "" || user == "" {
		return ""
	}
	return name + ":" + team + ":" + user
}

// moment reads a timestamp such as 1700000000.123456, which is also how Slack
// names messages; one that does not read so is now.
func moment(stamp string) time.Time {
	whole, fraction, _ := strings.Cut(stamp, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Now()
	}
	micros, _ := strconv.ParseInt(fraction, 10, 64) // absent: zero
	return time.Unix(seconds, micros*1000)
}

// token is what Slack writes into a person's text in place of a mention, a
// channel, or whatever looks like an address: <@U1|ann>, <#C1|ops>, <!here>,
// <http://shop.ru|shop.ru>.
var token = regexp.MustCompile(`<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>`)

// plain gives a person's text as it was typed: Slack makes links of bare
// domains and escapes three characters. The mention of ourselves goes; self
// is our user id, and when it is empty (not told), the first mention is ours.
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

// unwrapAll undoes what Slack did to a text.
func unwrapAll(text string) string {
	text = token.ReplaceAllStringFunc(text, unwrap)
	text = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "\u00a0", " ").Replace(text)
	return strings.TrimSpace(text)
}

// unwrap gives what a token stood for. A link is taken by its label when that
// is an address as well: it is what the person typed, or at least what they
// see.
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
