package outbox

import (
	"context"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/bot/internal/work"
	"domovoy/reports/journal"
)

// How many chats of one receiver are sent to at once. Answers leave room for
// alerts, however slow the receiver is.
const (
	slots       = 32
	answerSlots = 24
)

// looked is how many chats are looked at for one that may be sent to.
const looked = 256

// answerTurn is how many other messages in a row a chat is sent before an answer has
// its turn.
const answerTurn = 3

// queue is what is sent to one receiver: one delivery a chat at a time.
type queue struct {
	*Outbox
	name     string
	receiver bot.Receiver // nil: there is none
	which    journal.Queue
	except   []string // chats with queues of their own
	pool     *work.Pool
	pace     *pacer
	state    *breaker
	others   map[string]int // by chat: messages in a row that were no answers; used by fill alone

	mu     sync.Mutex
	closed map[string]bool      // chats that refuse us, as far as this process knows
	waits  map[string]time.Time // when each chat was last asked to wait
}

func (o *Outbox) newQueue(name string, which journal.Queue) *queue {
	q := &queue{Outbox: o, name: name, receiver: o.Receivers[name], which: which, others: map[string]int{}, closed: map[string]bool{}, waits: map[string]time.Time{},
		pool: work.NewPool(slots, bot.NewSignal(), o.Log), state: &breaker{}}
	var limits bot.Limits
	if paced, ok := q.receiver.(bot.Paced); ok {
		limits = paced.Limits()
	}
	q.pace = newPacer(limits)
	return q
}

// server names what the queue's breaker is about.
func (q *queue) server() string {
	if q.which.Place != "" {
		return q.which.Place
	}
	return q.name
}

// fill begins as many deliveries as there is room for, and returns how long to
// wait until another can be due.
func (q *queue) fill(ctx context.Context) (time.Duration, error) {
	if q.pool.Room() == 0 {
		return work.Idle, nil // the end of one wakes us
	}
	now := time.Now()
	switch wait, stage := q.state.look(now); {
	case stage == stageOut && wait > 0:
		return wait, nil
	case stage == stageOut:
		if !q.pool.Busy(probeKey) {
			q.pool.Start(probeKey, "", func() { q.probe(ctx) })
		}
		return work.Idle, nil // its end wakes us
	case stage == stageTrying:
		return work.Idle, nil // the end of the trial wakes us
	case stage == stageHalf:
		return q.tryOne(ctx, now)
	}
	sel := &selection{queue: q, now: now, kinds: map[string]int{}, wait: work.Idle}
	due, err := q.journalDue(ctx, now, false, 0, sel.choose)
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		if later := q.pace.wait(headOf(d), now, 0); later > 0 { // those before it took more calls than one
			sel.wait = min(sel.wait, later)
			continue
		}
		q.countTurn(d)
		q.start(ctx, d)
	}
	return q.untilNext(ctx, now, sel.wait)
}

// journalDue reads the chosen ones of those that are due, without the delivery skip and
// the data of files. eager includes what waits for another try because the messenger
// failed.
func (q *queue) journalDue(ctx context.Context, now time.Time, eager bool, skip int64, choose func(journal.Head) bool) ([]journal.Delivery, error) {
	q.which.Busy, q.which.Answers, q.which.Eager, q.which.Skip, q.which.Bare, q.which.Choose = append(q.pool.Keys(), q.except...), nil, eager, skip, true, choose
	for place, n := range q.others {
		if n >= answerTurn && !eager {
			q.which.Answers = append(q.which.Answers, place)
		}
	}
	return q.Journal.Due(ctx, now, q.which, looked)
}

// untilNext is how long to wait for what is not due yet, at most wait.
func (q *queue) untilNext(ctx context.Context, now time.Time, wait time.Duration) (time.Duration, error) {
	q.which.Busy = append(q.pool.Keys(), q.except...)
	next, ok, err := q.Journal.NextDue(ctx, q.which, now)
	if err != nil || !ok {
		return wait, err
	}
	return min(wait, max(time.Millisecond, next.Sub(now))), nil
}

// start begins a delivery.
func (q *queue) start(ctx context.Context, d journal.Delivery) {
	q.pace.take(d, time.Now())
	q.pool.Start(placeOf(d.To), d.Kind, func() {
		q.carryOut(ctx, d)
		q.state.undecided()
	})
}

// countTurn counts the messages in a row that were no answers.
func (q *queue) countTurn(d journal.Delivery) {
	place := placeOf(d.To)
	if q.others[place]++; d.Kind == journal.AnswerKind {
		delete(q.others, place)
	}
}

// carryOut carries one delivery out. The chat stays busy until the end is
// noted, so that nothing is sent again because the journal could not be
// written.
func (q *queue) carryOut(ctx context.Context, d journal.Delivery) {
	if err := q.deliver(ctx, d, q.storing(d)); err != nil && ctx.Err() == nil {
		q.Log.ErrorContext(ctx, "cannot record the delivery", "chat", d.To, "delivery", d.ID, "error", err)
	}
}

// storing makes changes of the journal until they succeed.
func (q *queue) storing(d journal.Delivery) storing {
	log := q.Log.With("chat", d.To, "delivery", d.ID)
	return func(ctx context.Context, change func(context.Context) error) error {
		return work.UntilStored(ctx, log, change)
	}
}

func (q *queue) setClosed(place string, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed[place] = closed
}

func (q *queue) wasClosed(place string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed[place]
}

// A messenger that asks several chats to wait at once means all of them: its answer
// does not say so.
const (
	asked       = 3
	askedWithin = 5 * time.Second
)

// askedToWait notes that a chat was asked to wait, and reports whether the messenger
// as a whole seems to be meant.
func (q *queue) askedToWait(place string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waits[place] = now
	for p, at := range q.waits {
		if now.Sub(at) > askedWithin {
			delete(q.waits, p)
		}
	}
	return len(q.waits) >= asked
}
