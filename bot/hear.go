package bot

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"domovoy/reports/journal"
)

// Ear answers what people said: in the order of each chat, a few chats at
// once, and those whom the configuration knows before strangers.
type Ear struct {
	bot   *Bot
	log   *slog.Logger
	wake  bell
	flood flood           // used by Run alone
	busy  map[string]bool // chats being answered; used by Run alone
	done  chan string     // the chat whose answer is stored
}

// Ear of the bot.
func (b *Bot) Ear() *Ear {
	return &Ear{bot: b, log: b.log, wake: newBell(), flood: newFlood(), busy: map[string]bool{}, done: make(chan string, atOnce)}
}

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
	atOnce      = 4                // chats answered at once
	batch       = 100              // strangers looked at before the known are looked for again
)

// Run answers until the context ends. What a killed process left unanswered
// is answered first, and not by "not read yet" if that can be helped.
func (e *Ear) Run(ctx context.Context) error {
	e.bot.watch.begun(ctx, firstBound)
	for ctx.Err() == nil {
		wait := idle
		_ = insist(ctx, e.log, func(context.Context) error {
			more, err := e.listen(ctx)
			if more {
				wait = 0
			}
			return err
		})
		select {
		case <-ctx.Done():
		case chat := <-e.done:
			delete(e.busy, chat)
		case <-e.wake:
		case <-time.After(wait):
		}
	}
	for range e.busy {
		<-e.done
	}
	return ctx.Err()
}

// listen takes what waits. more: there may be more that can be taken now.
func (e *Ear) listen(ctx context.Context) (more bool, err error) {
	j := e.bot.journal
	who, err := e.bot.callers(ctx)
	if err != nil {
		return false, err
	}
	if room := atOnce - len(e.busy); room > 0 {
		updates, err := j.Unanswered(ctx, who, slices.Collect(maps.Keys(e.busy)), room)
		if err != nil || len(updates) > 0 {
			return true, e.take(ctx, updates, err)
		}
	}
	if len(e.busy) > 0 {
		return false, nil // strangers have time; the end of an answer wakes us
	}
	updates, err := j.Strangers(ctx, who, batch)
	return len(updates) > 0, e.take(ctx, updates, err)
}

// take begins to answer updates, or does away with them.
func (e *Ear) take(ctx context.Context, updates []journal.Update, err error) error {
	for _, u := range updates {
		if err != nil {
			break
		}
		err = guarded(func() error { return e.takeOne(ctx, u) })
		if _, bug := errors.AsType[*panicked](err); bug || errors.Is(err, errAddress) {
			err = note(ctx, e.putAside(ctx, u, err))
		}
	}
	return err
}

// putAside leaves an update without an answer, with a trace if somebody known
// said it; the function notes that.
func (e *Ear) putAside(ctx context.Context, u journal.Update, err error) func(context.Context) error {
	p, _ := errors.AsType[*panicked](err)
	e.log.ErrorContext(ctx, "an update cannot be answered", "update", u.ID, "chat", u.Chat, "error", err, "stack", p.trace())
	entry := e.bot.audited(u, Request{Role: e.bot.audience.People[u.Person], Now: time.Now()}, u.Text, ResultInternal)
	return func(ctx context.Context) error {
		_, err := e.bot.journal.Answer(ctx, u.ID, nil, entry)
		return err
	}
}

func (e *Ear) takeOne(ctx context.Context, u journal.Update) error {
	b := e.bot
	r, err := b.request(ctx, u)
	if err != nil {
		return err
	}
	switch v := e.flood.judge(u, r); {
	case v == ignore:
		return b.journal.Ignore(ctx, u.ID)
	case v == warn, r.Role < Viewer: // takes no time
		_, err = b.journal.Answer(ctx, u.ID, b.refuse(ctx, u, r, v), nil)
		b.rang.ring()
		return err
	}
	e.busy[u.Chat] = true
	go e.answer(ctx, u, r)
	return nil
}

// answer stores the answer together with the mark that it was given. The chat
// is kept busy until that is done, so that no command is done again because
// the journal could not be written.
func (e *Ear) answer(ctx context.Context, u journal.Update, r Request) {
	defer func() { e.done <- u.Chat }()
	var said spoken
	err := guarded(func() (err error) {
		said, err = e.bot.answer(ctx, u, r)
		return err
	})
	store := func(ctx context.Context) error { return e.bot.store(ctx, u, r, said) }
	if _, bug := errors.AsType[*panicked](err); bug {
		store = e.putAside(ctx, u, err)
	} else if err != nil {
		return // shutting down: the next start answers
	}
	log := e.log.With("update", u.ID, "chat", u.Chat)
	if err := insist(ctx, log, store); err != nil && ctx.Err() == nil {
		log.ErrorContext(ctx, "answer not stored", "error", err)
	}
	e.bot.rang.ring()
}

// store keeps the answer, and the task that it begins. A plan that somebody
// else was faster to use is refused instead.
func (b *Bot) store(ctx context.Context, u journal.Update, r Request, said spoken) error {
	if said.task != nil {
		_, err := b.journal.Begin(ctx, u.ID, said.answers, said.entry, *said.task)
		if !errors.Is(err, journal.ErrUsed) {
			b.begun.ring()
			return err
		}
		said = b.declined(ctx, usedUp(said.task.Plan), u, r, u.Text, said.answers[0].Edits)
	}
	_, err := b.journal.Answer(ctx, u.ID, said.answers, said.entry)
	return err
}
