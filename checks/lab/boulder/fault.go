package boulder

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// FaultKind is a kind of fault in answering a request.
type FaultKind int

// The kinds of faults.
const (
	// Unavailable is a load balancer's 503: an HTML page with Retry-After.
	Unavailable FaultKind = iota + 1
	// Cut closes the connection before the request is processed.
	Cut
	// TooMany answers 429 with RetryAfter (a minute if it is zero) without
	// processing the request.
	TooMany
	// Internal answers 500 with a Retry-After of 60 seconds without processing
	// the request.
	Internal
	// InternalButDone processes the request, then answers 500 with a
	// Retry-After of 60 seconds.
	InternalButDone
	// Drop processes the request, then closes the connection.
	Drop
	// StaleNonce answers that the nonce is invalid.
	StaleNonce
	// Refuse answers with the fault's Problem without processing the request.
	Refuse
)

// Fault says how one request is answered.
type Fault struct {
	Kind       FaultKind
	RetryAfter time.Duration // for Unavailable, TooMany
	Problem    *Problem      // for Refuse
}

// faultList holds the faults for future requests.
type faultList struct {
	mu      sync.Mutex
	waiting []*waitingFault
}

type waitingFault struct {
	kind  Kind // empty: any
	left  int
	fault Fault
}

// Fail makes the next n requests of a kind (empty: of any) fail. If several
// faults apply to a request, the one that was added first is used.
func (ca *CA) Fail(kind Kind, n int, fault Fault) {
	ca.faults.mu.Lock()
	defer ca.faults.mu.Unlock()
	ca.faults.waiting = append(ca.faults.waiting, &waitingFault{kind, n, fault})
}

// next removes and returns the fault for a request; its zero value means none.
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

// before returns the answer of a fault that applies before the request is
// parsed.
func (f Fault) before() *reply {
	switch f.Kind {
	case Unavailable:
		return overloaded(f.RetryAfter)
	case Cut:
		panic(http.ErrAbortHandler)
	}
	return nil
}

// instead returns the answer of a fault to a request whose signature is valid.
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

// Rate is what a load balancer allows one address; zero: unlimited.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Rates are those of the load balancer in front of the CA, which does not know
// ACME. Each request counts for the most specific one.
type Rates struct {
	Directory, NewNonce, NewOrder, ACME Rate
}

// ProductionRates returns those of 2026-08-05.
func ProductionRates() Rates {
	return Rates{Directory: Rate{40, 40}, NewNonce: Rate{20, 10}, NewOrder: Rate{300, 200}, ACME: Rate{250, 125}}
}

// balancer enforces the rates; all clients of the lab have the same address.
type balancer struct {
	rates Rates
	mu    sync.Mutex
	due   map[string]time.Time
}

// pass reports whether a request is let through.
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

// overloaded is an HTML page with nginx's text.
func overloaded(after time.Duration) *reply {
	return &reply{status: http.StatusServiceUnavailable, retryAfter: max(after, time.Second), mime: "text/html",
		body: []byte("<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n" +
			"<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")}
}
