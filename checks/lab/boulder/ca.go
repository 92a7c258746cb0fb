// Package boulder is a certificate authority for tests which behaves like Let's Encrypt's Boulder.
package boulder

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// Pebble, the CA that Let's Encrypt offers for tests, has no rate limits, no
// pausing, no charge for a deactivation, and lists an account's orders. What a
// client has to do about these can be judged only by a CA that has Boulder's
// ways; this one is written from what Boulder says and does (its state of
// August 2026), and imports nothing else of this module.
//
// A CA has two doors. Start opens a TLS port on loopback; Client and Transport
// lead to the same handlers without a socket, which is what tests in virtual
// time need. Below them lies the model: everything a request can do can be
// done by a method as well, thousands of times a second.
//
// Where the CA is stricter or simpler than Boulder, a comment says so.

// Options say what a CA is like; the zero value is Let's Encrypt's production.
type Options struct {
	Clock     func() time.Time   // of limits, expiries, and the log of requests; nil: time.Now
	Limits    Limits             // nil: Production()
	Profiles  map[string]Profile // by name, "" for an order that names none; nil: Profiles()
	Latency   time.Duration      // before every answer, by the real (or the bubble's) clock
	Rates     Rates              // of the load balancer; zero: none
	Jitter    func() float64     // 0 to 1: which share of the 3 % a Retry-After is too long by; nil: none
	Forbidden []string           // names that policy refuses
	Watch     func(Moment)       // told of each request twice, from its own goroutine; nil: nobody
}

// CA is one certificate authority.
type CA struct {
	url    string // "https://127.0.0.1:port", no slash at the end
	opts   Options
	model  *model
	nonces *nonces
	issuer *issuer
	faults faultList
	log    requestLog
	front  balancer
	port   *port // nil: there is none
}

// New makes a CA that is reached by Client or Transport only, for tests in
// virtual time: a socket would keep a bubble's clock from moving.
func New(o Options) *CA {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Limits == nil {
		o.Limits = Production()
	}
	if o.Profiles == nil {
		o.Profiles = Profiles()
	}
	ca := &CA{
		opts:   o,
		model:  newModel(o),
		nonces: newNonces(),
		issuer: &issuer{},
		front:  balancer{rates: o.Rates, due: map[string]time.Time{}},
	}
	ca.locate("https://acme.test")
	return ca
}

// locate says where the CA, and the page for people, is found.
func (ca *CA) locate(url string) { ca.url, ca.model.sfe = url, url }

// URL is where the CA is, without a slash at its end.
func (ca *CA) URL() string { return ca.url }

// Directory is the URL that a client begins with (RFC 8555 section 7.1.1).
func (ca *CA) Directory() string { return ca.url + "/directory" }

// port is a server whose close waits for all that it started.
type port struct {
	server *http.Server
	stop   context.CancelFunc
	work   sync.WaitGroup
}

// Start makes a CA, and opens a port of 127.0.0.1 for it.
func Start(o Options) (*CA, error) {
	ca := New(o)
	listener, err := ca.listen()
	if err != nil {
		return nil, err
	}
	ca.locate("https://" + listener.Addr().String())
	base, stop := context.WithCancel(context.Background())
	p := &port{stop: stop}
	p.server = &http.Server{
		Handler:     ca,
		BaseContext: func(net.Listener) context.Context { return base },
		ConnState:   p.count,
		ErrorLog:    log.New(io.Discard, "", 0), // broken clients are what the lab is for
	}
	p.work.Go(func() { _ = p.server.Serve(listener) }) // always ErrServerClosed
	ca.port = p
	return ca, nil
}

// Close closes the port, if there is one, and waits for what goes on.
func (ca *CA) Close() {
	if ca.port == nil {
		return
	}
	ca.port.stop()
	_ = ca.port.server.Close() // a listener that is closed already is no news
	ca.port.work.Wait()
}

// count keeps Close waiting for each connection. StateNew is reported by the
// accepting goroutine, which is counted itself, so Add never races with Wait.
func (p *port) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		p.work.Add(1)
	case http.StateClosed, http.StateHijacked:
		p.work.Done()
	}
}

// Client comes to the CA without a socket; the CA runs in the caller's goroutine.
func (ca *CA) Client() *http.Client { return &http.Client{Transport: ca.Transport()} }

// Transport is what Client goes through.
func (ca *CA) Transport() http.RoundTripper { return transport{ca} }

type transport struct{ ca *CA }

// RoundTrip hands a request to the CA as a server would.
func (t transport) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.TLS = r.URL.RequestURI(), "127.0.0.1:1", &tls.ConnectionState{}
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	out := &recorder{header: http.Header{}}
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
	t.ca.ServeHTTP(out, in)
	return out.response(r), nil
}

// recorder keeps an answer until the client reads it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) { w.status = status }

func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }

func (w *recorder) response(r *http.Request) *http.Response {
	body := w.body.Bytes()
	if r.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}
}

// issuer is the root that signs the port's certificate as well as those that
// orders are finalized with. It is made when it is first needed.
type issuer struct {
	once sync.Once
	root *x509.Certificate
	key  *ecdsa.PrivateKey
	err  error
}

func (i *issuer) ready() error {
	i.once.Do(func() {
		if i.key, i.err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); i.err != nil {
			return
		}
		root := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Boulder of the lab"},
			NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), // good by every test's clock
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
		var der []byte
		if der, i.err = x509.CreateCertificate(rand.Reader, root, root, &i.key.PublicKey, i.key); i.err == nil {
			i.root, i.err = x509.ParseCertificate(der)
		}
	})
	return i.err
}

// sign makes a certificate for names or addresses; DER.
func (i *issuer) sign(leaf *x509.Certificate, key crypto.PublicKey) ([]byte, error) {
	if err := i.ready(); err != nil {
		return nil, fmt.Errorf("making the lab's root: %w", err)
	}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return x509.CreateCertificate(rand.Reader, leaf, i.root, key, i.key)
}

// RootPEM is the certificate to trust when coming through the port.
func (ca *CA) RootPEM() []byte {
	if ca.issuer.ready() != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.issuer.root.Raw})
}

// Roots is RootPEM as a pool.
func (ca *CA) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	if ca.issuer.ready() == nil {
		pool.AddCert(ca.issuer.root)
	}
	return pool
}

// listen opens the port.
func (ca *CA) listen() (net.Listener, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the lab's key: %w", err)
	}
	der, err := ca.issuer.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
	}, &key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("making the lab's certificate: %w", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return nil, fmt.Errorf("listening on loopback: %w", err)
	}
	return listener, nil
}
