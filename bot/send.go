package bot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"domovoy/reports"
	"domovoy/reports/journal"
)

// Paces of sending.
const (
	firstRetry = 2 * time.Second
	lastRetry  = 5 * time.Minute
	sendBound  = 2 * time.Minute  // for one sending, with its files
	grace      = 10 * time.Second // for what is under way when the program is stopped
)

// maxTries of a message that the messenger refuses: its chat waits for it in
// vain. What may be the network's or the messenger's own trouble is tried for
// ever.
const maxTries = 12

// noting makes a note in the journal, now or with patience.
type noting func(ctx context.Context, do func(context.Context) error) error

// deliver sends one delivery and notes how it went. The error is the
// journal's, or the context's.
func (o *Outbox) deliver(ctx context.Context, d journal.Delivery, keep noting) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.Edits == 0 { // an edit that is made twice does no harm
		begun := func(ctx context.Context) error { return o.journal.MarkBegun(ctx, d.ID, time.Now()) }
		if err := keep(ctx, begun); err != nil {
			return err
		}
	}
	late, cancel := lingering(ctx, grace)
	defer cancel()
	bounded, cancelBound := context.WithTimeout(late, sendBound)
	defer cancelBound()
	ref, err := o.send(bounded, d)
	if err != nil && late.Err() != nil {
		return late.Err() // cut off: it stays due, and begun
	}
	return keep(ctx, o.settle(ctx, d, ref, err))
}

// send hands the delivery to its messenger. A panic of a renderer costs this
// message, and nothing else.
func (o *Outbox) send(ctx context.Context, d journal.Delivery) (ref string, err error) {
	defer func() {
		if p := recover(); p != nil {
			o.log.ErrorContext(ctx, "sending panicked", "delivery", d.ID, "panic", p, "stack", string(debug.Stack()))
			ref, err = "", &Permanent{Reason: "panic", Err: fmt.Errorf("%v", p)}
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
	return m.Send(ctx, to, d.ReplyTo, d.Message)
}

// again marks a message that may have arrived before: nobody knows how its
// sending ended.
func (o *Outbox) again(m reports.Message) reports.Message {
	l := o.bundle.Locale(m.Language, nil)
	m.Sections = append(m.Sections[:len(m.Sections):len(m.Sections)], reports.Section{Text: l.Say("delivery.again")})
	return m
}

// settle decides what the end of a try means; the function notes it.
func (o *Outbox) settle(ctx context.Context, d journal.Delivery, ref string, err error) func(context.Context) error {
	now, j := time.Now(), o.journal
	var wait *RetryAfter
	var refused *Permanent
	var moved *Moved
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
		// Nobody is reachable until somebody mends the token; nothing is lost.
		o.log.ErrorContext(ctx, "messenger refuses the token", "chat", d.To, "error", err)
		return func(ctx context.Context) error {
			return o.marking(d, err)(ctx, d.ID, now.Add(lastRetry), err.Error(), false)
		}
	case errors.As(err, &refused), errors.Is(err, ErrGone), hopeless(d, err):
		o.log.ErrorContext(ctx, "message cannot be delivered, it is dropped", "chat", d.To, "kind", d.Kind,
			"tries", d.Attempt.Tries+1, "error", err)
		return func(ctx context.Context) error { return j.MarkDropped(ctx, d.ID, err.Error()) }
	}
	return o.retry(ctx, d, err, now)
}

// retry has a delivery tried again, later from try to try.
func (o *Outbox) retry(ctx context.Context, d journal.Delivery, err error, now time.Time) func(context.Context) error {
	next := now.Add(min(lastRetry, firstRetry<<min(d.Attempt.Tries, 10)))
	o.log.WarnContext(ctx, "message not delivered yet", "chat", d.To, "tries", d.Attempt.Tries+1, "error", err)
	return func(ctx context.Context) error { return o.marking(d, err)(ctx, d.ID, next, err.Error(), true) }
}

// marking is how to note that a delivery is to be tried again: it may have
// arrived if its time ran out, now or in an earlier try.
func (o *Outbox) marking(d journal.Delivery, err error) func(_ context.Context, id int64, next time.Time, reason string, counted bool) error {
	if d.Edits == 0 && (d.Attempt.Begun || timedOut(err)) {
		return o.journal.MarkUnsure
	}
	return o.journal.MarkRetry
}

// hopeless reports whether to give a message up that was refused again and
// again.
func hopeless(d journal.Delivery, err error) bool {
	_, no := errors.AsType[*Refused](err)
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
