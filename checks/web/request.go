package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"domovoy/checks"
)

// signs are callbacks about the progress of an attempt, so that the next one
// need not wait for its end.
type signs struct {
	dialing   func() // the pacer let it connect; never nil
	connected func() // the connection was established; never nil
}

// ask makes one request over a connection of its own. Waiting for the pacer
// does not count towards the attempt's time.
func (chain *redirectChain) ask(ctx context.Context, u *url.URL, addr netip.Addr) (answer, *fault, error) {
	port, _ := chain.port(u)
	to := netip.AddrPortFrom(addr, port)
	chain.hops = append(chain.hops, Hop{URL: checks.Clean(u.String(), checks.WordLength), Address: to})
	if err := chain.prober.opts.Pace.Wait(ctx, addr.Unmap()); err != nil {
		return answer{}, nil, err
	}
	chain.signs.dialing()
	began := time.Now()
	defer func() { chain.left -= time.Since(began) }()

	conn, err := chain.dial(ctx, to)
	if err != nil {
		f, err := dialFault(ctx, to, err)
		return answer{}, f, err
	}
	defer conn.Close()
	chain.signs.connected()
	deadline := began.Add(chain.left)
	stop := bound(ctx, conn, deadline)
	defer stop()

	a, f := chain.talk(ctx, conn, u, deadline)
	if ctx.Err() != nil {
		return answer{}, nil, fmt.Errorf("asking %s: %w", to, ctx.Err())
	}
	hop := &chain.hops[len(chain.hops)-1]
	hop.Status, hop.Server, hop.Location = a.status, a.server, checks.Clean(a.location, checks.WordLength)
	return a, f, nil
}

func (chain *redirectChain) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	timeout := max(min(chain.prober.opts.Timeout, chain.left), time.Millisecond)
	d := net.Dialer{Timeout: timeout, KeepAlive: -1}
	return d.DialContext(ctx, "tcp", to.String())
}

// bound ends a connection at its deadline, or when the context ends.
func bound(ctx context.Context, conn net.Conn, deadline time.Time) (stop func() bool) {
	_ = conn.SetDeadline(deadline)
	return context.AfterFunc(ctx, func() { _ = conn.Close() })
}

// talk sends the request, over TLS if the URL is https, and reads the response.
func (chain *redirectChain) talk(ctx context.Context, conn net.Conn, u *url.URL, deadline time.Time) (answer, *fault) {
	enough := sync.OnceFunc(func() {
		if soon := time.Now().Add(lingering); soon.Before(deadline) {
			_ = conn.SetDeadline(soon)
		}
	})
	if u.Scheme == "https" {
		secured, f := handshake(ctx, conn, u.Hostname())
		if f != nil {
			return answer{}, f
		}
		conn = secured
	}
	if _, err := conn.Write(request(u, chain.prober.agent(chain.route.stranger))); err != nil {
		return answer{}, talkFault(err)
	}
	return readAnswer(conn, enough)
}

// handshake sets up TLS without verifying the server: the CA does not verify it
// either, because the certificate may be the one being replaced. Old versions
// are accepted here to distinguish them from broken servers.
func handshake(ctx context.Context, conn net.Conn, host string) (net.Conn, *fault) {
	secured := tls.Client(conn, &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS10,
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, handshakeFault(err)
	}
	if secured.ConnectionState().Version < tls.VersionTLS12 {
		return nil, refusal(ruleTLSVersion, "validation attempt was redirected to an HTTPS server that doesn't support TLSv1.2 or better")
	}
	return secured, nil
}

// Maximum sizes of what is read of a response, in bytes.
const (
	headLimit = 256 << 10 // of the header; Boulder accepts more, web servers send less
	caBody    = 128       // the CA reads no more
	ourBody   = 4 << 10   // enough to recognize a block page
	interim   = 5         // responses with a status of 1xx before the final one
)

// lingering is how long a slow body is read after the bytes that the CA reads;
// the rest only helps to explain a fault.
const lingering = time.Second

// answer is the response of one request.
type answer struct {
	status   int
	server   string
	location string
	cookie   bool // it sets a cookie
	body     []byte
	bodyErr  error // the body ended early, within the bytes that the CA reads
}

// request returns the request as the CA sends it, except for the User-Agent,
// which only contains the name of the CA's.
// Go's client would write other headers in another order.
func request(u *url.URL, agent string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
		u.RequestURI(), u.Host, agent)
	return b.Bytes()
}

// readAnswer reads one response, and no more of it than necessary. After the
// bytes that the CA reads, it calls enough and reads on for our own use.
func readAnswer(from io.Reader, enough func()) (answer, *fault) {
	limited := &io.LimitedReader{R: from, N: headLimit}
	r := bufio.NewReader(limited)
	first, err := r.Peek(http2Head)
	if err != nil && len(first) == 0 {
		return answer{}, talkFault(err)
	}
	if speaksHTTP2(first) {
		return answer{}, &fault{code: checks.WebBody, rule: ruleHTTP2, says: "Server is speaking HTTP/2 over HTTP"}
	}
	resp, err := readHead(r)
	if err != nil {
		if limited.N <= 0 {
			err = errors.New("head too long")
		}
		return answer{}, talkFault(err)
	}
	limited.N += ourBody
	a := answer{
		status:   resp.StatusCode,
		server:   checks.Clean(resp.Header.Get("Server"), checks.WordLength),
		location: resp.Header.Get("Location"),
		cookie:   resp.Header.Get("Set-Cookie") != "",
	}
	a.body, a.bodyErr = readBody(resp, enough)
	return a, nil
}

// readHead skips interim responses (RFC 9110 section 15.2).
func readHead(r *bufio.Reader) (*http.Response, error) {
	asked := &http.Request{Method: http.MethodGet}
	for range interim {
		resp, err := http.ReadResponse(r, asked)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, errors.New("only interim answers")
}

// http2Head is how many bytes identify HTTP/2: it begins with a SETTINGS frame
// (RFC 9113 section 6.5), three bytes of length, then the type 4.
const http2Head = 4

func speaksHTTP2(b []byte) bool {
	return len(b) == http2Head && b[0] == 0 && b[1] == 0 && b[3] == 4
}

// readBody returns the body's beginning, unpacked as by the CA's client. The
// error is nil unless the body ended early within the bytes that the CA reads.
func readBody(resp *http.Response, enough func()) ([]byte, error) {
	defer resp.Body.Close()
	var body io.Reader = resp.Body
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		body = &unpacked{packed: resp.Body}
	}
	first, err := io.ReadAll(io.LimitReader(body, caBody))
	if err != nil || len(first) < caBody {
		return first, err
	}
	enough()
	rest, _ := io.ReadAll(io.LimitReader(body, ourBody-caBody))
	return append(first, rest...), nil
}

// unpacked reads gzip and parses its header only at the first Read.
type unpacked struct {
	packed io.Reader
	plain  *gzip.Reader
}

func (u *unpacked) Read(p []byte) (int, error) {
	if u.plain == nil {
		plain, err := gzip.NewReader(u.packed)
		if err != nil {
			return 0, err
		}
		u.plain = plain
	}
	return u.plain.Read(p)
}
