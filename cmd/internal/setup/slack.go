package setup

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/slack"
	"domovoy/i18n"
)

// slackName is the messenger's name in addresses.
const slackName = "slack"

// slackParts are what an app of Slack is made of.
type slackParts struct {
	botToken, appToken, api, proxy string
	messenger                      *slack.Slack
}

// noAppToken stands for the token that is asked for next.
const noAppToken = "xapp-"

// askSlack takes both tokens, tries each, and waits for the code in a channel.
func (s *session) askSlack(ctx context.Context) error {
	s.talk.say("setup.slack.head")
	had := s.old != nil && s.old.Slack.BotToken.IsSet()
	t := slackParts{api: s.SlackAPI}
	if had {
		t = slackParts{s.old.Slack.BotToken.Reveal(), s.old.Slack.AppToken.Reveal(), cmp.Or(s.SlackAPI, s.old.Slack.APIURL), s.old.Slack.Proxy.Reveal(), nil}
	}
	if s.Given != nil {
		return s.givenSlack(ctx, t, had)
	}
	if !had {
		s.talk.say("setup.slack.how")
	}
	fresh, more, err := s.slackTokens(ctx, &t, had)
	switch {
	case err != nil:
		return err
	case t.messenger == nil:
		s.talk.note("setup.slack.without")
		return nil
	case !fresh && !more && s.chatsOf(slackName) > 0:
		return s.keepSlack(t)
	}
	return s.meetSlack(ctx, t, fresh, SlackAnswers{})
}

// slackTokens asks for both tokens until they are taken. Without any messenger is nil.
func (s *session) slackTokens(ctx context.Context, t *slackParts, had bool) (fresh, more bool, err error) {
	question := s.talk.l.Say("setup.slack.token")
	if had {
		question = s.talk.l.Say("setup.slack.again")
	}
	was := *t
	for {
		token, err := s.talk.askSecret(ctx, question)
		if err != nil {
			return false, false, err
		}
		switch {
		case token == "" && !had:
			return false, false, nil
		case token == "m":
			s.talk.print("", slack.Manifest())
			continue
		case (token == "" || token == "+") && had:
			*t = was
			ok, err := s.trySlack(ctx, t)
			if err != nil || ok {
				return false, token == "+", err
			}
			continue
		}
		t.botToken, t.appToken = token, noAppToken
		if ok, err := s.trySlack(ctx, t); err != nil {
			return false, false, err
		} else if !ok {
			continue
		}
		s.talk.say("setup.slack.apphow")
		for {
			if t.appToken, err = s.talk.askSecret(ctx, s.talk.l.Say("setup.slack.apptoken")); err != nil {
				return false, false, err
			}
			if ok, err := s.trySlack(ctx, t); err != nil || ok {
				return true, false, err
			}
		}
	}
}

// trySlack tries the tokens; false: one is refused, or Slack does not answer, which was
// said.
func (s *session) trySlack(ctx context.Context, t *slackParts) (bool, error) {
	for {
		m, err := slack.New(slack.Config{BotToken: t.botToken, AppToken: t.appToken, APIURL: t.api, Proxy: t.proxy}, s.Bundle)
		if err != nil {
			s.talk.note("setup.slack.form", i18n.Args{"App": t.botToken != "" && t.appToken != noAppToken})
			return false, nil
		}
		name, team := "", ""
		if t.appToken == noAppToken {
			name, team, err = m.Self(ctx)
		} else {
			err = m.TryTokens(ctx)
		}
		if err == nil {
			if t.messenger = m; name != "" {
				s.talk.note("setup.slack.taken", i18n.Args{"Bot": name, "Team": team})
			}
			if m.SocketModeOff() {
				s.talk.note("setup.slack.off")
			}
			return true, nil
		}
		refused, permanent := errors.AsType[*bot.Permanent](err)
		if clear, ok := errors.AsType[*bot.Refused](err); ok {
			refused, permanent = &bot.Permanent{Reason: clear.Reason}, true
		}
		if permanent {
			s.talk.note("setup.slack.refused", i18n.Args{"Error": refused.Reason, "App": t.appToken != noAppToken,
				"Scope": refused.Reason == "missing_scope", "Off": strings.Contains(refused.Reason, "socket_mode") || refused.Reason == "link_disabled"})
			return false, nil
		}
		if ctx.Err() != nil {
			return false, errLeft
		}
		s.talk.note("setup.slack.silent", i18n.Args{"Error": short(err)})
		if s.Given != nil {
			return false, nil
		}
		if t.proxy, err = s.askProxy(ctx, t.proxy); err != nil {
			return false, err
		}
	}
}

// givenSlack is askSlack with answers from a file.
func (s *session) givenSlack(ctx context.Context, t slackParts, had bool) error {
	given := s.Given.Slack
	if given == nil && !had {
		s.talk.note("setup.slack.without")
		return nil
	}
	same := had
	if given != nil {
		was := t
		var err, failed error
		t.botToken, err = secretOf(given.BotTokenFile)
		t.appToken, failed = secretOf(given.AppTokenFile)
		if err = errors.Join(err, failed); err != nil {
			return s.refuse(err.Error())
		}
		if given.APIURL != "" {
			t.api = given.APIURL
		}
		if given.Proxy != "" {
			t.proxy = given.Proxy
		}
		same = had && t.botToken == was.botToken && t.appToken == was.appToken
	}
	ok, err := s.trySlack(ctx, &t)
	if err != nil {
		return err
	}
	if !ok {
		s.talk.say("setup.unchanged")
		return ErrUnchanged
	}
	if given == nil || same && s.chatsOf(slackName) > 0 && (given.Chat == "" || s.hasChat(given.Chat)) {
		return s.keepSlack(t)
	}
	return s.meetSlack(ctx, t, true, *given)
}

// keepSlack leaves what the configuration has of Slack.
func (s *session) keepSlack(t slackParts) error {
	s.talk.note("setup.kept", i18n.Args{"Chats": s.chatsOf(slackName)})
	s.draft.parts = append(s.draft.parts, part{name: slackName, messenger: t.messenger})
	return nil
}

// meetSlack waits for the code in a channel and until the bot was invited there.
func (s *session) meetSlack(ctx context.Context, t slackParts, fresh bool, given SlackAnswers) error {
	p := part{name: slackName, messenger: t.messenger, changed: fresh}
	if fresh {
		s.draft.secrets["slack.bot"], s.draft.secrets["slack.app"] = t.botToken, t.appToken
		p.keys = [][2]string{{"bot_token_file", "slack.bot"}, {"app_token_file", "slack.app"}, {"api_url", t.api}, {"proxy", t.proxy}}
		p.gone = []string{"bot_token", "app_token"}
		if s.old != nil {
			p.keys = changed(p.keys, s.old.Slack.APIURL, s.old.Slack.Proxy.Reveal())
		}
	}
	chat, admin := given.Chat, given.Admin
	if chat == "" || admin == "" {
		heard, err := s.hearSlack(ctx, t)
		if err != nil {
			return err
		}
		at := address(heard.Chat)
		chat, admin = bot.Address{Messenger: at.Messenger, Chat: at.Chat}.String(), heard.Person
		s.talk.note("setup.slack.heard", i18n.Args{"Name": heard.Name, "Person": admin, "Chat": chat})
	}
	chat, err := s.awaitRight(ctx, t.messenger, chat, "setup.slack.mute")
	if err != nil {
		return err
	}
	p.add(s, chat, admin)
	s.draft.parts = append(s.draft.parts, p)
	return nil
}

// hearSlack waits for the code in a channel.
func (s *session) hearSlack(ctx context.Context, t slackParts) (bot.Update, error) {
	for {
		s.talk.note("setup.slack.say", i18n.Args{"Code": s.code})
		s.talk.say("setup.waiting", i18n.Args{"Wait": s.Wait})
		waiting, stop := context.WithTimeout(ctx, s.Wait)
		ear := &ear{session: s, stop: stop, told: map[string]bool{}}
		err := s.listenSlack(waiting, t.messenger, ear)
		stop()
		switch {
		case ear.heard != nil:
			return *ear.heard, nil
		case ctx.Err() != nil:
			return bot.Update{}, errLeft
		case err != nil:
			return bot.Update{}, err
		}
		s.talk.say("setup.slack.late")
		if s.Given != nil {
			return bot.Update{}, s.refuse(s.talk.l.Say("setup.late.given"))
		}
		again, err := s.talk.agree(ctx, s.talk.l.Say("setup.late.again"), true)
		if err != nil || !again {
			return bot.Update{}, errLeft
		}
	}
}

// listenSlack listens until the code came or the time is over. While Socket Mode is said
// to be off it connects again and again: once it is on, a new socket surely has what
// people say.
func (s *session) listenSlack(ctx context.Context, m *slack.Slack, ear *ear) error {
	for {
		longest := s.Wait
		if m.SocketModeOff() {
			longest = socketAgain
		}
		round, end := context.WithTimeout(ctx, longest)
		err := m.Listen(round, ear)
		end()
		if err != nil || ctx.Err() != nil || ear.heard != nil {
			return err
		}
	}
}

// socketAgain is how long a socket is kept while Socket Mode is said to be off.
const socketAgain = 30 * time.Second

// confirmed is how long Slack is listened to after the code, so that it has the
// confirmation of what was heard and does not send it again to the service.
const confirmed = 300 * time.Millisecond

// ear is an inbox that waits for the code in a channel.
type ear struct {
	*session
	stop  func()
	told  map[string]bool
	heard *bot.Update
}

// Receive takes what people say.
func (e *ear) Receive(_ context.Context, updates []bot.Update, _ string) error {
	for _, u := range updates {
		at := address(u.Chat)
		switch {
		case e.heard != nil:
		case !e.hasCode(u.Text):
			if !e.told[u.Person] {
				e.told[u.Person] = true
				e.talk.note("setup.stranger", i18n.Args{"Person": u.Person, "Name": u.Name, "Chat": u.Chat})
			}
		case u.Private || at.Chat == "" || u.Person == "":
			e.talk.note("setup.slack.private", i18n.Args{"Code": e.code})
		default:
			e.heard = &u
			time.AfterFunc(confirmed, e.stop)
		}
	}
	return nil
}

// Cursor is empty: Slack has none.
func (e *ear) Cursor(context.Context) (string, error) { return "", nil }
