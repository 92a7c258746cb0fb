package boulder

import (
	"net/http"
	"strings"
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
	// TooMany answers 429 with RetryAfter (a minute when it is zero), and does nothing.
	TooMany
	// Internal answers 500 with a Retry-After of 60, and does nothing.
	Internal
	// InternalButDone carries the request out, then answers 500 with a Retry-After of 60.
	InternalButDone
	// Drop carries the request out, then closes the connection.
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
func (f Fault) before() *reply {
	switch f.Kind {
	case Unavailable:
		return overloaded(f.RetryAfter)
	case Cut:
		panic(http.ErrAbortHandler)
	}
	return nil
}

// instead is what a fault answers to a request whose signature is valid.
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

// Rate is what a load balancer lets through from one address. Zero: all.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Rates are the load balancer's, which stands before the CA and knows nothing
// of ACME. Each request counts for the most specific one.
type Rates struct {
	Directory, NewNonce, NewOrder, ACME Rate
}

// ProductionRates are those of 2026-08-05.
func ProductionRates() Rates {
	return Rates{Directory: Rate{40, 40}, NewNonce: Rate{20, 10}, NewOrder: Rate{300, 200}, ACME: Rate{250, 125}}
}

// balancer enforces the rates; all clients of the lab share an address.
type balancer struct {
	rates Rates
	mu    sync.Mutex
	due   map[string]time.Time
}

// pass reports whether a request may go on.
func (b *balancer) pass(path string, now time.Time) bool {
	group, rate := "acme", b.rates.ACME
	switch {
	case path == "/directory":
		group, rate = "directory", b.rates.Directory
	case path == "/acme/new-nonce":
		group, rate = "nonce", b.rates.NewNonce
	case path == "/acme/new-order":
		group, rate = "order", b.rates.NewOrder
	case !strings.HasPrefix(path, "/acme/"):
		return true
	}
	if rate.PerSecond == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	interval := time.Duration(float64(time.Second) / rate.PerSecond)
	due := later(b.due[group], now)
	if due.Sub(now) > time.Duration(rate.Burst)*interval {
		return false
	}
	b.due[group] = due.Add(interval)
	return true
}

// overloaded is a page for people; its words are nginx's.
func overloaded(after time.Duration) *reply {
	return &reply{status: http.StatusServiceUnavailable, retryAfter: max(after, time.Second), mime: "text/html",
		body: []byte("<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n" +
			"<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")}
}
