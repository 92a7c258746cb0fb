package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// TelegramOptions configures NewTelegram; each may be zero.
type TelegramOptions struct {
	Network  *Network         // that clients connect by; nil: loopback
	Token    string           // default: a made-up one of the right shape
	Username string           // of the bot, default "domovoy_lab_bot"
	ReadAll  bool             // privacy mode off: the bot receives all messages in groups
	Strict   bool             // answer 429 above the published rates
	Now      func() time.Time // for the rates, default time.Now
}

// Telegram is a Bot API server with its chats, people and messages.
// https://core.telegram.org/bots/api
type Telegram struct {
	front
	options TelegramOptions
	api     apiTable

	mu       sync.Mutex // guards the fields below
	changed  signal     // sent after each change of the fields below
	rates    telegramRates
	updates  updateQueue
	chats    map[int64]*chat
	commands map[string][]BotCommand // by scope and language, see commandsKey
	queries  map[string]*CallbackAnswer
	webhook  string // URL; empty: none
}

type telegramMethod func(context.Context, request) (any, error)

const labBotID = 5000000001

// NewTelegram starts a server on a free port.
func NewTelegram(options TelegramOptions) (*Telegram, error) {
	server, listener, err := listen(options.Network)
	if err != nil {
		return nil, err
	}
	t := &Telegram{
		front:    front{server: server},
		options:  options.withDefaults(),
		api:      readBotAPI(),
		rates:    telegramRates{strict: options.Strict, overall: &window{calls: 30, length: time.Second}},
		updates:  updateQueue{next: 731_000_001},
		chats:    map[int64]*chat{},
		commands: map[string][]BotCommand{},
		queries:  map[string]*CallbackAnswer{},
	}
	server.serve(listener, t)
	return t, nil
}

func (o TelegramOptions) withDefaults() TelegramOptions {
	if o.Token == "" {
		o.Token = "5000000001:AAlab-token_of_nobody_at_all_0123456789"
	}
	if o.Username == "" {
		o.Username = "domovoy_lab_bot"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// methods has lower-case names: the real server ignores case.
func (t *Telegram) methods() map[string]telegramMethod {
	return map[string]telegramMethod{
		"getme":                  t.getMe,
		"getupdates":             t.getUpdates,
		"deletewebhook":          t.deleteWebhook,
		"sendmessage":            t.sendMessage,
		"senddocument":           t.sendDocument,
		"sendphoto":              t.sendPhoto,
		"sendmediagroup":         t.sendMediaGroup,
		"sendchataction":         t.sendChatAction,
		"editmessagetext":        t.editMessageText,
		"editmessagecaption":     t.editMessageCaption,
		"editmessagereplymarkup": t.editMessageReplyMarkup,
		"answercallbackquery":    t.answerCallbackQuery,
		"setmycommands":          t.setMyCommands,
		"getmycommands":          t.getMyCommands,
		"deletemycommands":       t.deleteMyCommands,
	}
}

// URL is the API's address for clients, without a slash at the end.
func (t *Telegram) URL() string { return t.url }

// Token is the only token that the server accepts.
func (t *Telegram) Token() string { return t.options.Token }

// Username is the bot's username, without the @.
func (t *Telegram) Username() string { return t.options.Username }

// LimitRates switches the published rates on or off.
func (t *Telegram) LimitRates(strict bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rates.strict = strict
}

// ServeHTTP answers /bot<token>/<method>.
func (t *Telegram) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, name, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/bot"), "/")
	if !found || !strings.HasPrefix(r.URL.Path, "/bot") {
		telegramRefusal(errNotFound).write(w)
		return
	}
	q, err := readRequest(w, r)
	if err != nil {
		telegramRefusal(badRequest("can't parse the request: " + err.Error())).write(w)
		return
	}
	t.handle(w, r, exchange{
		method: name,
		params: q.params,
		refuse: func(f Fault) reply { return t.refuse(q, f) },
		inside: func() bool { return t.inside(q) },
		run: func(ctx context.Context) reply {
			if token != t.options.Token {
				return telegramRefusal(wrongToken(token))
			}
			method, known := t.methods()[strings.ToLower(name)]
			if !known {
				return telegramRefusal(errNoMethod)
			}
			if err := t.api.check(name, q); err != nil {
				return telegramReply(nil, err)
			}
			return telegramReply(method(ctx, q))
		},
	})
}

var tokenShape = regexp.MustCompile(`^\d+:[\w-]+$`)

// wrongToken is status 401 for a string of a token's shape, and 404 for any other.
func wrongToken(token string) *telegramError {
	if tokenShape.MatchString(token) {
		return errUnauthorized
	}
	return errNotFound
}

func (t *Telegram) getMe(context.Context, request) (any, error) {
	return t.me(), nil
}

func (t *Telegram) me() object {
	return object{
		"id": labBotID, "is_bot": true, "first_name": "Domovoy", "username": t.options.Username,
		"can_join_groups": true, "can_read_all_group_messages": t.options.ReadAll, "supports_inline_queries": false,
	}
}

// SetWebhook has updates go to a URL, as another program would: getUpdates is refused
// until deleteWebhook. The lab calls no URL. https://core.telegram.org/bots/api#setwebhook
func (t *Telegram) SetWebhook(url string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.webhook = url
}

func (t *Telegram) deleteWebhook(context.Context, request) (any, error) {
	t.SetWebhook("")
	return true, nil
}

// object is a JSON object in a response.
type object = map[string]any

// telegramError is a refusal in the Bot API's form.
// https://core.telegram.org/bots/api#responseparameters
type telegramError struct {
	code       int
	text       string
	migrateTo  int64 // 0 unless the group has become a supergroup
	retryAfter int   // seconds, 0 unless the code is 429
}

func (e *telegramError) Error() string { return fmt.Sprintf("%d %s", e.code, e.text) }

var (
	errUnauthorized = &telegramError{code: http.StatusUnauthorized, text: "Unauthorized"}
	errNotFound     = &telegramError{code: http.StatusNotFound, text: "Not Found"}
	errNoMethod     = &telegramError{code: http.StatusNotFound, text: "Not Found: method not found"}
	errConflict     = &telegramError{code: http.StatusConflict,
		text: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}
)

func badRequest(text string) *telegramError {
	return &telegramError{code: http.StatusBadRequest, text: "Bad Request: " + text}
}

func forbidden(text string) *telegramError {
	return &telegramError{code: http.StatusForbidden, text: "Forbidden: " + text}
}

func tooManyRequests(seconds int) *telegramError {
	return &telegramError{
		code:       http.StatusTooManyRequests,
		text:       fmt.Sprintf("Too Many Requests: retry after %d", seconds),
		retryAfter: seconds,
	}
}

func telegramReply(result any, err error) reply {
	if refusal, ok := errors.AsType[*telegramError](err); ok {
		return telegramRefusal(refusal)
	}
	if err != nil {
		return telegramRefusal(&telegramError{code: http.StatusInternalServerError, text: "Internal Server Error: " + err.Error()})
	}
	return jsonReply(http.StatusOK, object{"ok": true, "result": result})
}

func telegramRefusal(e *telegramError) reply {
	body := object{"ok": false, "error_code": e.code, "description": e.text}
	switch {
	case e.migrateTo != 0:
		body["parameters"] = object{"migrate_to_chat_id": e.migrateTo}
	case e.retryAfter != 0:
		body["parameters"] = object{"retry_after": e.retryAfter}
	}
	answer := jsonReply(e.code, body)
	answer.retryAfter = e.retryAfter
	answer.problem = e.text
	return answer
}

func (t *Telegram) refuse(q request, f Fault) reply {
	if f.Kind == TooManyRequests {
		t.mu.Lock()
		defer t.mu.Unlock()
		if c := t.chats[int64(q.number("chat_id", 0))]; c != nil {
			c.hold(t.options.Now(), f.RetryAfter)
		}
		return telegramRefusal(tooManyRequests(f.RetryAfter))
	}
	if f.Status == 0 {
		f.Status = http.StatusBadRequest
	}
	return telegramRefusal(&telegramError{code: f.Status, text: f.Text})
}

func jsonReply(status int, body any) reply {
	text, err := json.Marshal(body)
	if err != nil { // only by a bug of the lab
		return reply{status: http.StatusInternalServerError, mime: "text/plain", body: []byte(err.Error()), problem: err.Error()}
	}
	return reply{status: status, mime: "application/json", body: text}
}

// BotCommand is an entry of a bot's menu.
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
	t.changed.send()
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

// commandsKey returns the key of a scope and language in t.commands. The caller holds
// t.mu.
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
