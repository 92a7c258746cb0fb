package acme

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"domovoy/checks"
)

// maxDirectory bounds how many bytes of a directory are read; Let's Encrypt's
// has less than a kilobyte.
const maxDirectory = 64 << 10

// request is one request for the directory and the state that it reached. The
// transport calls back from goroutines of its own.
type request struct {
	egress    *Egress
	transport *http.Transport

	mu       sync.Mutex
	address  string // of the connection: the CA's, or the proxy's
	tunnel   bool   // the proxy opened the tunnel
	secured  bool   // the TLS handshake succeeded, certificate verified
	answered int    // the proxy's status, if it refused
}

// obstacle is what stopped a request.
type obstacle struct {
	stage  Stage
	status int // of an HTTP answer, the proxy's or the CA's; 0: none
	err    error
	body   string // beginning of the response that is not a directory
}

func newTrip(e *Egress) *request {
	t := &request{egress: e}
	t.transport = &http.Transport{
		DialContext:            t.dial,
		TLSClientConfig:        &tls.Config{RootCAs: e.opts.Roots, MinVersion: tls.VersionTLS12, VerifyConnection: t.verified},
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: maxDirectory,
	}
	if e.proxy != nil {
		t.transport.Proxy = http.ProxyURL(e.proxy)
		t.transport.OnProxyConnectResponse = t.proxied
	}
	return t
}

// dial records the address that it connected to.
func (t *request) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Resolver: t.egress.opts.Resolver}).DialContext(ctx, network, address)
	if err == nil {
		t.mu.Lock()
		t.address = conn.RemoteAddr().String()
		t.mu.Unlock()
	}
	return conn, err
}

// proxied records the proxy's status, which the transport would drop.
func (t *request) proxied(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tunnel = answer.StatusCode == http.StatusOK
	if !t.tunnel {
		t.answered = answer.StatusCode
	}
	return nil
}

// verified is called for the proxy's connection too, if the proxy uses TLS.
func (t *request) verified(state tls.ConnectionState) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secured = t.secured || state.ServerName == t.egress.directory.Hostname() && (t.egress.proxy == nil || t.tunnel || t.egress.socks())
	return nil
}

func (t *request) reached() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.address
}

// get fetches the directory; nil: it is valid.
func (t *request) get(ctx context.Context) *obstacle {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.egress.directory.String(), nil)
	if err != nil {
		return &obstacle{stage: StageHTTP, err: err}
	}
	request.Header.Set("User-Agent", "domovoy") // RFC 8555 section 6.1 requires one
	client := &http.Client{Transport: t.transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // an ACME directory does not redirect, a captive portal does
	}}
	answer, err := client.Do(request)
	if err != nil {
		return t.stopped(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxDirectory))
	b := &obstacle{stage: StageHTTP, status: answer.StatusCode, body: string(body[:min(len(body), checks.DetailLength)])}
	switch {
	case err != nil:
		b.err = err
	case answer.StatusCode != http.StatusOK:
		b.err = fmt.Errorf("status %d", answer.StatusCode)
	case !isDirectory(body):
		b.err = errors.New("not an ACME directory")
	default:
		return nil
	}
	return b
}

// isDirectory reports whether body has the fields that a client needs (RFC 8555
// section 7.1.1).
func isDirectory(body []byte) bool {
	var directory struct {
		NewOrder string `json:"newOrder"`
	}
	return json.Unmarshal(body, &directory) == nil && directory.NewOrder != ""
}

// stopped finds out at which stage the request failed.
func (t *request) stopped(err error) *obstacle {
	t.mu.Lock()
	defer t.mu.Unlock()
	var unresolved *net.DNSError
	b := &obstacle{err: err, status: t.answered}
	switch through := t.tunnel || t.secured || t.egress.socks() && !socksFailed(err) && t.address != ""; {
	case t.secured:
		b.stage = StageHTTP
	case t.egress.proxy != nil && !through:
		b.stage = StageProxy
	case t.address != "":
		b.stage = StageTLS
	case errors.As(err, &unresolved):
		b.stage = StageResolve
	default:
		b.stage = StageConnect
	}
	return b
}

// socks reports whether the proxy speaks SOCKS, not HTTP: the transport
// negotiates with it while it dials.
func (e *Egress) socks() bool { return e.proxy != nil && strings.HasPrefix(e.proxy.Scheme, "socks") }

// socksFailed reports whether the proxy itself failed, not the host behind it.
func socksFailed(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && strings.HasPrefix(op.Op, "socks")
}

// says is the error text without the URL that the HTTP client puts before it.
func (b *obstacle) says() string {
	err := b.err
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		if err = wrapped.Err; wrapped.Timeout() {
			return "timeout"
		}
	}
	return checks.Clean(err.Error(), 2*checks.WordLength)
}

func (b *obstacle) detail() string {
	return checks.Clean(strings.TrimSpace(b.err.Error()+" "+b.body), checks.DetailLength)
}
