// Package telegram talks with people through Telegram's Bot API.
//
// # What can be relied on
//
// Listen stores updates before it confirms them, so that a crash repeats some
// instead of losing any. An update's key is its update_id. Telegram restarts
// these numbers at random, lower ones too, after a week without updates; the
// cursor is therefore the number after the last update received, not after the
// highest one ever seen. A new number can meet an old one only by chance.
//
// Send is done when the words have arrived. A single file with few words goes
// out in one call, with the words as its caption: both arrive, or neither does
// and the whole is tried again. Otherwise the words go first and the files
// follow as replies. A file that fails then does not repeat the words: it is
// tried three times, logged, and a line in the chat says that it is missing,
// and where it is kept.
//
// # The library
//
// Of telegram-bot-api only MakeRequest and UploadFiles are used; it lacks
// topics, contexts and timeouts, and its poller loses updates. It writes to a
// logger of its own, which is a global and which this package leaves alone:
// those two functions write nothing unless Debug is set, and it never is.
package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"domovoy/bot"
	"domovoy/i18n"
)

// Messenger is the name that addresses of this messenger begin with.
const Messenger = "telegram"

// Config is what a Telegram bot needs to know.
type Config struct {
	Token    func() string           // asked once, by New; never printed
	APIURL   string                  // of an own Bot API server; empty: Telegram's
	Proxy    string                  // URL: http, https, socks5 or socks5h; empty: none
	Commands map[string][]BotCommand // the menu by language; that of "en" is for all other languages too
	Log      *slog.Logger            // nil: slog.Default()
}

// BotCommand is a line of the bot's menu.
// https://core.telegram.org/bots/api#botcommand
type BotCommand struct {
	Name        string `json:"command"`
	Description string `json:"description"`
}

// Telegram is a messenger; many goroutines may send by it.
type Telegram struct {
	api    *client
	bundle *i18n.Bundle
	menus  map[string][]BotCommand
	pace   *paces
	log    *slog.Logger
	now    func() time.Time
	pause  func(context.Context, time.Duration) error // returns early when the context ends
}

var _ bot.Messenger = (*Telegram)(nil)

// New prepares a messenger. It does not touch the network, so that a program
// can start while Telegram is out of reach.
func New(cfg Config, bundle *i18n.Bundle) (*Telegram, error) {
	api, err := newClient(cfg)
	if err != nil {
		return nil, fmt.Errorf("preparing Telegram: %w", err)
	}
	if err := checkMenus(cfg.Commands); err != nil {
		return nil, fmt.Errorf("preparing Telegram: %w", err)
	}
	t := &Telegram{
		api:    api,
		bundle: bundle,
		menus:  cfg.Commands,
		pace:   newPace(),
		log:    cfg.Log,
		now:    time.Now,
		pause:  pause,
	}
	if t.log == nil {
		t.log = slog.Default()
	}
	return t, nil
}

// tokenShape is <bot id>:<secret>. A token of another shape could break the
// URL it becomes a part of, and with that end up in an error's text.
var tokenShape = regexp.MustCompile(`^[0-9]+:([A-Za-z0-9_-]{8,})$`)

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Limits of a menu. https://core.telegram.org/bots/api#botcommand
const (
	maxCommands    = 100
	maxDescription = 256
)

var commandName = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

func checkMenus(menus map[string][]BotCommand) error {
	for language, menu := range menus {
		if len(menu) > maxCommands {
			return fmt.Errorf("menu %s has %d commands, Telegram takes %d", language, len(menu), maxCommands)
		}
		for _, c := range menu {
			if length := units(c.Description); !commandName.MatchString(c.Name) || length == 0 || length > maxDescription {
				return fmt.Errorf("menu %s: command %q must be of a-z, 0-9, _ and have a description of 1 to %d characters",
					language, c.Name, maxDescription)
			}
		}
	}
	return nil
}

// setMenus sets each language's menu that is not yet so. A call that fails is
// no reason to be deaf: it is logged, and made again at the next start.
func (t *Telegram) setMenus(ctx context.Context) {
	for _, language := range slices.Sorted(maps.Keys(t.menus)) {
		if err := t.setMenu(ctx, language, t.menus[language]); err != nil {
			t.log.WarnContext(ctx, "the menu of commands was not set", "language", language, "error", err)
		}
	}
}

// setMenu asks first: setting has a strict rate of its own.
func (t *Telegram) setMenu(ctx context.Context, language string, menu []BotCommand) error {
	params := tgbotapi.Params{}
	if language != "en" { // the menu without a code is for all other languages
		params["language_code"] = language
	}
	result, err := t.api.call(ctx, callTimeout, "getMyCommands", params)
	if err != nil {
		return err
	}
	var current []BotCommand
	if err := json.Unmarshal(result, &current); err != nil {
		return fmt.Errorf("reading the menu: %w", err)
	}
	if slices.Equal(current, menu) {
		return nil
	}
	params["commands"] = encode(menu)
	_, err = t.api.call(ctx, callTimeout, "setMyCommands", params)
	return err
}
