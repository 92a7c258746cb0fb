package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
)

// BotCommand is one line of a bot's menu.
// https://core.telegram.org/bots/api#botcommand
type BotCommand struct {
	Command     string `json:"command"`
	Description string `json:"description"`
}

const (
	maxCommands    = 100
	maxDescription = 256
)

var (
	commandShape  = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)
	languageShape = regexp.MustCompile(`^([a-z]{2})?$`)
)

func (t *Telegram) setMyCommands(_ context.Context, q request) (any, error) {
	var commands []BotCommand
	if json.Unmarshal([]byte(q.params["commands"]), &commands) != nil {
		return nil, badRequest("can't parse commands JSON object")
	}
	if len(commands) > maxCommands {
		return nil, badRequest("BOT_COMMANDS_TOO_MUCH")
	}
	for _, c := range commands {
		if !commandShape.MatchString(c.Command) {
			return nil, badRequest("BOT_COMMAND_INVALID")
		}
		if n := units(c.Description); n < 1 || n > maxDescription {
			return nil, badRequest("BOT_COMMAND_DESCRIPTION_INVALID")
		}
	}
	return t.storeCommands(q, commands)
}

func (t *Telegram) deleteMyCommands(_ context.Context, q request) (any, error) {
	return t.storeCommands(q, nil)
}

func (t *Telegram) storeCommands(q request, commands []BotCommand) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key, err := t.commandsKey(q)
	if err != nil {
		return nil, err
	}
	t.commands[key] = commands
	t.bell.ring()
	return true, nil
}

func (t *Telegram) getMyCommands(_ context.Context, q request) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key, err := t.commandsKey(q)
	if err != nil {
		return nil, err
	}
	return append([]BotCommand{}, t.commands[key]...), nil
}

// commandsKey reads scope and language. Called with the lock held.
// https://core.telegram.org/bots/api#botcommandscope
func (t *Telegram) commandsKey(q request) (string, error) {
	scope := struct {
		Type string      `json:"type"`
		Chat json.Number `json:"chat_id"`
		User json.Number `json:"user_id"`
	}{Type: "default"}
	if raw := q.params["scope"]; raw != "" && json.Unmarshal([]byte(raw), &scope) != nil {
		return "", badRequest("can't parse BotCommandScope JSON object")
	}
	name := scope.Type
	switch scope.Type {
	case "default", "all_private_chats", "all_group_chats", "all_chat_administrators":
	case "chat", "chat_administrators", "chat_member":
		id, err := scope.Chat.Int64()
		if err != nil || t.chats[id] == nil {
			return "", badRequest("chat not found")
		}
		name = fmt.Sprintf("%s:%d", scope.Type, id)
		if scope.Type == "chat_member" {
			name += ":" + scope.User.String()
		}
	default:
		return "", badRequest("can't parse BotCommandScope: Unsupported type specified")
	}
	language := q.params["language_code"]
	if !languageShape.MatchString(language) {
		return "", badRequest("invalid language code specified")
	}
	return name + "/" + language, nil
}

// Commands returns the menu of a scope ("default", "all_private_chats", …,
// "chat:ID", "chat_administrators:ID", "chat_member:CHAT:USER") and a language
// (empty: for all others).
func (t *Telegram) Commands(scope, language string) []BotCommand {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.commands[scope+"/"+language])
}
