// Package telegram talks with people through Telegram's Bot API.
//
// # Guarantees
//
// Listen stores updates before it confirms them, so that a crash repeats some
// updates but loses none. An update's key is its update_id. After a week without
// updates Telegram continues with a random number, which may be lower; the
// cursor is therefore the number after the last update received, not after the
// highest one. A new number equals an old one only by chance.
//
// Send succeeds when the text has arrived. A message with one file and a short
// text is one call, with the text as the caption: both arrive, or neither does
// and the message is retried. Otherwise the text is sent first and the files follow
// as replies to it: several as one album of documents, since only text can have
// buttons and documents go with documents only. An album that Telegram refuses is
// sent file by file. When files fail, the text is not sent again: they are tried
// three times, then the failure is logged, and a message in the chat says which are
// missing and where they are stored. An album whose answer was lost may arrive twice,
// as a single file may.
//
// # The library
//
// Of telegram-bot-api only MakeRequest and UploadFiles are used: the library has
// no topics, contexts and timeouts, and its poller loses updates. It has a global
// logger, which this package does not set: the two functions write nothing to it
// unless Debug is true, which it never is here.
package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"regexp"
	"slices"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"domovoy/bot"
	"domovoy/checks/pace"
	"domovoy/i18n"
)

// Messenger is the name that addresses of this messenger begin with.
const Messenger = "telegram"

// Config configures New. Token is required; everything else may be zero.
type Config struct {
	Token    func() string           // returns the bot's token; called once, by New
	APIURL   string                  // of the Bot API server; empty: Telegram's own
	Proxy    string                  // URL: http, https, socks5 or socks5h; empty: none
	Commands map[string][]BotCommand // the menu by language; that of "en" also serves languages without one
	Log      *slog.Logger            // nil: slog.Default()

	// Dial connects with the API's server, or with the proxy; nil: by TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// BotCommand is an entry of the bot's menu of commands.
// https://core.telegram.org/bots/api#botcommand
type BotCommand struct {
	Name        string `json:"command"`
	Description string `json:"description"`
}

// Telegram is a bot.Messenger. It is safe for concurrent use.
type Telegram struct {
	api    *client
	bundle *i18n.Bundle
	menus  map[string][]BotCommand
	pace   *paces
	log    *slog.Logger
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error // pace.Sleep; another one in tests
}

var (
	_ bot.Messenger = (*Telegram)(nil)
	_ bot.Prober    = (*Telegram)(nil)
	_ bot.Trier     = (*Telegram)(nil)
	_ bot.Paced     = (*Telegram)(nil)
)

// New returns a Telegram. It does not use the network, so that the program can start
// while Telegram cannot be reached; Listen finds out whether the token is valid.
// It returns an error for a token, URL or menu that cannot be valid.
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
		sleep:  pace.Sleep,
	}
	if t.log == nil {
		t.log = slog.Default()
	}
	return t, nil
}

// Probe asks for the bot's own description.
func (t *Telegram) Probe(ctx context.Context) error {
	_, err := t.api.call(ctx, callTimeout, "getMe", nil)
	return explain(err, bot.Address{})
}

// TryTokens is Probe: there is one token.
func (t *Telegram) TryTokens(ctx context.Context) error { return t.Probe(ctx) }

// CanSend shows "typing…" in the chat for a moment, which Telegram allows to who may
// write there (https://core.telegram.org/bots/api#sendchataction). It posts nothing.
func (t *Telegram) CanSend(ctx context.Context, to bot.Address) error {
	params := tgbotapi.Params{"chat_id": to.Chat, "action": "typing"}
	params.AddNonEmpty("message_thread_id", to.Thread)
	_, err := t.api.call(ctx, callTimeout, "sendChatAction", params)
	return explain(err, to)
}

// tokenShape is <bot id>:<secret>. The token becomes a part of URLs; one of another
// shape could make a URL invalid, whose parse error would contain it.
var tokenShape = regexp.MustCompile(`^[0-9]+:([A-Za-z0-9_-]{8,})$`)

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

// setMenus sets the menus that differ from the present ones. A failure is only
// logged: the bot works without a menu, and the next start sets it.
func (t *Telegram) setMenus(ctx context.Context) {
	for _, language := range slices.Sorted(maps.Keys(t.menus)) {
		if err := t.setMenu(ctx, language, t.menus[language]); err != nil {
			t.log.WarnContext(ctx, "cannot set the command menu", "language", language, "error", err)
		}
	}
}

// setMenu first reads the present menu, because setting it has a strict rate limit.
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
