// Package boulder is a CA for tests and the demo that behaves like Boulder, the
// software of Let's Encrypt, with its limits, pauses and charges.
//
// It follows Boulder as of August 2026, and implements what Domovoy requests of
// a CA: reading and deactivating authorizations, and orders.
//
// # Two ways in
//
// Start listens on a TLS port of 127.0.0.1. New does not listen: Client calls
// the same handler without a socket, because a socket would keep the clock of a
// testing/synctest bubble from advancing. The handler uses a model. The methods
// Order, Validate, Deactivate and Issue do what a client does with signed
// requests, thousands of times a second; validating and issuing are possible
// only in this way, because Domovoy does neither. Comments say where the CA is
// simpler than Boulder.
//
// # Why not Pebble
//
// Pebble (github.com/letsencrypt/pebble/v2 v2.10.1) is the CA that Let's
// Encrypt offers for tests. Its handler with limits, pauses and charges as a
// layer in front cannot replace this package:
//
//   - Its only clock is time.Now, so a test cannot change its time. Created in a
//     bubble, it keeps the bubble from ending, because its validation goroutine
//     cannot be stopped; created before the bubble, it uses the real time.
//   - An authorization expires after an hour, which is a constant, and is still
//     returned as pending afterwards. Boulder answers that it is not found.
//   - A deactivation deactivates an invalid or expired authorization too.
//     Boulder answers the same, but changes only pending and valid ones, which
//     a client must find out by reading again.
//   - Reading a deactivated authorization never releases the locks of its
//     challenges.
//   - A second request for the same names gets a new order. Boulder returns
//     the first one, which is how Domovoy finds authorizations that no log
//     names. Boulder also answers a GET, and keeps no list of an account's orders.
//   - An order costs half a millisecond, because only a signed request makes
//     one. The histories of checks/budget are some 500,000 requests: minutes
//     instead of three seconds.
//   - Its settings are environment variables, so two CAs in one process cannot
//     have different ones.
//
// A layer that corrects this would have to store accounts, orders and
// authorizations itself. Only signatures and nonces of Pebble would be left,
// which are the 130 lines of jws.go. Tests with Pebble itself, as a second
// implementation of a CA, are in checks/acme/account and bot.
package boulder

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

// Options configures a CA; the zero value is Let's Encrypt's production without
// its load balancer.
type Options struct {
	Clock   func() time.Time // of limits, expiries, and the log of requests; nil: time.Now
	Limits  Limits           // nil: Production()
	Latency time.Duration    // before every answer, on the real clock (or the bubble's)
	Rates   Rates            // of the load balancer; zero: none
	Watch   func(Moment)     // called twice for each request, from its own goroutine; may be nil
}

// CA is one certificate authority.
type CA struct {
	url      string // "https://127.0.0.1:port", no slash at the end
	opts     Options
	model    *model
	nonces   nonces
	faults   faultList
	log      requestLog
	balancer balancer
	server   *httptest.Server // nil: the CA listens on no port
}

// New makes a CA that can be reached through Client only.
func New(o Options) *CA {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Limits == nil {
		o.Limits = Production()
	}
	ca := &CA{
		opts:     o,
		model:    newModel(o.Limits),
		nonces:   nonces{live: map[string]struct{}{}},
		balancer: balancer{rates: o.Rates, due: map[string]time.Time{}},
	}
	ca.setURL("https://acme.test")
	return ca
}

// Start makes a CA that listens on a port of 127.0.0.1.
func Start(o Options) (*CA, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a port for the lab's CA: %w", err)
	}
	ca := New(o)
	ca.setURL("https://" + listener.Addr().String())
	quiet := log.New(io.Discard, "", 0) // broken client connections are expected in the lab
	ca.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: ca, ErrorLog: quiet}}
	ca.server.StartTLS()
	return ca, nil
}

// Close closes the port, if there is one, and waits for the requests in
// progress, whose connections are closed.
func (ca *CA) Close() {
	if ca.server != nil {
		ca.server.CloseClientConnections()
		ca.server.Close()
	}
}

func (ca *CA) setURL(url string) { ca.url, ca.model.url = url, url }

// URL returns the CA's URL without a final slash.
func (ca *CA) URL() string { return ca.url }

// Directory returns the URL of the directory (RFC 8555 section 7.1.1).
func (ca *CA) Directory() string { return ca.url + "/directory" }

// RootPEM returns the certificate to trust for connections to the port; nil
// without a port.
func (ca *CA) RootPEM() []byte {
	if ca.server == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.server.Certificate().Raw})
}

// Client returns a client that calls the CA without a socket, in the caller's
// goroutine.
func (ca *CA) Client() *http.Client { return &http.Client{Transport: direct{ca}} }

type direct struct{ ca *CA }

// RoundTrip passes a request to the CA as a server would. If the handler
// aborts, the error is an unexpected end of the response.
func (d direct) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	out := httptest.NewRecorder()
	defer func() {
		trouble := recover()
		if trouble == nil {
			return
		}
		if cut, ok := trouble.(error); !ok || !errors.Is(cut, http.ErrAbortHandler) {
			panic(trouble)
		}
		answer, err = nil, io.ErrUnexpectedEOF
		if gone := r.Context().Err(); gone != nil {
			err = gone
		}
	}()
	d.ca.ServeHTTP(out, in)
	answer = out.Result()
	answer.Request = r
	return answer, nil
}
