package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"golang.org/x/time/rate"

	"domovoy/bot"
	"domovoy/checks/pace"
	"domovoy/reports"
)

// place is an address with its numbers parsed.
type place struct {
	bot.Address
	chat   int64
	thread int64 // 0: none
}

// placeOf parses an address. The error for one that cannot be a Telegram chat is a
// *bot.Permanent.
func placeOf(to bot.Address) (place, error) {
	chat, err := strconv.ParseInt(to.Chat, 10, 64)
	p := place{Address: to, chat: chat}
	if err == nil && to.Thread != "" {
		p.thread, err = strconv.ParseInt(to.Thread, 10, 64)
	}
	if err != nil || to.Messenger != Messenger {
		return p, &bot.Permanent{Reason: "not a Telegram chat", Chat: true, Err: fmt.Errorf("address %s", to)}
	}
	return p, nil
}

// captionMark is the end of the id of a message whose text is a file's caption: it is
// edited by another call.
const captionMark = "c"

// parseRef returns the number of a message, and whether its text is a caption.
func parseRef(ref string) (id int64, caption bool, err error) {
	number, caption := strings.CutSuffix(ref, captionMark)
	id, err = strconv.ParseInt(number, 10, 64)
	return id, caption, err
}

// Send sends a message with its buttons and files and returns its id. inReplyTo is
// the id of the message to reply to, or empty. The package comment says what
// happens when a file fails.
func (t *Telegram) Send(ctx context.Context, to bot.Address, inReplyTo string, m reports.Message) (string, error) {
	at, err := placeOf(to)
	if err != nil {
		return "", err
	}
	if len(m.Files) == 1 && t.fitsCaption(m) {
		ref, err := t.sendFile(ctx, at, inReplyTo, m.Files[0], &m)
		if err == nil && ref != "" {
			return ref + captionMark, nil
		}
		if !refusesFile(err) {
			return ref, err
		}
		t.log.WarnContext(ctx, "Telegram refuses a file, sending the text alone", "chat", to.String(), "error", err)
	}
	d := t.draft("sendMessage", "text", maxText, m)
	d.addressTo(at, inReplyTo, m.Silent)
	ref, err := t.deliver(ctx, at, d)
	if err != nil {
		return "", err
	}
	return ref, t.attach(ctx, at, ref, m)
}

func (t *Telegram) fitsCaption(m reports.Message) bool {
	return measure(compose(t.bundle, m), maxCaption) <= maxCaption
}

// draft is a call that sends or edits a message, with what simplify needs.
type draft struct {
	method  string
	params  tgbotapi.Params
	field   string // the parameter with the text: text or caption; empty: there is none
	plain   string // the text without markup
	files   []tgbotapi.RequestFile
	timeout time.Duration
	counts  int // as how many messages Telegram counts it; 0: as one
}

// draft returns a call without its chat, which addressTo adds.
func (t *Telegram) draft(method, field string, limit int, m reports.Message) draft {
	lines := fitted(t.bundle, m, limit)
	d := draft{method: method, field: field, plain: plain(lines), timeout: callTimeout, params: tgbotapi.Params{
		field:        markup(lines),
		"parse_mode": tgbotapi.ModeHTML,
	}}
	if field == "text" { // captions have no previews
		d.params["link_preview_options"] = `{"is_disabled":true}`
	}
	d.params.AddNonEmpty("reply_markup", keyboard(t.bundle.Locale(m.Language, nil), m))
	return d
}

func (d *draft) addressTo(at place, inReplyTo string, silent bool) {
	d.params.AddNonZero64("chat_id", at.chat)
	d.params.AddNonZero64("message_thread_id", at.thread)
	d.params.AddBool("disable_notification", silent)
	if id, _, err := parseRef(inReplyTo); err == nil {
		d.params["reply_parameters"] = encode(map[string]any{"message_id": id, "allow_sending_without_reply": true})
	}
}

// deliver makes a call within the rate limits, and again in a simpler form where that
// may help. It returns the message's id.
func (t *Telegram) deliver(ctx context.Context, at place, d draft) (string, error) {
	for {
		if left := t.pace.left(at.chat, t.now()); left > 0 {
			return "", &bot.RetryAfter{After: left}
		}
		for range max(1, d.counts) {
			if err := t.pace.wait(ctx, at.chat); err != nil {
				return "", &bot.Unclear{Err: err}
			}
		}
		result, err := t.api.call(ctx, d.timeout, d.method, d.params, d.files...)
		if err == nil {
			return messageID(result), nil
		}
		if !d.simplify(err) {
			err = explain(err, at.Address)
			if asked, ok := errors.AsType[*bot.RetryAfter](err); ok {
				t.pace.hold(at.chat, t.now().Add(asked.After))
			}
			return "", err
		}
		t.log.LogAttrs(ctx, slog.LevelWarn, "Telegram refuses a message, trying a simpler form",
			slog.String("chat", at.String()), slog.Any("error", err))
	}
}

// simplify removes what a refusal complains about: a deleted topic, so that the
// message goes to the chat itself, or markup. False: it complains about neither,
// or that was removed already.
func (d *draft) simplify(err error) bool {
	switch {
	case d.params["message_thread_id"] != "" &&
		says(err, "message thread not found", "topic_deleted", "topic_closed", "topic_id_invalid"):
		delete(d.params, "message_thread_id")
		return true
	case d.params["parse_mode"] != "" && says(err, "can't parse entities"):
		delete(d.params, "parse_mode")
		d.params[d.field] = d.plain
		return true
	}
	return false
}

// messageID returns the id of the message that was sent. A response without one is
// not an error but an empty id: the message arrived and must not be sent again.
func messageID(result json.RawMessage) string {
	var sent struct {
		ID int64 `json:"message_id"`
	}
	if json.Unmarshal(result, &sent) != nil || sent.ID == 0 {
		return ""
	}
	return strconv.FormatInt(sent.ID, 10)
}

// Edit replaces the text and the buttons of the message with the id ref. Its files
// stay: a bot cannot remove a file without deleting the message. The error wraps
// bot.ErrGone when the message no longer exists or can no longer be edited.
func (t *Telegram) Edit(ctx context.Context, to bot.Address, ref string, m reports.Message) error {
	at, err := placeOf(to)
	if err != nil {
		return err
	}
	id, caption, err := parseRef(ref)
	if err != nil || id <= 0 {
		return fmt.Errorf("editing message %q: %w", ref, bot.ErrGone)
	}
	if !caption {
		err = t.edit(ctx, at, id, t.draft("editMessageText", "text", maxText, m))
	}
	if caption || says(err, "there is no text in the message") { // an older id has no mark
		err = t.edit(ctx, at, id, t.draft("editMessageCaption", "caption", maxCaption, m))
	}
	switch {
	case says(err, "message is not modified"):
		return nil
	case says(err, "message to edit not found", "message can't be edited", "message_id_invalid",
		"message_edit_time_expired", "message_author_required"):
		return fmt.Errorf("editing message %s (%w): %w", ref, err, bot.ErrGone)
	}
	return err
}

func (t *Telegram) edit(ctx context.Context, at place, id int64, d draft) error {
	d.params.AddNonZero64("chat_id", at.chat)
	d.params.AddNonZero64("message_id", id)
	_, err := t.deliver(ctx, at, d)
	return err
}

// Telegram allows one message a second in a chat, 20 a minute in a group and 30 a
// second in all, and tolerates short bursts. The rates here stay below that, bursts
// included: at most 19 messages a minute to a group and 30 a second in all.
// https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
const (
	chatEvery  = time.Second
	chatBurst  = 3
	groupEvery = time.Minute / 12
	groupBurst = 7
	allEvery   = time.Second / 25
	allBurst   = 5
)

// Limits are the rates, which the outbox keeps over restarts. Send keeps them itself
// too: a message with files is several calls.
func (t *Telegram) Limits() bot.Limits {
	return bot.Limits{
		All: bot.Rate{Every: allEvery, Burst: allBurst},
		Chat: func(to bot.Address) []bot.Rate {
			rates := []bot.Rate{{Every: chatEvery, Burst: chatBurst}}
			if strings.HasPrefix(to.Chat, "-") { // groups have negative ids
				rates = append(rates, bot.Rate{Every: groupEvery, Burst: groupBurst})
			}
			return rates
		},
		Calls: func(m reports.Message) int {
			if len(m.Files) == 1 && t.fitsCaption(m) {
				return 1
			}
			return 1 + len(m.Files)
		},
	}
}

// paces limits the rates of messages.
type paces struct {
	chats  *pace.Keyed[int64]
	groups *pace.Keyed[int64]
	all    *rate.Limiter

	mu   sync.Mutex
	held map[int64]time.Time // by chat: until when Telegram asked to wait
}

// hold notes that Telegram asked to wait: a call that is not the outbox's, such as
// that of a file after its message, may have met that.
func (p *paces) hold(chat int64, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[chat] = until
}

// left is how long Telegram asked to wait from now on.
func (p *paces) left(chat int64, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.held[chat].Sub(now)
	if left <= 0 {
		delete(p.held, chat)
	}
	return left
}

func newPace() *paces {
	return &paces{
		chats:  pace.New[int64](rate.Every(chatEvery), chatBurst),
		groups: pace.New[int64](rate.Every(groupEvery), groupBurst),
		all:    rate.NewLimiter(rate.Every(allEvery), allBurst),
		held:   map[int64]time.Time{},
	}
}

// wait returns when one more message may be sent to the chat. It takes the turn of
// the overall limit last, so that a slow chat does not delay others.
func (p *paces) wait(ctx context.Context, chat int64) error {
	if err := p.chats.Wait(ctx, chat); err != nil {
		return err
	}
	if chat < 0 { // groups have negative ids
		if err := p.groups.Wait(ctx, chat); err != nil {
			return err
		}
	}
	if err := p.all.Wait(ctx); err != nil {
		return fmt.Errorf("waiting for a turn: %w", err)
	}
	return nil
}
