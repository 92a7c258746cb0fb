package lab

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// TelegramOptions is what a Telegram server may be given; each may be zero.
type TelegramOptions struct {
	Token    string           // default: a made-up one of the right shape
	Username string           // of the bot, default "domovoy_lab_bot"
	ReadAll  bool             // privacy mode off: the bot hears all talk in groups
	Strict   bool             // answer 429 above the published rates
	Now      func() time.Time // for the rates, default time.Now
}

// Telegram is a Bot API server with its chats, people and messages.
// https://core.telegram.org/bots/api
type Telegram struct {
	front
	options TelegramOptions

	mu       sync.Mutex // guards all below
	bell     bell       // rings after each change of what is below
	rates    telegramRates
	updates  updateQueue
	chats    map[int64]*chat
	commands map[string][]BotCommand // by scope and language, see commandsKey
	queries  map[string]*CallbackAnswer
}

type telegramMethod func(context.Context, request) (any, error)

const labBotID = 5000000001

// NewTelegram starts a server on a free loopback port.
func NewTelegram(options TelegramOptions) (*Telegram, error) {
	server, listener, err := listen()
	if err != nil {
		return nil, err
	}
	t := &Telegram{
		front:    front{server: server},
		options:  options.withDefaults(),
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

// methods go by lower-case name: the real server ignores case.
func (t *Telegram) methods() map[string]telegramMethod {
	return map[string]telegramMethod{
		"getme":                  t.getMe,
		"getupdates":             t.getUpdates,
		"deletewebhook":          t.deleteWebhook,
		"sendmessage":            t.sendMessage,
		"senddocument":           t.sendDocument,
		"sendphoto":              t.sendPhoto,
		"sendchataction":         t.sendChatAction,
		"editmessagetext":        t.editMessageText,
		"editmessagereplymarkup": t.editMessageReplyMarkup,
		"answercallbackquery":    t.answerCallbackQuery,
		"setmycommands":          t.setMyCommands,
		"getmycommands":          t.getMyCommands,
		"deletemycommands":       t.deleteMyCommands,
	}
}

// URL is what a client takes as the API's address, without a slash at the end.
func (t *Telegram) URL() string { return t.url }

// Token is the only one the server knows.
func (t *Telegram) Token() string { return t.options.Token }

// Username is the bot's own, without the at sign.
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
		refuse: refuseTelegram,
		run: func(ctx context.Context) reply {
			if token != t.options.Token {
				return telegramRefusal(wrongToken(token))
			}
			method, known := t.methods()[strings.ToLower(name)]
			if !known {
				return telegramRefusal(errNoMethod)
			}
			return telegramReply(method(ctx, q))
		},
	})
}

var tokenShape = regexp.MustCompile(`^\d+:[\w-]+$`)

// wrongToken is 401 for what could be a token, and 404 for what could not.
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

// deleteWebhook succeeds: the lab never has one.
func (t *Telegram) deleteWebhook(context.Context, request) (any, error) {
	return true, nil
}
