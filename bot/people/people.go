// Package people knows who may ask, in which language each chat is spoken to,
// and where chats have moved.
package people

import (
	"context"
	"maps"
	"slices"
	"strings"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports/journal"
)

// Directory is the configured audience with what people changed since: the
// languages they chose, and the addresses to which their chats moved.
type Directory struct {
	bot.Audience
	journal *journal.Journal
}

// New makes a directory.
func New(audience bot.Audience, j *journal.Journal) *Directory {
	return &Directory{Audience: audience, journal: j}
}

// Locale of a chat: in the language chosen there, else in the configured one,
// else in the audience's.
func (d *Directory) Locale(ctx context.Context, chat bot.Address, configured string) (*i18n.Locale, error) {
	language, ok, err := d.journal.Language(ctx, chat.String())
	if err != nil {
		return nil, err
	}
	if !ok {
		language = configured
	}
	return d.In(language), nil
}

// In is the locale of a language; empty is the audience's.
func (d *Directory) In(language string) *i18n.Locale {
	if language == "" {
		language = d.Language
	}
	return d.Bundle.Locale(language, d.Zone)
}

// Known tells those who may ask from strangers, as things are now.
func (d *Directory) Known(ctx context.Context) (journal.Known, error) {
	chats := map[string]bool{}
	for _, c := range d.Chats {
		if c.Role >= bot.Viewer {
			chats[c.To.String()] = true
		}
	}
	moves, err := d.journal.Moves(ctx)
	for from, now := range moves {
		old, bad := bot.ParseAddress(from)
		to, worse := bot.ParseAddress(now)
		if c, ok := d.Chat(old); ok && c.Role >= bot.Viewer && bad == nil && worse == nil {
			chats[to.Whole().String()] = true
		}
	}
	return func(person, chat string) bool {
		whole, _, _ := strings.Cut(chat, "/")
		return person != "" && (d.People[person] >= bot.Viewer || chats[chat] || chats[whole])
	}, err
}

// Configured is the address under which the configuration has a chat: a chat
// that moved (a Telegram group that became a supergroup) keeps its rights.
func (d *Directory) Configured(ctx context.Context, to bot.Address) (bot.Address, error) {
	if _, ok := d.Chat(to); ok {
		return to, nil
	}
	moves, err := d.journal.Moves(ctx)
	if err != nil {
		return to, err
	}
	for _, from := range slices.Sorted(maps.Keys(moves)) {
		old, err := bot.ParseAddress(from)
		if err != nil || !bot.SameChat(moves[from], to.String()) {
			continue
		}
		old.Thread = to.Thread
		if _, ok := d.Chat(old); ok {
			return old, nil
		}
	}
	return to, nil
}

// Actor is the person who asks, as the journal keeps them.
func Actor(r bot.Request) journal.Actor {
	return journal.Actor{Person: r.Person, Name: r.Name, Role: r.Role.String(), Chat: r.Chat.String(), Language: r.Locale.Language()}
}

// Entry is the audit's entry of an act; nil: there is none to keep.
func Entry(r bot.Request, a *bot.Act) *journal.AuditEntry {
	if a == nil {
		return nil
	}
	return &journal.AuditEntry{At: r.Now, Person: r.Person, Name: r.Name, Role: r.Role.String(),
		Chat: r.Chat.String(), Command: a.Command, Args: a.Args, Result: a.Result}
}
