package boulder

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is what a request wants.
type Kind string

// The kinds of requests. An authorization that is written to is a KindDeactivate.
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

// kinds are the paths of the API; a slash at the end stands for all below.
var kinds = map[string]Kind{
	"/directory": KindDirectory, "/acme/new-nonce": KindNonce, "/acme/new-acct": KindNewAccount, "/acme/acct/": KindAccount,
	"/acme/new-order": KindNewOrder, "/acme/order/": KindOrder, "/acme/authz/": KindRead,
}

// kindOf finds what a request wants by its path, and the parts of the path below that.
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

// Request is one request as it came.
type Request struct {
	Kind   Kind
	URL    string // without what follows a question mark
	At     time.Time
	Status int // of the answer; 0: there was none (yet)
}

// Moment is a point in the life of a request.
type Moment struct {
	Request Request
	Done    bool // false: it has just come; true: it is carried out, and the answer not yet written
}

// requestLog remembers all requests in the order of their arrival.
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

// close notes how a request was answered, and gives a copy.
func (l *requestLog) close(r *Request, status int) Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Status = status
	return *r
}

// Requests lists the requests of these kinds, of all kinds when none is given.
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

// Count counts the requests of these kinds, of all kinds when none is given.
func (ca *CA) Count(kinds ...Kind) int { return len(ca.Requests(kinds...)) }

// Peak is the most requests of these kinds within any window of that length,
// by the CA's clock; its end is not in it.
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
