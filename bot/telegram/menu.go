package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

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
