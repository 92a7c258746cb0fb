package telegram

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"time"

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
