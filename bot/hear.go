package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// Ear answers what people said, in the order in which it was stored.
type Ear struct {
	bot  *Bot
	log  *slog.Logger
	wake bell
}

// Ear of the bot.
func (b *Bot) Ear() *Ear { return &Ear{bot: b, log: b.log, wake: newBell()} }

// inbox is one messenger's way into the journal.
type inbox struct {
	ear       *Ear
	messenger string
}

// Inbox for a messenger to listen into.
func (e *Ear) Inbox(messenger string) Inbox { return inbox{e, messenger} }

func (i inbox) Receive(ctx context.Context, updates []journal.Update, cursor string) error {
	fresh, err := i.ear.bot.journal.Receive(ctx, i.messenger, updates, cursor)
	if fresh > 0 {
		i.ear.wake.ring()
	}
	return err
}

func (i inbox) Cursor(ctx context.Context) (string, error) {
	return i.ear.bot.journal.Cursor(ctx, i.messenger)
}

const (
	answerBound = 30 * time.Second // the time one answer may take
	firstBound  = 5 * time.Second  // how long the first answer waits for the first reading
)

// Run answers until the context ends. What a killed process left unanswered
// is answered first, and not by "not read yet" if that can be helped.
func (e *Ear) Run(ctx context.Context) error {
	e.bot.watch.begun(ctx, firstBound)
	for {
		answered, err := e.next(ctx)
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "update not answered", "error", err)
		}
		if answered && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.wake:
		case <-time.After(idle):
		}
	}
}

// next answers the oldest update that waits; false: none does. The answer and
// the mark that it was given are stored together.
func (e *Ear) next(ctx context.Context) (bool, error) {
	b := e.bot
	u, ok, err := b.journal.NextUpdate(ctx)
	if err != nil || !ok {
		return false, err
	}
	bounded, cancel := context.WithTimeout(ctx, answerBound)
	defer cancel()
	answers, entry, err := b.answer(bounded, u)
	if err != nil {
		return false, err
	}
	if _, err := b.journal.Answer(ctx, u.ID, answers, entry); err != nil {
		return false, err
	}
	b.rang.ring()
	return true, nil
}

// answer composes what an update is answered with. A refusal is audited.
func (b *Bot) answer(ctx context.Context, u journal.Update) ([]journal.Delivery, *journal.AuditEntry, error) {
	to, err := ParseAddress(u.Chat)
	if err != nil {
		return nil, nil, fmt.Errorf("update %d: %w", u.ID, err)
	}
	if to, err = b.known(ctx, to); err != nil {
		return nil, nil, err
	}
	configured := ""
	if c, ok := b.audience.chat(to); ok {
		configured = c.Language
	} else if u.Private {
		configured = u.Language // a hint of the person's own client
	}
	l, err := b.locale(ctx, to, configured)
	if err != nil {
		return nil, nil, err
	}
	r := Request{Person: u.Person, Name: u.Name, Role: b.audience.Role(u.Person, to), Chat: to,
		Private: u.Private, Locale: l, Now: time.Now()}
	text, m, err := b.heard(ctx, u, r)
	var entry *journal.AuditEntry
	if err != nil {
		var code string
		m, code = b.Explain(ctx, err, r)
		name, _ := b.words.parse(text)
		entry = &journal.AuditEntry{At: r.Now, Person: u.Person, Name: u.Name, Role: r.Role.String(),
			Chat: u.Chat, Command: shown(name), Result: code}
	}
	return []journal.Delivery{{To: u.Chat, Kind: "answer", ReplyTo: u.Ref, Message: m}}, entry, nil
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
	for from, now := range moves {
		old, err := ParseAddress(from)
		if err == nil && sameChat(now, to.String()) {
			return Address{Messenger: old.Messenger, Chat: old.Chat, Thread: to.Thread}, nil
		}
	}
	return to, nil
}

// heard turns an update into a command and asks it. A button is a typed
// command whose words are on disk.
func (b *Bot) heard(ctx context.Context, u journal.Update, r Request) (string, reports.Message, error) {
	text := u.Text
	if u.Button != "" {
		command, chat, ok, err := b.journal.Action(ctx, u.Button)
		if err != nil {
			return "", reports.Message{}, err
		}
		if !ok || chat != u.Chat && !sameChat(chat, u.Chat) {
			return "", reports.Message{}, &Refusal{Code: "not_found", Key: "refusal.button"}
		}
		text = command
	}
	a, err := b.Ask(ctx, text, r)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &Refusal{Code: "unavailable", Key: "refusal.slow"}
	}
	return text, a.Message, err
}

// sameChat reports whether two addresses are in one chat: a button may be
// pressed in a thread of the chat it was sent to.
func sameChat(a, b string) bool {
	x, errX := ParseAddress(a)
	y, errY := ParseAddress(b)
	return errX == nil && errY == nil && x.Messenger == y.Messenger && x.Chat == y.Chat
}
