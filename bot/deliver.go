package bot

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"domovoy/i18n"
	"domovoy/reports/journal"
)

// Outbox sends what the journal says is to be sent, until a messenger says
// yes or it is known to be impossible. Messengers do not wait for each other,
// nor do chats; within a chat the order is kept.
type Outbox struct {
	journal    *journal.Journal
	messengers map[string]Messenger
	bundle     *i18n.Bundle
	log        *slog.Logger
	wake       bell
}

// Outbox of the bot over its messengers.
func (b *Bot) Outbox(messengers map[string]Messenger) *Outbox {
	return &Outbox{journal: b.journal, messengers: messengers, bundle: b.audience.Bundle, log: b.log, wake: b.rang}
}

// idle is how long to wait before looking again when nothing rang.
const idle = 30 * time.Second

// How many chats of one messenger are sent to at once. Answers leave room for
// alerts, however slow the messenger is.
const (
	slots       = 32
	answerSlots = 24
)

// Run delivers until the context ends, and gives what is under way a moment
// to come to its end.
func (o *Outbox) Run(ctx context.Context) error {
	var all sync.WaitGroup
	lanes := o.lanes()
	for _, l := range lanes {
		all.Go(func() { l.run(ctx) })
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-o.wake:
			for _, l := range lanes {
				l.wake.ring()
			}
		}
	}
	all.Wait()
	return ctx.Err()
}

// lanes are one for each messenger, and one for what is to go to messengers
// that are not there.
func (o *Outbox) lanes() []*lane {
	names := slices.Sorted(maps.Keys(o.messengers))
	lanes := []*lane{newLane(o, journal.Lane{Not: names})}
	for _, name := range names {
		lanes = append(lanes, newLane(o, journal.Lane{Messenger: name}))
	}
	return lanes
}

// Flush delivers what is due now and comes back when nothing is left that is.
func (o *Outbox) Flush(ctx context.Context) error {
	for {
		due, err := o.journal.Due(ctx, time.Now(), journal.Lane{}, slots)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, d := range due {
			if err := o.deliver(ctx, d, note); err != nil {
				return err
			}
		}
	}
}

// lane is the sending to one messenger.
type lane struct {
	*Outbox
	which journal.Lane
	wake  bell
	busy  map[string]string // the kind of what is on its way, by chat
	done  chan string       // the chat whose sending ended
}

func newLane(o *Outbox, which journal.Lane) *lane {
	return &lane{Outbox: o, which: which, wake: newBell(), busy: map[string]string{}, done: make(chan string, slots)}
}

func (l *lane) run(ctx context.Context) {
	for ctx.Err() == nil {
		var wait time.Duration
		// Rings do not hurry a journal that cannot be used.
		_ = insist(ctx, l.log, func(context.Context) (err error) { wait, err = l.fill(ctx); return err })
		select {
		case <-ctx.Done():
		case chat := <-l.done:
			delete(l.busy, chat)
		case <-l.wake:
		case <-time.After(wait):
		}
	}
	for range l.busy {
		<-l.done
	}
}

// fill begins as many sendings as there is room for, and tells how long to
// wait until another can be due.
func (l *lane) fill(ctx context.Context) (time.Duration, error) {
	if len(l.busy) >= slots {
		return idle, nil // the end of one wakes us
	}
	l.which.Busy = slices.Collect(maps.Keys(l.busy))
	due, err := l.journal.Due(ctx, time.Now(), l.which, slots)
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		if l.room(d.Kind) {
			l.busy[d.To] = d.Kind
			go l.carry(ctx, d)
		}
	}
	l.which.Busy = slices.Collect(maps.Keys(l.busy))
	next, ok, err := l.journal.NextDue(ctx, l.which)
	if err != nil || !ok {
		return idle, err
	}
	if wait := time.Until(next); wait > 0 {
		return min(idle, wait), nil
	}
	return time.Second, nil // there was no room for it: the end of a sending wakes us
}

// room reports whether something of that kind may be begun.
func (l *lane) room(kind string) bool {
	if kind != journal.AnswerKind {
		return len(l.busy) < slots
	}
	answers := 0
	for _, k := range l.busy {
		if k == journal.AnswerKind {
			answers++
		}
	}
	return answers < answerSlots && len(l.busy) < slots
}

// carry sends one delivery. The chat is kept busy until how that went is
// noted, so that nothing is sent again because the journal could not be
// written.
func (l *lane) carry(ctx context.Context, d journal.Delivery) {
	defer func() { l.done <- d.To }()
	stubborn := func(ctx context.Context, do func(context.Context) error) error {
		return insist(ctx, l.log.With("chat", d.To, "delivery", d.ID), do)
	}
	if err := l.deliver(ctx, d, stubborn); err != nil && ctx.Err() == nil {
		l.log.ErrorContext(ctx, "delivery not noted", "chat", d.To, "delivery", d.ID, "error", err)
	}
}
