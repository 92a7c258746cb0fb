package outbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"domovoy/bot"
	"domovoy/bot/internal/work"
	"domovoy/reports/journal"
)

// Paces of finding out whether a messenger works again.
const (
	firstProbe = time.Second
	probeEvery = 2 * time.Second
	tokenEvery = 15 * time.Second // a refused token is replaced by a person

	// One that hangs when the messenger comes back is to be followed soon by another;
	// but the way may be slow, so every fifth has more time.
	probeBound = 2500 * time.Millisecond
	slowBound  = 15 * time.Second
	slowEvery  = 5
)

// probeKey is the job that probes a messenger. No chat is called so.
const probeKey = "probe"

// doubtTries is after how many failures of the most important message a second one
// is tried at once: the first may be what fails.
const doubtTries = 3

// stage is what may be sent to a messenger.
type stage int

const (
	stageWell   stage = iota // everything
	stageOut                 // nothing: it failed, and is probed
	stageHalf                // one message: the probe succeeded
	stageTrying              // nothing: that one is under way
)

// breaker keeps a messenger that does not work from being called for each chat. It
// is safe for concurrent use.
type breaker struct {
	mu     sync.Mutex
	stage  stage
	since  time.Time // when it began to fail; zero: it works
	next   time.Time // of the next probe
	reason string
	token  bool
	failed int   // probes and trials that failed
	second int64 // the delivery beside which another is to be tried; 0: none
}

// look returns the stage, and in stageOut how long to wait until the next probe.
func (b *breaker) look(now time.Time) (time.Duration, stage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next.Sub(now), b.stage
}

// recall continues an outage that an earlier run noted.
func (b *breaker) recall(o journal.Outage, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stage, b.since, b.next, b.reason, b.token = stageOut, o.Since, now, o.Reason, o.Token
}

// out returns the outage that is under way.
func (b *breaker) out() (o journal.Outage, is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return journal.Outage{Since: b.since, Reason: b.reason, Token: b.token}, b.stage != stageWell
}

// fail notes a failure that may be the messenger's, of a delivery if d is not nil. It
// reports whether this begins an outage, or changes why it lasts.
func (b *breaker) fail(now time.Time, err error, token bool, d *journal.Delivery) (news bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	news = b.stage == stageWell || b.token != token
	b.reason, b.token = wordsOf(err), token
	before, second := b.stage, b.second
	b.stage, b.second = stageOut, 0
	if d != nil && !token && d.Attempt.Tries+1 >= doubtTries {
		b.second = d.ID // it may be the one that fails
	}
	switch {
	case before == stageTrying && second == 0 && b.second != 0:
		b.stage = stageHalf // at once
		b.failed++
	case before == stageWell:
		b.since, b.failed, b.next = now, 0, now.Add(firstProbe)
	default:
		b.failed++
		b.next, b.second = now.Add(probeEvery), 0
	}
	if token {
		b.next = now.Add(tokenEvery)
	}
	return news
}

// wordsOf is the messenger's own word for a refusal, from which errorOf makes the same
// error after a restart; else the error as it is.
func wordsOf(err error) string {
	if refused, ok := errors.AsType[*bot.Permanent](err); ok {
		return refused.Reason
	}
	return err.Error()
}

// half lets one message through, but not the one that failed just now if it may be
// the reason.
func (b *breaker) half() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stage != stageWell {
		b.stage = stageHalf
	}
}

// skipped is the delivery that may not be the one message: it failed just now; 0:
// none.
func (b *breaker) skipped() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.second
}

// trying takes the one message's turn.
func (b *breaker) trying() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stage = stageTrying
}

// patience is how long the next probe may take.
func (b *breaker) patience() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed%slowEvery == slowEvery-1 {
		return slowBound
	}
	return probeBound
}

// undecided gives the turn back if the one message's end said nothing about the
// messenger.
func (b *breaker) undecided() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stage == stageTrying {
		b.stage = stageHalf
	}
}

// well notes that the messenger works. It reports whether that is news, and whether
// what failed with it is to be hurried.
func (b *breaker) well() (news, hurry bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	news, hurry = b.stage != stageWell, b.failed > 0 && b.second == 0
	b.stage, b.since, b.failed, b.second, b.token = stageWell, time.Time{}, 0, 0, false
	return news, hurry
}

// probe asks the messenger whether it works again, if it can be asked.
func (q *queue) probe(ctx context.Context) {
	p, ok := q.receiver.(bot.Prober)
	if !ok {
		q.state.half()
		return
	}
	bounded, cancel := context.WithTimeout(ctx, q.state.patience())
	defer cancel()
	err := p.Probe(bounded)
	if ctx.Err() != nil {
		return
	}
	_, wait := errors.AsType[*bot.RetryAfter](err)
	if err == nil || wait {
		q.state.half()
		return
	}
	refused, is := errors.AsType[*bot.Permanent](err)
	q.failed(ctx, err, is && refused.Token, nil)
}

// tryOne sends the most important message, whenever its next try was planned. If
// nothing waits, the messenger counts as working.
func (q *queue) tryOne(ctx context.Context, now time.Time) (time.Duration, error) {
	skip := q.state.skipped()
	due, err := q.journalDue(ctx, now, true, skip, nil)
	if err != nil {
		return 0, err
	}
	if len(due) > 0 {
		if later := q.pace.wait(headOf(due[0]), now, 0); later > 0 {
			return later, nil
		}
		q.state.trying()
		q.start(ctx, due[0])
		return work.Idle, nil
	}
	if skip != 0 { // there is no second one
		q.state.fail(now, errors.New("nothing arrives"), false, nil)
		return probeEvery, nil
	}
	wait, err := q.untilNext(ctx, now, work.Idle)
	if err != nil || wait < work.Idle {
		return wait, err
	}
	q.works(ctx)
	return time.Millisecond, nil
}

// failed notes a failure that may be the messenger's, of a delivery if d is not nil.
func (q *queue) failed(ctx context.Context, err error, token bool, d *journal.Delivery) {
	if q.receiver == nil || !q.state.fail(time.Now(), err, token, d) {
		return
	}
	q.Log.WarnContext(ctx, "messenger does not work", "messenger", q.server(), "token_refused", token, "error", err)
	o, _ := q.state.out()
	o.Messenger = q.server()
	_ = work.UntilStored(ctx, q.Log, func(ctx context.Context) error { return q.Journal.KeepOutage(ctx, o) })
	if token {
		q.tellToken(ctx, o)
	}
}

// works notes that the messenger answered.
func (q *queue) works(ctx context.Context) {
	news, hurry := q.state.well()
	if !news {
		return
	}
	q.Log.InfoContext(ctx, "messenger works again", "messenger", q.server())
	_ = work.UntilStored(ctx, q.Log, func(ctx context.Context) error { return q.Journal.EndOutage(ctx, q.server(), time.Now(), hurry) })
}
