package lab

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"
)

// signal wakes all goroutines that wait for a change of the state beside it.
type signal struct {
	mu      sync.Mutex
	changed chan struct{} // nil while none waits
}

// listen returns a channel that is closed at the next send. Take it before reading
// the state, so that no change is missed.
func (b *signal) listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

func (b *signal) send() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// await calls look after each change until it returns true or the context ends.
func await[T any](ctx context.Context, b *signal, look func() (T, bool)) (T, error) {
	for {
		changed := b.listen()
		if found, ok := look(); ok {
			return found, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			var nothing T
			return nothing, context.Cause(ctx)
		}
	}
}

// Call is one API call.
type Call struct {
	Method string
	Params map[string]string // nested JSON values as their JSON text; no files
	At     time.Time
	Status int    // HTTP status of the response; 0 while there is none
	Error  string // the reason of a refusal; empty when the call succeeded
	Inside bool   // it came while the server had asked to wait
}

// callLog has all calls in the order of their arrival.
type callLog struct {
	mu      sync.Mutex
	changed signal
	calls   []*Call
}

func (l *callLog) open(call Call) *Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, &call)
	l.changed.send()
	return &call
}

func (l *callLog) close(call *Call, status int, problem string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	call.Status, call.Error = status, problem
	l.changed.send()
}

// list returns copies of the calls of a method; of all methods when it is empty.
func (l *callLog) list(method string) []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []Call
	for _, call := range l.calls {
		if method == "" || call.Method == method {
			c := *call
			c.Params = maps.Clone(call.Params)
			list = append(list, c)
		}
	}
	return list
}

func (l *callLog) wait(ctx context.Context, method string, n int) ([]Call, error) {
	calls, err := await(ctx, &l.changed, func() ([]Call, bool) {
		list := l.list(method)
		return list, len(list) >= n
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for %d calls of %q, saw %d: %w", n, method, len(l.list(method)), err)
	}
	return calls, nil
}

// FaultKind is a kind of failure.
type FaultKind int

// Failures that a server can simulate.
const (
	// TooManyRequests answers 429 and does nothing.
	TooManyRequests FaultKind = iota + 1
	// BadGateway answers 502 with an HTML page, as a load balancer would, and does
	// nothing.
	BadGateway
	// Hang sends nothing until the client disconnects, and does nothing.
	Hang
	// Drop carries the call out, then closes the connection without a response:
	// the client cannot know that the call succeeded.
	Drop
	// Refuse answers with the fault's Status and Text.
	Refuse
	// Page answers with an HTML page and the fault's Status, as a proxy or a portal
	// would, and does nothing.
	Page
	// Cut carries the call out, then sends the first half of the answer and closes
	// the connection.
	Cut
	// Reset is Drop with a TCP reset in place of an orderly end.
	Reset
	// Late carries the call out, and answers after the fault's After.
	Late
	// Twice carries the call out, and sends its answer twice.
	Twice
	// Gateway carries the call out, then answers 502 with an HTML page, as a load
	// balancer does that lost the answer.
	Gateway
)

// Fault is a failure of one call.
type Fault struct {
	Kind       FaultKind
	RetryAfter int           // seconds, for TooManyRequests; zero means 1
	Status     int           // for Refuse: zero means 400 (Telegram) or 200 (Slack); for Page: zero means 403
	After      time.Duration // for Late
	Chat       string        // only calls about this chat, or channel, fail; empty: all
	Text       string        // for Refuse: Telegram's description, Slack's error code
}

// faultList has the faults that no call has met yet.
type faultList struct {
	mu      sync.Mutex
	waiting []waitingFault
}

type waitingFault struct {
	method string // empty for any
	left   int    // number of calls that are to fail
	fault  Fault
}

// add makes the next n calls of a method (empty: of any method) fail.
func (l *faultList) add(method string, n int, fault Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fault.RetryAfter = max(fault.RetryAfter, 1)
	l.waiting = append(l.waiting, waitingFault{method: method, left: n, fault: fault})
}

// next removes and returns the fault for a call; the zero Fault is none.
func (l *faultList) next(method string, params map[string]string) Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.waiting {
		w := &l.waiting[i]
		about := w.fault.Chat == "" || w.fault.Chat == params["chat_id"] || w.fault.Chat == params["channel"]
		if w.left > 0 && about && (w.method == "" || w.method == method) {
			w.left--
			return w.fault
		}
	}
	return Fault{}
}

// limit is a rate limit: it returns how long to wait before one more call, and counts
// calls.
type limit interface {
	wait(now time.Time) time.Duration // zero: go ahead
	note(now time.Time)
}

// pace allows one call per interval on average, and a burst of calls at once.
type pace struct {
	interval time.Duration
	burst    int
	due      time.Time // when calls at the average rate would have reached the number so far
}

func (p *pace) wait(now time.Time) time.Duration {
	spare := time.Duration(p.burst-1) * p.interval
	return max(0, p.due.Add(-spare).Sub(now))
}

func (p *pace) note(now time.Time) {
	if p.due.Before(now) {
		p.due = now
	}
	p.due = p.due.Add(p.interval)
}

// window allows a number of calls within any period of its length.
type window struct {
	calls  int
	length time.Duration
	seen   []time.Time // at most calls entries, oldest first
}

func (w *window) wait(now time.Time) time.Duration {
	if len(w.seen) < w.calls {
		return 0
	}
	return max(0, w.seen[0].Add(w.length).Sub(now))
}

func (w *window) note(now time.Time) {
	if len(w.seen) == w.calls {
		w.seen = w.seen[1:]
	}
	w.seen = append(w.seen, now)
}

// admit counts a call if all limits allow it. It returns the seconds to wait, rounded
// up; zero means that the call is allowed.
func admit(now time.Time, limits ...limit) int {
	var longest time.Duration
	for _, l := range limits {
		longest = max(longest, l.wait(now))
	}
	if longest > 0 {
		return int((longest + time.Second - 1) / time.Second)
	}
	for _, l := range limits {
		l.note(now)
	}
	return 0
}
