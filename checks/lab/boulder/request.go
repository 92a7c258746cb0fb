package boulder

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is what a request wants.
type Kind string

// The kinds of requests. An authorization that is written to is a Deactivation's.
const (
	KindDirectory   Kind = "directory"
	KindNonce       Kind = "newNonce"
	KindNewAccount  Kind = "newAccount"
	KindAccount     Kind = "account"
	KindNewOrder    Kind = "newOrder"
	KindOrder       Kind = "order"
	KindRead        Kind = "authorization"
	KindDeactivate  Kind = "deactivate"
	KindChallenge   Kind = "challenge"
	KindFinalize    Kind = "finalize"
	KindCertificate Kind = "certificate"
	KindRenewal     Kind = "renewalInfo"
	KindUnpause     Kind = "unpause" // a page for people: no program opens it
	KindOther       Kind = "other"
)

// kinds are the paths of the API; a slash at the end stands for all below.
var kinds = map[string]Kind{
	"/directory": KindDirectory, "/acme/new-nonce": KindNonce, "/acme/new-acct": KindNewAccount, "/acme/acct/": KindAccount,
	"/acme/new-order": KindNewOrder, "/acme/order/": KindOrder, "/acme/authz/": KindRead, "/acme/chall/": KindChallenge,
	"/acme/finalize/": KindFinalize, "/acme/cert/": KindCertificate, "/acme/renewal-info/": KindRenewal, unpausePath: KindUnpause,
}

// kindOf finds what a request wants by its path, and what stands below it.
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
	Kind    Kind
	Method  string
	URL     string // without what follows a question mark
	Account int64  // who signed it; 0: nobody, or it was not looked at
	At      time.Time
	Status  int    // of the answer; 0: there was none (yet)
	Problem string // its detail; empty: there was none
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

// close notes how a request went, and gives a copy.
func (l *requestLog) close(r *Request, account int64, status int, problem string) Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Account, r.Status, r.Problem = account, status, problem
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

// Counts counts all requests by kind.
func (ca *CA) Counts() map[Kind]int {
	counts := map[Kind]int{}
	for _, r := range ca.Requests() {
		counts[r.Kind]++
	}
	return maps.Clone(counts)
}

// Peak is the most requests of these kinds within any stretch of time of that
// length, by the CA's clock; its end is not in it.
func (ca *CA) Peak(stretch time.Duration, kinds ...Kind) int {
	list := ca.Requests(kinds...)
	slices.SortFunc(list, func(a, b Request) int { return a.At.Compare(b.At) })
	peak, first := 0, 0
	for i, r := range list {
		for !list[first].At.Add(stretch).After(r.At) {
			first++
		}
		peak = max(peak, i-first+1)
	}
	return peak
}

// UnpauseOpened counts how often the page was opened that only people may open.
func (ca *CA) UnpauseOpened() int { return ca.Count(KindUnpause) }
