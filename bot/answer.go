package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// callers are those whose updates are answered first.
func (b *Bot) callers(ctx context.Context) (journal.Known, error) {
	var who journal.Known
	for person, role := range b.audience.People {
		if role >= Viewer {
			who.People = append(who.People, person)
		}
	}
	for _, c := range b.audience.Chats {
		if c.Role >= Viewer {
			who.Chats = append(who.Chats, c.To.String())
		}
	}
	moves, err := b.journal.Moves(ctx)
	for from, now := range moves {
		old, bad := ParseAddress(from)
		to, worse := ParseAddress(now)
		if c, ok := b.audience.chat(old); ok && c.Role >= Viewer && bad == nil && worse == nil {
			who.Chats = append(who.Chats, Address{Messenger: to.Messenger, Chat: to.Chat}.String())
		}
	}
	return who, err
}

// errAddress is what request says of a chat that no messenger has.
var errAddress = errors.New("no answer would arrive")

// request is an update as a request: who asks, with which rights, in which
// language.
func (b *Bot) request(ctx context.Context, u journal.Update) (Request, error) {
	r := Request{Person: u.Person, Name: u.Name, Private: u.Private, Now: time.Now()}
	to, err := ParseAddress(u.Chat)
	if err != nil {
		return r, fmt.Errorf("%w: %w", errAddress, err)
	}
	if r.Chat, err = b.known(ctx, to); err != nil {
		return r, err
	}
	r.Role = b.audience.Role(u.Person, r.Chat)
	configured := ""
	if c, ok := b.audience.chat(r.Chat); ok {
		configured = c.Language
	} else if u.Private {
		configured = u.Language // a hint of the person's own client
	}
	r.Locale, err = b.locale(ctx, r.Chat, configured)
	return r, err
}

// known is the address under which the configuration knows a chat: a chat
// that moved (a Telegram group that became a supergroup) keeps its rights.
func (b *Bot) known(ctx context.Context, to Address) (Address, error) {
	if _, ok := b.audience.chat(to); ok {
		return to, nil
	}
	moves, err := b.journal.Moves(ctx)
	if err != nil {
		return to, err
	}
	for _, from := range slices.Sorted(maps.Keys(moves)) {
		old, err := ParseAddress(from)
		if err != nil || !sameChat(moves[from], to.String()) {
			continue
		}
		old.Thread = to.Thread
		if _, ok := b.audience.chat(old); ok {
			return old, nil
		}
	}
	return to, nil
}

// spoken is what an update is answered with.
type spoken struct {
	answers []journal.Delivery
	entry   *journal.AuditEntry // of what was done or refused; nil: there is none to keep
	task    *journal.Task       // what the answer begins; nil: nothing
}

// answer composes what an update is answered with. A refusal is audited. The
// error is the context's end.
func (b *Bot) answer(ctx context.Context, u journal.Update, r Request) (spoken, error) {
	bounded, cancel := context.WithTimeout(ctx, answerBound)
	defer cancel()
	var text string
	var a Answer
	var notice int64 // the delivery that says what takes so long; 0: none
	r.Notice = func(text string) { notice = b.notice(ctx, u, r, text) }
	err := guarded(func() (err error) {
		text, a, err = b.heard(bounded, u, r)
		return err
	})
	if err == nil {
		return spoken{answers: instead(notice, reply(u, a.Message)), entry: a.Entry, task: a.Task}, nil
	}
	if ctx.Err() != nil {
		return spoken{}, ctx.Err()
	}
	if p, ok := errors.AsType[*panicked](err); ok {
		b.log.ErrorContext(ctx, "answering panicked", "update", u.ID, "panic", p.value, "stack", p.trace())
	}
	return b.declined(ctx, err, u, r, text, notice), nil
}

// declined is what is said instead of an answer.
func (b *Bot) declined(ctx context.Context, err error, u journal.Update, r Request, text string, notice int64) spoken {
	m, code := b.Explain(ctx, err, r)
	return spoken{answers: instead(notice, reply(u, m)), entry: b.audited(u, r, text, code)}
}

// refuse composes what a stranger is told, or who says too much.
func (b *Bot) refuse(ctx context.Context, u journal.Update, r Request, v verdict) []journal.Delivery {
	err := b.stranger(r)
	if v == warn {
		err = &Refusal{Code: ResultNotAllowed, Key: "refusal.toomany"}
	}
	m, _ := b.Explain(ctx, err, r)
	return reply(u, m)
}

func reply(u journal.Update, m reports.Message) []journal.Delivery {
	return []journal.Delivery{{To: u.Chat, Kind: journal.AnswerKind, ReplyTo: u.Ref, Message: m}}
}

// notice tells the chat what takes so long. An answer that comes without it is
// better than none, so that a failure is only logged.
func (b *Bot) notice(ctx context.Context, u journal.Update, r Request, text string) int64 {
	ids, err := b.journal.Enqueue(ctx, reply(u, reports.Message{Language: r.Locale.Language(), Title: text, Silent: true}))
	if err != nil {
		b.log.WarnContext(ctx, "notice not stored", "chat", u.Chat, "error", err)
		return 0
	}
	b.rang.ring()
	return ids[0]
}

// instead lets answers take the place of a notice, if there was one.
func instead(notice int64, answers []journal.Delivery) []journal.Delivery {
	for i := range answers {
		answers[i].Edits = notice
	}
	return answers
}

// audited is the audit's entry of a refusal; nil: strangers leave no trace in
// what is kept for good.
func (b *Bot) audited(u journal.Update, r Request, text string, code Result) *journal.AuditEntry {
	if r.Role < Viewer {
		return nil
	}
	name, words := b.words.parse(text)
	e := &journal.AuditEntry{At: r.Now, Person: u.Person, Name: u.Name, Role: r.Role.String(),
		Chat: u.Chat, Command: shown(name), Result: code.String()}
	if acts(name) {
		e.Args = tried(words)
	}
	return e
}

// acts reports whether a command changes something outside the bot: what was
// tried by it is told in the audit, too.
func acts(name string) bool {
	i := slices.IndexFunc(Commands(), func(c Command) bool { return c.Name == name })
	return i >= 0 && Commands()[i].Role >= Admin || name == "stop"
}

// tried keeps foreign words short, and few.
func tried(words []string) string {
	var kept []string
	for _, w := range words[:min(len(words), 10)] {
		kept = append(kept, shown(w))
	}
	return strings.Join(kept, " ")
}

// heard turns an update into a command and asks it. A button is a typed
// command whose words are on disk.
func (b *Bot) heard(ctx context.Context, u journal.Update, r Request) (string, Answer, error) {
	text := u.Text
	if u.Button != "" {
		command, chat, ok, err := b.journal.Action(ctx, u.Button)
		if err != nil {
			return "", Answer{}, err
		}
		if !ok || chat != u.Chat && !sameChat(chat, u.Chat) {
			return "", Answer{}, &Refusal{Code: ResultNotFound, Key: "refusal.button"}
		}
		text = command
	}
	a, err := b.Ask(ctx, text, r)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &Refusal{Code: ResultUnavailable, Key: "refusal.slow"}
	}
	return text, a, err
}

// sameChat reports whether two addresses are in one chat: a button may be
// pressed in a thread of the chat it was sent to.
func sameChat(a, b string) bool {
	x, errX := ParseAddress(a)
	y, errY := ParseAddress(b)
	return errX == nil && errY == nil && x.Messenger == y.Messenger && x.Chat == y.Chat
}
