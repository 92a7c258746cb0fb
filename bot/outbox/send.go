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
	"domovoy/reports/journal"
)

// Paces of sending.
const (
	firstRetry  = time.Second
	lastRetry   = 5 * time.Minute
	lastRepeat  = 10 * time.Minute // of what may have arrived
	sendBound   = 2 * time.Minute  // for one sending, with its files
	giveUpAfter = 24 * time.Hour   // what fails alone, or in a closed chat, while the messenger works
)

// maxTries of a message that the receiver refuses. What may be the network's or the
// receiver's own trouble is retried for giveUpAfter, and without end while the
// messenger is out.
const maxTries = 12

// editTries of an edit that the receiver refuses: what it has against the message that
// is there may not hold for a new one.
const editTries = 4

// repeats is how often what may have arrived is repeated before that becomes rare.
const repeats = 5

// storing makes a change of the journal, once or until it succeeds.
type storing func(ctx context.Context, change func(context.Context) error) error

// deliver sends one delivery and notes how it went. The error is the
// journal's, or the context's.
func (q *queue) deliver(ctx context.Context, d journal.Delivery, store storing) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(d.Message.Files) > 0 {
		read := func(ctx context.Context) (err error) { d.Message.Files, err = q.Journal.Files(ctx, d); return err }
		if err := store(ctx, read); err != nil {
			return err
		}
	}
	begun := func(ctx context.Context) error { return q.Journal.MarkBegun(ctx, d.ID, time.Now(), q.pace.calls(d)) }
	if err := store(ctx, begun); errors.Is(err, journal.ErrNoDelivery) {
		return nil // it was dropped meanwhile
	} else if err != nil {
		return err
	}
	late, cancel := work.WithGrace(ctx)
	defer cancel()
	bounded, cancelBound := context.WithTimeout(late, sendBound)
	defer cancelBound()
	if q.Speaks != nil && !q.Speaks() {
		<-ctx.Done() // the outbox is about to be stopped
		return ctx.Err()
	}
	started := time.Now()
	ref, err := q.send(bounded, d)
	if q.Called != nil {
		q.Called(q.name, time.Since(started), err)
	}
	if err != nil && late.Err() != nil {
		return late.Err() // cut off: it stays due, and begun
	}
	return store(ctx, q.settle(ctx, d, ref, err))
}

// send passes the delivery to its receiver. A panic of a renderer costs this
// message, and nothing else.
func (q *queue) send(ctx context.Context, d journal.Delivery) (ref string, err error) {
	err = guard.Run(func() (err error) { ref, err = q.pass(ctx, d); return err })
	if p, ok := errors.AsType[*guard.Panic](err); ok {
		q.Log.ErrorContext(ctx, "sending panicked", "delivery", d.ID, "panic", p.Value, "stack", p.Trace())
		return "", &bot.Permanent{Reason: "panic", Err: err}
	}
	return ref, err
}

// pass sends or edits. A receiver that cannot edit keeps the message as it was.
func (q *queue) pass(ctx context.Context, d journal.Delivery) (ref string, err error) {
	to, err := bot.ParseAddress(d.To)
	if err != nil {
		return "", &bot.Permanent{Reason: "address", Err: err}
	}
	if q.receiver == nil {
		return "", &bot.Permanent{Reason: "no such messenger"}
	}
	d.Message.Delivery = fmt.Sprintf("%d-%d", d.ID, d.Attempt.Created.UnixMilli()) // a new state file begins with the same IDs
	if d.Edits != 0 {
		editor, ok := q.receiver.(bot.Editor)
		if !ok {
			return d.Attempt.Ref, nil
		}
		return d.Attempt.Ref, editor.Edit(ctx, to, d.Attempt.Ref, q.shown(to, d, d.Message))
	}
	if d.Under != 0 {
		return q.reply(ctx, to, d)
	}
	return q.receiver.Send(ctx, to, d.ReplyTo, q.shown(to, d, q.worded(d, time.Now())))
}

// settle decides what the end of a try means; the function notes it.
func (q *queue) settle(ctx context.Context, d journal.Delivery, ref string, err error) func(context.Context) error {
	now, j := time.Now(), q.Journal
	var wait *bot.RetryAfter
	var refused *bot.Permanent
	var no *bot.Refused
	var moved *bot.Moved
	if half, ok := errors.AsType[*bot.Incomplete](err); ok {
		return q.incomplete(ctx, d, ref, half)
	}
	before := d.Attempt.Begun // an earlier try may have arrived, whatever this one met
	clear := errors.As(err, &wait) || errors.As(err, &refused) && !refused.Token || errors.As(err, &no) || errors.As(err, &moved) || isGone(err)
	if err == nil || clear {
		q.works(ctx)
	}
	switch {
	case err == nil:
		return func(ctx context.Context) error { return q.arrived(ctx, d, ref, now) }
	case wait != nil:
		if q.askedToWait(placeOf(d.To), now) && wait.Scope == bot.ScopeChat {
			wait.Scope = bot.ScopeAll
		}
		return func(ctx context.Context) error {
			return j.MarkHeld(ctx, d.ID, q.heldPlace(d, wait.Scope), now.Add(wait.After), err.Error(), before)
		}
	case moved != nil:
		q.Log.WarnContext(ctx, "chat moved", "from", d.To, "to", moved.To)
		return func(ctx context.Context) error { // it surely did not arrive here
			try := journal.Try{Next: now, Reason: err.Error(), Arrived: before}
			return errors.Join(j.MarkTried(ctx, d.ID, try), j.MoveChat(ctx, d.To, moved.To.String()))
		}
	case refused != nil && refused.Token:
		// Nobody is reachable until the token is replaced; nothing is lost.
		q.failed(ctx, err, true, &d)
		return func(ctx context.Context) error {
			return j.MarkTried(ctx, d.ID, journal.Try{Next: now, Reason: err.Error(), Arrived: before, Unclear: true})
		}
	case refused != nil && refused.Chat:
		return q.closing(d, refused.Reason, before)
	case isGone(err), no != nil && d.Edits != 0 && d.Attempt.Tries+1 >= editTries:
		return q.gone(ctx, d, err)
	case refused != nil, no != nil && d.Attempt.Tries+1 >= maxTries:
		return q.dropping(ctx, d, err)
	case no != nil:
		return q.retry(ctx, d, err, journal.Try{Next: now.Add(backoff(d, lastRetry)), Arrived: before})
	}
	return q.unclear(ctx, d, err, before)
}

// unclear settles a failure that may be the messenger's, the network's or a proxy's.
func (q *queue) unclear(ctx context.Context, d journal.Delivery, err error, before bool) func(context.Context) error {
	now := time.Now()
	try := journal.Try{Next: now.Add(backoff(d, lastRetry)), Arrived: before || mayHaveArrived(err), Unclear: true}
	if lost, ok := errors.AsType[*bot.Unclear](err); ok && lost.Arrived && !lost.Answered && d.Attempt.Tries+1 >= repeats {
		// Each repetition may be one more copy in the chat.
		try.Next, try.Unclear = now.Add(backoff(d, lastRepeat)), false
	}
	_, out := q.state.out()
	q.failed(ctx, err, false, &d)
	if !out && now.Sub(d.Attempt.Due) > giveUpAfter && d.Attempt.Tries >= maxTries {
		return q.dropping(ctx, d, err)
	}
	return q.retry(ctx, d, err, try)
}

// backoff is how long to wait before another try, at most longest.
func backoff(d journal.Delivery, longest time.Duration) time.Duration {
	return min(longest, firstRetry<<min(d.Attempt.Tries, 10))
}

// retry has a delivery tried again.
func (q *queue) retry(ctx context.Context, d journal.Delivery, err error, try journal.Try) func(context.Context) error {
	q.Log.WarnContext(ctx, "message not delivered yet", "chat", d.To, "delivery", d.ID, "tries", d.Attempt.Tries+1, "may_have_arrived", try.Arrived, "error", err)
	try.Reason, try.Counted = err.Error(), true
	try.Arrived = try.Arrived && d.Edits == 0 // an edit that is made twice does no harm
	return func(ctx context.Context) error { return q.Journal.MarkTried(ctx, d.ID, try) }
}

// dropping gives a delivery up, with a reason.
func (q *queue) dropping(ctx context.Context, d journal.Delivery, err error) func(context.Context) error {
	q.Log.ErrorContext(ctx, "message cannot be delivered, it is dropped", "chat", d.To, "kind", d.Kind,
		"tries", d.Attempt.Tries+1, "error", err)
	return func(ctx context.Context) error { return q.Journal.MarkDropped(ctx, d.ID, err.Error()) }
}

// arrived notes that a messenger accepted a delivery. A chat that was closed is open
// again.
func (q *queue) arrived(ctx context.Context, d journal.Delivery, ref string, now time.Time) error {
	err := q.Journal.MarkSent(ctx, d.ID, ref, now, q.details(d, ref)...)
	if err != nil || !q.wasClosed(placeOf(d.To)) {
		return err
	}
	return q.reopen(ctx, placeOf(d.To), now)
}

// incomplete notes that a message arrived without some of its files, which a message
// of its own says later.
func (q *queue) incomplete(ctx context.Context, d journal.Delivery, ref string, half *bot.Incomplete) func(context.Context) error {
	q.works(ctx)
	now := time.Now()
	return func(ctx context.Context) error {
		if err := q.Journal.Hold(ctx, placeOf(d.To), now.Add(half.After), half.Error()); err != nil {
			return err
		}
		note := journal.Delivery{To: d.To, Kind: d.Kind, Rank: d.Rank, ReplyTo: ref, Message: half.Note}
		if _, err := q.Journal.Enqueue(ctx, []journal.Delivery{note}); err != nil {
			return err
		}
		return q.arrived(ctx, d, ref, now)
	}
}

// heldPlace is what a request to wait holds for.
func (q *queue) heldPlace(d journal.Delivery, scope bot.Scope) string {
	switch scope {
	case bot.ScopeAll:
		return q.name
	case bot.ScopeEdits:
		return journal.EditsOf(q.name)
	}
	return placeOf(d.To)
}

// mayHaveArrived reports whether a message may have arrived although its sending
// failed. Of an error that does not say so it is assumed, unless no connection was
// made.
func mayHaveArrived(err error) bool {
	if unclear, ok := errors.AsType[*bot.Unclear](err); ok {
		return unclear.Arrived
	}
	op, ok := errors.AsType[*net.OpError](err)
	return !ok || op.Op != "dial"
}
