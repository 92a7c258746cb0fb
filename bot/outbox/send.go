package outbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"domovoy/bot"
	"domovoy/bot/internal/work"
	"domovoy/checks/guard"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Paces of sending.
const (
	firstRetry = 2 * time.Second
	lastRetry  = 5 * time.Minute
	sendBound  = 2 * time.Minute // for one sending, with its files
)

// maxTries of a message that the receiver refuses: its chat waits behind it.
// What may be the network's or the receiver's own trouble is retried without
// end.
const maxTries = 12

// storing makes a change of the journal, once or until it succeeds.
type storing func(ctx context.Context, change func(context.Context) error) error

// deliver sends one delivery and notes how it went. The error is the
// journal's, or the context's.
func (o *Outbox) deliver(ctx context.Context, d journal.Delivery, store storing) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.Edits == 0 { // an edit that is made twice does no harm
		begun := func(ctx context.Context) error { return o.journal.MarkBegun(ctx, d.ID, time.Now()) }
		if err := store(ctx, begun); err != nil {
			return err
		}
	}
	late, cancel := work.WithGrace(ctx)
	defer cancel()
	bounded, cancelBound := context.WithTimeout(late, sendBound)
	defer cancelBound()
	ref, err := o.send(bounded, d)
	if err != nil && late.Err() != nil {
		return late.Err() // cut off: it stays due, and begun
	}
	return store(ctx, o.settle(ctx, d, ref, err))
}

// send passes the delivery to its receiver. A panic of a renderer costs this
// message, and nothing else.
func (o *Outbox) send(ctx context.Context, d journal.Delivery) (ref string, err error) {
	err = guard.Run(func() (err error) { ref, err = o.pass(ctx, d); return err })
	if p, ok := errors.AsType[*guard.Panic](err); ok {
		o.log.ErrorContext(ctx, "sending panicked", "delivery", d.ID, "panic", p.Value, "stack", p.Trace())
		return "", &bot.Permanent{Reason: "panic", Err: err}
	}
	return ref, err
}

// pass sends or edits. A receiver that cannot edit keeps the message as it was.
func (o *Outbox) pass(ctx context.Context, d journal.Delivery) (ref string, err error) {
	to, err := bot.ParseAddress(d.To)
	if err != nil {
		return "", &bot.Permanent{Reason: "address", Err: err}
	}
	receiver, ok := o.receivers[to.Messenger]
	if !ok {
		return "", &bot.Permanent{Reason: "no such messenger"}
	}
	d.Message.Delivery = fmt.Sprintf("%d-%d", d.ID, d.Attempt.Created.UnixMilli()) // a new state file begins with the same IDs
	if d.Edits != 0 {
		editor, ok := receiver.(bot.Editor)
		if !ok {
			return d.Attempt.Ref, nil
		}
		return d.Attempt.Ref, editor.Edit(ctx, to, d.Attempt.Ref, d.Message)
	}
	if d.Attempt.Begun {
		d.Message = o.markedAgain(d.Message)
	}
	return receiver.Send(ctx, to, d.ReplyTo, d.Message)
}

// markedAgain marks a message that may have arrived before: how its sending
// ended is not known.
func (o *Outbox) markedAgain(m reports.Message) reports.Message {
	l := o.bundle.Locale(m.Language, nil)
	m.Sections = append(m.Sections[:len(m.Sections):len(m.Sections)], reports.Section{Text: l.Say("delivery.again")})
	return m
}

// settle decides what the end of a try means; the function notes it.
func (o *Outbox) settle(ctx context.Context, d journal.Delivery, ref string, err error) func(context.Context) error {
	now, j := time.Now(), o.journal
	var wait *bot.RetryAfter
	var refused *bot.Permanent
	var moved *bot.Moved
	switch {
	case err == nil:
		return func(ctx context.Context) error { return j.MarkSent(ctx, d.ID, ref, now) }
	case errors.As(err, &wait):
		again := o.marking(d, err)
		return func(ctx context.Context) error {
			return errors.Join(again(ctx, d.ID, now.Add(wait.After), err.Error(), false), j.PauseChat(ctx, d.To, now.Add(wait.After)))
		}
	case errors.As(err, &moved):
		o.log.WarnContext(ctx, "chat moved", "from", d.To, "to", moved.To)
		return func(ctx context.Context) error { // it surely did not arrive here
			return errors.Join(o.marking(d, err)(ctx, d.ID, now, err.Error(), false), j.MoveChat(ctx, d.To, moved.To.String()))
		}
	case errors.As(err, &refused) && refused.Token:
		// Nobody is reachable until the token is replaced; nothing is lost.
		o.log.ErrorContext(ctx, "messenger refuses the token", "chat", d.To, "error", err)
		return func(ctx context.Context) error {
			return o.marking(d, err)(ctx, d.ID, now.Add(lastRetry), err.Error(), false)
		}
	case errors.As(err, &refused), errors.Is(err, bot.ErrGone), hopeless(d, err):
		o.log.ErrorContext(ctx, "message cannot be delivered, it is dropped", "chat", d.To, "kind", d.Kind,
			"tries", d.Attempt.Tries+1, "error", err)
		return func(ctx context.Context) error { return j.MarkDropped(ctx, d.ID, err.Error()) }
	}
	return o.retry(ctx, d, err, now)
}

// retry has a delivery tried again, with backoff.
func (o *Outbox) retry(ctx context.Context, d journal.Delivery, err error, now time.Time) func(context.Context) error {
	next := now.Add(min(lastRetry, firstRetry<<min(d.Attempt.Tries, 10)))
	o.log.WarnContext(ctx, "message not delivered yet", "chat", d.To, "tries", d.Attempt.Tries+1, "error", err)
	return func(ctx context.Context) error { return o.marking(d, err)(ctx, d.ID, next, err.Error(), true) }
}

// marking is how to store that a delivery is retried: it may have arrived if its
// time ran out or its answer was lost, now or in an earlier try.
func (o *Outbox) marking(d journal.Delivery, err error) func(_ context.Context, id int64, next time.Time, reason string, counted bool) error {
	unclear, ok := errors.AsType[*bot.Unclear](err)
	if d.Edits == 0 && (d.Attempt.Begun || ok && unclear.Arrived || timedOut(err)) {
		return o.journal.MarkUnsure
	}
	return o.journal.MarkRetry
}

// hopeless reports whether to give up a message that was refused many times.
func hopeless(d journal.Delivery, err error) bool {
	_, no := errors.AsType[*bot.Refused](err)
	return no && d.Attempt.Tries+1 >= maxTries
}

// timedOut reports whether the time ran out after the connection stood, so
// that the request may have been read.
func timedOut(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	failed, ok := errors.AsType[net.Error](err)
	return ok && failed.Timeout() || errors.Is(err, context.DeadlineExceeded)
}
