// Package outbox delivers the messages that wait in the journal, until the
// receiver has them or delivery is known to be impossible.
package outbox

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/bot/internal/work"
	"domovoy/i18n"
	"domovoy/reports/journal"
)

// Outbox sends messages. Receivers do not wait for each other, nor do chats;
// within a chat the order is kept.
type Outbox struct {
	journal   *journal.Journal
	receivers map[string]bot.Receiver
	bundle    *i18n.Bundle
	wake      bot.Signal
	log       *slog.Logger
}

// New makes an outbox over receivers, by their name in addresses; wake says
// that there is something to send.
func New(j *journal.Journal, receivers map[string]bot.Receiver, bundle *i18n.Bundle, wake bot.Signal, log *slog.Logger) *Outbox {
	return &Outbox{journal: j, receivers: receivers, bundle: bundle, wake: wake, log: log}
}

// How many chats of one receiver are sent to at once. Answers leave room for
// alerts, however slow the receiver is.
const (
	slots       = 32
	answerSlots = 24
)

// Run delivers until the context ends, and gives what is under way a moment to
// finish.
func (o *Outbox) Run(ctx context.Context) error {
	var all sync.WaitGroup
	queues := o.queues()
	for _, q := range queues {
		all.Go(func() { _ = q.pool.Run(ctx, q.fill) })
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-o.wake:
			for _, q := range queues {
				q.pool.Wake.Wake()
			}
		}
	}
	all.Wait()
	return ctx.Err()
}

// Flush delivers what is due now and returns when nothing is left that is.
func (o *Outbox) Flush(ctx context.Context) error {
	for {
		due, err := o.journal.Due(ctx, time.Now(), journal.Queue{}, slots)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, d := range due {
			if err := o.deliver(ctx, d, work.Store); err != nil {
				return err
			}
		}
	}
}

// queues are one for each receiver, and one for what is to go to receivers
// that do not exist.
func (o *Outbox) queues() []*queue {
	names := slices.Sorted(maps.Keys(o.receivers))
	queues := []*queue{o.newQueue(journal.Queue{Except: names})}
	for _, name := range names {
		queues = append(queues, o.newQueue(journal.Queue{Messenger: name}))
	}
	return queues
}

// queue is what is sent to one receiver: one delivery a chat at a time.
type queue struct {
	*Outbox
	which journal.Queue
	pool  *work.Pool
}

func (o *Outbox) newQueue(which journal.Queue) *queue {
	return &queue{Outbox: o, which: which, pool: work.NewPool(slots, bot.NewSignal(), o.log)}
}

// fill begins as many deliveries as there is room for, and returns how long to
// wait until another can be due.
func (q *queue) fill(ctx context.Context) (time.Duration, error) {
	if q.pool.Room() == 0 {
		return work.Idle, nil // the end of one wakes us
	}
	q.which.Busy = q.pool.Keys()
	due, err := q.journal.Due(ctx, time.Now(), q.which, slots)
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		if q.hasRoom(d.Kind) {
			q.pool.Start(d.To, d.Kind, func() { q.carryOut(ctx, d) })
		}
	}
	q.which.Busy = q.pool.Keys()
	next, ok, err := q.journal.NextDue(ctx, q.which)
	if err != nil || !ok {
		return work.Idle, err
	}
	if wait := time.Until(next); wait > 0 {
		return min(work.Idle, wait), nil
	}
	return time.Second, nil // there was no room for it: the end of a delivery wakes us
}

// hasRoom reports whether a delivery of that kind may begin.
func (q *queue) hasRoom(kind string) bool {
	return q.pool.Room() > 0 && (kind != journal.AnswerKind || q.pool.Count(kind) < answerSlots)
}

// carryOut carries one delivery out. The chat stays busy until the end is
// noted, so that nothing is sent again because the journal could not be
// written.
func (q *queue) carryOut(ctx context.Context, d journal.Delivery) {
	store := func(ctx context.Context, change func(context.Context) error) error {
		return work.UntilStored(ctx, q.log.With("chat", d.To, "delivery", d.ID), change)
	}
	if err := q.deliver(ctx, d, store); err != nil && ctx.Err() == nil {
		q.log.ErrorContext(ctx, "cannot record the delivery", "chat", d.To, "delivery", d.ID, "error", err)
	}
}
