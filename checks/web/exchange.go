package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"domovoy/checks"
)

// What is read of an answer at most, in bytes.
const (
	headLimit = 256 << 10 // of a head; Boulder takes more, web servers give less
	caBody    = 128       // the CA reads no further
	ourBody   = 4 << 10   // enough to know a block page by
	interim   = 5         // answers of the 1xx kind before the real one
)

// lingering is how long a body may trickle on after the bytes that the CA
// wants; what comes then only helps to explain.
const lingering = time.Second

// answer is what came back over one connection.
type answer struct {
	status   int
	server   string
	location string
	cookie   bool // it sets one
	body     []byte
	bodyErr  error // the body ended before its time, within the CA's bytes
}

// request writes what the CA sends, but for the name of who asks. Go's
// client would write other headers in another order.
func request(u *url.URL, agent string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
		u.RequestURI(), u.Host, agent)
	return b.Bytes()
}

// readAnswer reads one answer and no more of it than is needed. Before it
// reads on for our own use, it calls enough.
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

// readHead skips interim answers (RFC 9110 section 15.2).
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

// http2Head is how many bytes give HTTP/2 away: it begins with a SETTINGS
// frame (RFC 9113 section 6.5), three bytes of length, then the type 4.
const http2Head = 4

func speaksHTTP2(b []byte) bool {
	return len(b) == http2Head && b[0] == 0 && b[1] == 0 && b[3] == 4
}

// readBody gives the body's beginning, unpacked as the CA's client does. The
// error is nil unless the body broke off within the bytes that the CA reads.
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

// unpacked reads gzip whose header is only looked at when it is needed.
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
