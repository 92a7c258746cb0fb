// Package outbox delivers the messages that wait in the journal, until the
// receiver has them or delivery is known to be impossible.
//
// Receivers do not wait for each other, nor do chats. In a chat, its topics and
// threads together, the most important message goes first; what waits for its next
// try is overtaken. A messenger that does not work is asked every few seconds, by
// one call, whether it does again. What it asks to wait for, and the pace of calls,
// are kept in the journal, so that a restart changes neither.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/bot/internal/work"
	"domovoy/reports/journal"
)

// Config is what an outbox is made of.
type Config struct {
	Journal    *journal.Journal
	Receivers  map[string]bot.Receiver // by their name in addresses
	Audience   func() bot.Audience     // as it is now
	SpareAfter time.Duration           // after how long an open critical problem goes another way; zero: the constant of that name
	Wake       bot.Signal              // there is something to send
	Log        *slog.Logger

	// Speaks is asked right before each sending whether the bot may speak now. If it may
	// not, the message stays due, and nothing is sent until the context ends. nil: it
	// always may.
	Speaks func() bool

	// Called is told how each call to a receiver ended; nil: nobody is.
	Called func(messenger string, took time.Duration, err error)
}

// SpareAfter is how long a messenger may be out before open critical problems go
// another way.
const SpareAfter = 5 * time.Minute

// Outbox sends messages.
type Outbox struct {
	Config
	queues []*queue
}

// New makes an outbox.
func New(c Config) *Outbox {
	if c.SpareAfter == 0 {
		c.SpareAfter = SpareAfter
	}
	o := &Outbox{Config: c}
	names := slices.Sorted(maps.Keys(c.Receivers))
	o.queues = append(o.queues, o.newQueue("", journal.Queue{Except: names})) // for receivers that do not exist
	for _, name := range names {
		rest := o.newQueue(name, journal.Queue{Messenger: name})
		if several, ok := c.Receivers[name].(bot.Several); ok {
			for _, chat := range several.Names() {
				place := bot.Address{Messenger: name, Chat: chat}.String()
				rest.except = append(rest.except, place)
				o.queues = append(o.queues, o.newQueue(name, journal.Queue{Messenger: name, Place: place}))
			}
		}
		o.queues = append(o.queues, rest)
	}
	return o
}

// Run delivers until the context ends, and gives what is under way a moment to
// finish.
func (o *Outbox) Run(ctx context.Context) error {
	if err := o.recall(ctx); err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, q := range o.queues {
		all.Go(func() { _ = q.pool.Run(ctx, q.fill) })
	}
	all.Go(func() { o.watchWays(ctx) })
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-o.Wake:
			o.wakeAll()
		}
	}
	all.Wait()
	return ctx.Err()
}

// errorOf is the last failure of an outage.
func errorOf(o journal.Outage) error {
	if o.Token {
		return &bot.Permanent{Reason: o.Reason, Token: true}
	}
	return errors.New(o.Reason)
}

func (o *Outbox) wakeAll() {
	for _, q := range o.queues {
		q.pool.Wake.Wake()
	}
}

// recall reads what the process before us left: its calls, by which the pace is
// kept, and the messengers that were out.
func (o *Outbox) recall(ctx context.Context) error {
	load := func(ctx context.Context) error {
		now := time.Now()
		out, err := o.Journal.Outages(ctx)
		if err != nil {
			return err
		}
		closed, err := o.Journal.ClosedChats(ctx)
		if err != nil {
			return err
		}
		for _, c := range closed {
			o.queueOf(journal.Delivery{To: c.Chat}).setClosed(c.Chat, true)
		}
		for _, q := range o.queues {
			calls, err := o.Journal.Calls(ctx, q.name, now.Add(-recalled))
			if err != nil {
				return err
			}
			q.pace.recall(calls)
			if i := slices.IndexFunc(out, func(x journal.Outage) bool { return x.Messenger == q.server() }); i >= 0 {
				q.state.recall(out[i], now)
				o.Log.WarnContext(ctx, "messenger did not work before the restart", "messenger", out[i].Messenger, "since", out[i].Since, "error", errorOf(out[i]))
			}
		}
		return nil
	}
	return work.UntilStored(ctx, o.Log, load)
}

// Flush delivers what is due now and returns when nothing is left that is.
func (o *Outbox) Flush(ctx context.Context) error {
	for {
		due, err := o.Journal.Due(ctx, time.Now(), journal.Queue{}, slots)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, d := range due {
			if err := o.queueOf(d).deliver(ctx, d, work.Store); err != nil {
				return err
			}
		}
	}
}

// queueOf is the queue that sends a delivery.
func (o *Outbox) queueOf(d journal.Delivery) *queue {
	name, place := messengerOf(d.To), placeOf(d.To)
	for _, q := range o.queues[1:] {
		if q.name == name && (q.which.Place == "" || q.which.Place == place) {
			return q
		}
	}
	return o.queues[0]
}

// messengerOf is the messenger of an address; empty: it has none.
func messengerOf(address string) string {
	to, err := bot.ParseAddress(address)
	if err != nil {
		return ""
	}
	return to.Messenger
}

// placeOf is the chat of an address without its topic: what its messenger limits.
func placeOf(address string) string {
	to, err := bot.ParseAddress(address)
	if err != nil {
		return address
	}
	return to.Whole().String()
}
