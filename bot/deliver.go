package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Outbox sends what the journal says is to be sent, until a messenger says
// yes or it is known to be impossible.
type Outbox struct {
	journal    *journal.Journal
	messengers map[string]Messenger
	bundle     *i18n.Bundle
	log        *slog.Logger
	wake       bell
	done       chan string // the chat whose sending ended
}

// Outbox of the bot over its messengers.
func (b *Bot) Outbox(messengers map[string]Messenger) *Outbox {
	return &Outbox{
		journal: b.journal, messengers: messengers, bundle: b.audience.Bundle, log: b.log,
		wake: b.rang, done: make(chan string, 64),
	}
}

// How long to wait before looking again, and before trying again.
const (
	idle       = 30 * time.Second // nothing rang
	firstRetry = 2 * time.Second
	lastRetry  = 5 * time.Minute
	sendBound  = 2 * time.Minute // for one sending, with its files
)

// Run delivers until the context ends, and waits for what is under way. Chats
// do not wait for each other; within a chat the order is kept.
func (o *Outbox) Run(ctx context.Context) error {
	sending := map[string]bool{}
	defer func() {
		for range sending {
			<-o.done
		}
	}()
	for {
		due, err := o.journal.Due(ctx, time.Now(), cap(o.done))
		if err != nil && ctx.Err() == nil {
			o.log.ErrorContext(ctx, "outbox not readable", "error", err)
		}
		for _, d := range due {
			if !sending[d.To] && len(sending) < cap(o.done) {
				sending[d.To] = true
				go o.deliver(ctx, d)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case chat := <-o.done:
			delete(sending, chat)
		case <-o.wake:
		case <-time.After(o.pause(ctx, len(due))):
		}
	}
}

// Flush delivers what is due now and comes back when nothing is left that is.
func (o *Outbox) Flush(ctx context.Context) error {
	for {
		due, err := o.journal.Due(ctx, time.Now(), cap(o.done))
		if err != nil || len(due) == 0 {
			return err
		}
		for _, d := range due {
			o.deliver(ctx, d)
			<-o.done
		}
	}
}

// pause until something can be due by time alone.
func (o *Outbox) pause(ctx context.Context, busy int) time.Duration {
	next, ok, err := o.journal.NextDue(ctx)
	if err != nil || !ok {
		return idle
	}
	wait := max(100*time.Millisecond, min(idle, time.Until(next)))
	if busy > 0 { // what is due is being sent: the end of it wakes us
		wait = max(wait, time.Second)
	}
	return wait
}

// deliver sends one delivery and notes how it went.
func (o *Outbox) deliver(ctx context.Context, d journal.Delivery) {
	defer func() { o.done <- d.To }()
	bounded, cancel := context.WithTimeout(ctx, sendBound)
	defer cancel()
	ref, err := o.send(bounded, d)
	if ctx.Err() != nil && err != nil {
		return // shutting down: it stays pending
	}
	// What was sent must be noted even if the shutdown begins just now.
	note, cancelNote := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancelNote()
	if err := o.settle(note, d, ref, err); err != nil {
		o.log.ErrorContext(ctx, "delivery not noted", "delivery", d.ID, "error", err)
	}
}

// send hands the delivery to its messenger. A panic of a renderer costs this
// message a try, and nothing else.
func (o *Outbox) send(ctx context.Context, d journal.Delivery) (ref string, err error) {
	defer func() {
		if p := recover(); p != nil {
			ref, err = "", fmt.Errorf("sending panicked: %v\n%s", p, debug.Stack())
		}
	}()
	to, err := ParseAddress(d.To)
	if err != nil {
		return "", &Permanent{Reason: "address", Err: err}
	}
	m, ok := o.messengers[to.Messenger]
	if !ok {
		return "", &Permanent{Reason: "no such messenger"}
	}
	if d.Edits != 0 {
		return d.Attempt.Ref, m.Edit(ctx, to, d.Attempt.Ref, d.Message)
	}
	if d.Attempt.Begun {
		d.Message = o.again(d.Message)
	}
	if err := o.journal.MarkBegun(ctx, d.ID, time.Now()); err != nil {
		return "", err
	}
	return m.Send(ctx, to, d.ReplyTo, d.Message)
}

// again marks a message that may have arrived before: the process died while
// it was being sent.
func (o *Outbox) again(m reports.Message) reports.Message {
	l := o.bundle.Locale(m.Language, nil)
	m.Sections = append(m.Sections[:len(m.Sections):len(m.Sections)], reports.Section{Text: l.Say("delivery.again")})
	return m
}

// settle notes the end of a try.
func (o *Outbox) settle(ctx context.Context, d journal.Delivery, ref string, err error) error {
	now := time.Now()
	var wait *RetryAfter
	var refused *Permanent
	var moved *Moved
	switch {
	case err == nil:
		return o.journal.MarkSent(ctx, d.ID, ref, now)
	case errors.As(err, &wait):
		return errors.Join(
			o.journal.MarkRetry(ctx, d.ID, now.Add(wait.After), err.Error(), false),
			o.journal.PauseChat(ctx, d.To, now.Add(wait.After)))
	case errors.As(err, &moved):
		o.log.WarnContext(ctx, "chat moved", "from", d.To, "to", moved.To)
		return o.journal.MoveChat(ctx, d.To, moved.To.String())
	case errors.As(err, &refused) && refused.Token:
		// Nobody is reachable until somebody mends the token; nothing is lost.
		o.log.ErrorContext(ctx, "messenger refuses the token", "chat", d.To, "error", err)
		return o.journal.MarkRetry(ctx, d.ID, now.Add(lastRetry), err.Error(), false)
	case errors.As(err, &refused), errors.Is(err, ErrGone):
		o.log.ErrorContext(ctx, "message cannot be delivered", "chat", d.To, "kind", d.Kind, "error", err)
		return o.journal.MarkDropped(ctx, d.ID, err.Error())
	}
	o.log.WarnContext(ctx, "message not delivered yet", "chat", d.To, "tries", d.Attempt.Tries+1, "error", err)
	return o.journal.MarkRetry(ctx, d.ID, now.Add(backoff(d.Attempt.Tries)), err.Error(), true)
}

// backoff doubles from try to try.
func backoff(tries int) time.Duration {
	return min(lastRetry, firstRetry<<min(tries, 10))
}
