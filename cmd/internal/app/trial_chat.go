package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domovoy/bot"
	"domovoy/bot/slack"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// tryMessengers asks each messenger whether it takes our tokens, and whether the bot
// could write into each chat. A chat of a messenger whose token this user cannot read
// is not tried.
func (a *App) tryMessengers(ctx context.Context) (trials []Trial) {
	readable := *a.cfg
	if readable.Telegram.Token.Reveal() == "" { // which is said of its key
		readable.Telegram = config.Telegram{}
	}
	if readable.Slack.BotToken.Reveal() == "" || readable.Slack.AppToken.Reveal() == "" {
		readable.Slack = config.Slack{}
	}
	messengers, err := (&App{cfg: &readable, bundle: a.bundle, log: a.log}).messengers()
	if err != nil {
		return []Trial{{Grade: Broken, Says: "messenger.form", Args: i18n.Args{"Error": err}}}
	}
	for _, name := range slices.Sorted(maps.Keys(messengers)) {
		m, ok := messengers[name].(bot.Trier)
		if !ok {
			continue
		}
		if err := m.TryTokens(ctx); err != nil {
			trials = append(trials, a.tokenTrial(name, err))
			continue // nor would it say anything about chats
		}
		if s, ok := m.(*slack.Slack); ok && s.SocketModeOff() {
			trials = append(trials, Trial{Key: name, Grade: Lacking, Says: "socketmode", Cure: "socketmode"})
		}
		for i, chat := range a.cfg.Chats {
			if chat.To.Messenger == name {
				trials = append(trials, tryChat(ctx, m, fmt.Sprintf("chats[%d].to", i), chat.To)...)
			}
		}
	}
	return trials
}

// tokenTrial is the trial of a messenger that does not take our tokens, or does not
// answer.
func (a *App) tokenTrial(name string, err error) Trial {
	args := i18n.Args{"Messenger": name, "Error": short(err)}
	refused, ok := errors.AsType[*bot.Permanent](err)
	if !ok || !refused.Token {
		t := Trial{Key: name, Grade: Unknown, Says: "messenger.silent", Cure: "messenger", Args: args}
		if isForeign(err) {
			t.Cure = "messenger.tls"
		}
		return t
	}
	args["Error"] = refused.Reason
	t := Trial{Key: name, Grade: Broken, Says: "token", Cure: "token." + name, Args: args}
	secrets := []config.Secret{a.cfg.Telegram.Token}
	if name == "slack" {
		secrets = []config.Secret{a.cfg.Slack.BotToken, a.cfg.Slack.AppToken}
	}
	for _, s := range secrets {
		if o := s.Origin(); o.Kind != "" {
			t.Secrets = append(t.Secrets, o)
		}
	}
	return t
}

// groupID is the address that was probably meant: that of a supergroup has -100 before
// the number which some programs show; empty: none.
func groupID(to bot.Address) string {
	if to.Messenger != "telegram" || strings.HasPrefix(to.Chat, "-100") {
		return ""
	}
	digits := strings.TrimPrefix(to.Chat, "-")
	if len(digits) < supergroupDigits {
		return ""
	}
	if !strings.HasPrefix(digits, "100") || len(digits) < supergroupDigits+len("100") {
		digits = "100" + digits
	}
	to.Chat = "-" + digits
	return to.String()
}

// supergroupDigits is how many digits the number of a supergroup has at least.
const supergroupDigits = 10

// tryChat looks whether the bot could write into a chat; nil: it could.
func tryChat(ctx context.Context, m bot.Trier, key string, to bot.Address) []Trial {
	err := m.CanSend(ctx, to)
	if err == nil {
		return nil
	}
	args := i18n.Args{"Chat": to, "Messenger": to.Messenger, "Error": short(err), "Guess": groupID(to)}
	if moved, ok := errors.AsType[*bot.Moved](err); ok {
		args["To"] = moved.To
		return []Trial{{Key: key, Grade: Lacking, Says: "chat.moved", Args: args}}
	}
	refused, permanent := errors.AsType[*bot.Permanent](err)
	if no, ok := errors.AsType[*bot.Refused](err); ok {
		args["Error"] = no.Reason
		return []Trial{{Key: key, Grade: Broken, Says: "chat", Cure: "chat." + to.Messenger, Args: args}}
	}
	switch {
	case permanent && refused.Chat:
		args["Error"] = refused.Reason
		return []Trial{{Key: key, Grade: Broken, Says: "chat", Cure: "chat." + to.Messenger, Args: args}}
	case permanent:
		args["Error"] = refused.Reason
		return []Trial{{Key: key, Grade: Unknown, Says: "chat.unseen", Cure: "scope", Args: args}}
	}
	return []Trial{{Key: key, Grade: Unknown, Says: "chat.unseen", Args: args}}
}
