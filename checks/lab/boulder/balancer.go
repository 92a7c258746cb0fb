package boulder

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Rate is what a load balancer lets through from one address. Zero: all.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Rates are the load balancer's, which stands before the CA and knows nothing
// of ACME. Each request counts for the most special one.
type Rates struct {
	Directory, NewNonce, NewOrder, ACME Rate
}

// ProductionRates are those of 2026-08-05.
func ProductionRates() Rates {
	return Rates{Directory: Rate{40, 40}, NewNonce: Rate{20, 10}, NewOrder: Rate{300, 200}, ACME: Rate{250, 125}}
}

// StagingRates are those of 2026-04-10, where they are known.
func StagingRates() Rates {
	r := ProductionRates()
	r.ACME = Rate{20, 20}
	return r
}

// balancer keeps the rates; all clients of the lab share an address.
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
			"<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"),
		problem: "503 by the load balancer"}
}
