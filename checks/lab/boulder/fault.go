package boulder

import (
	"net/http"
	"sync"
	"time"
)

// FaultKind is a way of treating a request badly.
type FaultKind int

// What the CA can do instead of answering properly.
const (
	// Unavailable is the load balancer's 503: an HTML page with a Retry-After.
	Unavailable FaultKind = iota + 1
	// Cut closes the connection before anything is done.
	Cut
	// Hang says nothing until the client leaves, and does nothing.
	Hang
	// TooMany answers 429 with RetryAfter (a minute when it is zero), and does nothing.
	TooMany
	// Internal answers 500 with a Retry-After of 60, and does nothing.
	Internal
	// InternalButDone does it, then answers 500 with a Retry-After of 60.
	InternalButDone
	// Drop does it, then closes the connection.
	Drop
	// StaleNonce answers that the nonce is bad.
	StaleNonce
	// Refuse answers the fault's Problem, and does nothing.
	Refuse
)

// Fault is how one request is to be treated.
type Fault struct {
	Kind       FaultKind
	RetryAfter time.Duration // for Unavailable, TooMany
	Problem    *Problem      // for Refuse
}

// faultList holds the faults that wait for their requests.
type faultList struct {
	mu      sync.Mutex
	waiting []*waitingFault
}

type waitingFault struct {
	kind  Kind // empty: any
	left  int
	fault Fault
}

// Fail makes the next n requests of a kind (empty: of any) meet a fault. Of
// several faults that wait for the same requests the first comes first.
func (ca *CA) Fail(kind Kind, n int, fault Fault) {
	ca.faults.mu.Lock()
	defer ca.faults.mu.Unlock()
	ca.faults.waiting = append(ca.faults.waiting, &waitingFault{kind, n, fault})
}

// Heal forgets the faults that still wait.
func (ca *CA) Heal() {
	ca.faults.mu.Lock()
	defer ca.faults.mu.Unlock()
	ca.faults.waiting = nil
}

// next takes the fault for a request; its zero value is none.
func (l *faultList) next(kind Kind) Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.waiting {
		if w.left > 0 && (w.kind == "" || w.kind == kind) {
			w.left--
			return w.fault
		}
	}
	return Fault{}
}

// before is what a fault does to a request that nobody has read yet.
func (f Fault) before(r *http.Request) *reply {
	switch f.Kind {
	case Unavailable:
		return overloaded(f.RetryAfter)
	case Cut:
		panic(http.ErrAbortHandler)
	case Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	return nil
}

// instead is what a fault answers to a request that was found good.
func (f Fault) instead() *Problem {
	switch f.Kind {
	case TooMany:
		p := NewProblem(http.StatusTooManyRequests, "rateLimited", "Service busy; retry later.")
		if p.RetryAfter = f.RetryAfter; f.RetryAfter == 0 {
			p.RetryAfter = time.Minute
		}
		return p
	case Internal:
		return serverInternal("Problem getting authorization")
	case StaleNonce:
		return badNonce()
	case Refuse:
		return f.Problem
	}
	return nil
}
