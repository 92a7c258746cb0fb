package boulder

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is the kind of a request.
type Kind string

// The kinds of requests. A POST with a payload to an authorization is a
// KindDeactivate.
const (
	KindDirectory  Kind = "directory"
	KindNonce      Kind = "newNonce"
	KindNewAccount Kind = "newAccount"
	KindAccount    Kind = "account"
	KindNewOrder   Kind = "newOrder"
	KindOrder      Kind = "order"
	KindRead       Kind = "authorization"
	KindDeactivate Kind = "deactivate"
	KindOther      Kind = "other"
)

// kinds are the paths of the API; one with a final slash matches everything
// below it.
var kinds = map[string]Kind{
	"/directory": KindDirectory, "/acme/new-nonce": KindNonce, "/acme/new-acct": KindNewAccount, "/acme/acct/": KindAccount,
	"/acme/new-order": KindNewOrder, "/acme/order/": KindOrder, "/acme/authz/": KindRead,
}

// kindOf returns the kind of a request by its path, and the parts of the path
// after that.
func kindOf(r *http.Request, payload []byte) (kind Kind, below []string) {
	for path, kind := range kinds {
		rest, ok := strings.CutPrefix(r.URL.Path, path)
		if !ok || rest != "" && !strings.HasSuffix(path, "/") {
			continue
		}
		if kind == KindRead && len(payload) > 0 {
			kind = KindDeactivate
		}
		return kind, strings.Split(rest, "/")
	}
	return KindOther, nil
}

// Request is one request as received.
type Request struct {
	Kind   Kind
	URL    string // without the query
	From   string // address and port of the client
	At     time.Time
	Status int // of the response; 0: none (yet)
}

// Moment is a point in the processing of a request.
type Moment struct {
	Request Request
	Done    bool // false: just received; true: processed, but the response not yet written
}

// requestLog records all requests in order of arrival.
type requestLog struct {
	mu   sync.Mutex
	list []*Request
}

func (l *requestLog) open(r Request) *Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, &r)
	return &r
}

// close records the status of a request's response, and returns a copy.
func (l *requestLog) close(r *Request, status int) Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Status = status
	return *r
}

// Requests returns the requests of these kinds, or all if none is given.
func (ca *CA) Requests(kinds ...Kind) []Request {
	ca.log.mu.Lock()
	defer ca.log.mu.Unlock()
	var list []Request
	for _, r := range ca.log.list {
		if len(kinds) == 0 || slices.Contains(kinds, r.Kind) {
			list = append(list, *r)
		}
	}
	return list
}

// Count returns the number of requests of these kinds, or of all if none is
// given.
func (ca *CA) Count(kinds ...Kind) int { return len(ca.Requests(kinds...)) }

// Peak returns the highest number of requests of these kinds within any window
// of the given length, excluding its end, by the CA's clock.
func (ca *CA) Peak(window time.Duration, kinds ...Kind) int {
	list := ca.Requests(kinds...)
	slices.SortFunc(list, func(a, b Request) int { return a.At.Compare(b.At) })
	peak, first := 0, 0
	for i, r := range list {
		for !list[first].At.Add(window).After(r.At) {
			first++
		}
		peak = max(peak, i-first+1)
	}
	return peak
}
