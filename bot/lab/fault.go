package lab

import "sync"

// FaultKind is a way of treating a call badly.
type FaultKind int

// What a server can do instead of answering properly.
const (
	// TooManyRequests answers 429 and does nothing.
	TooManyRequests FaultKind = iota + 1
	// BadGateway answers 502 with an HTML page, as a balancer would, and does nothing.
	BadGateway
	// Hang says nothing until the client leaves, and does nothing.
	Hang
	// Drop carries the call out, then closes the connection instead of
	// answering: the client cannot know that it succeeded.
	Drop
	// Refuse answers the error given by the fault's Status and Text.
	Refuse
)

// Fault is how one call is to be treated.
type Fault struct {
	Kind       FaultKind
	RetryAfter int    // seconds, for TooManyRequests; zero means 1
	Status     int    // for Refuse; zero means 400 (Telegram) or 200 (Slack)
	Text       string // for Refuse: Telegram's description, Slack's error code
}

// faultList holds the faults that wait for their calls.
type faultList struct {
	mu      sync.Mutex
	waiting []waitingFault
}

type waitingFault struct {
	method string // empty for any
	left   int    // calls still to be treated so
	fault  Fault
}

// add makes the next n calls of a method (empty: of any method) meet a fault.
func (l *faultList) add(method string, n int, fault Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fault.RetryAfter = max(fault.RetryAfter, 1)
	l.waiting = append(l.waiting, waitingFault{method: method, left: n, fault: fault})
}

// next takes the fault for a call; its zero value is none.
func (l *faultList) next(method string) Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.waiting {
		w := &l.waiting[i]
		if w.left > 0 && (w.method == "" || w.method == method) {
			w.left--
			return w.fault
		}
	}
	return Fault{}
}

func (l *faultList) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = nil
}
