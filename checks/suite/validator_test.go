package suite_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/publicsuffix"

	"domovoy/checks/lab/internet"
)

// validator validates the names of a lab's site over real sockets, as the CA
// does. It is written from the rules in rules_test.go and shares no code with
// the checks that it is compared with.
type validator struct {
	resolver    string // of the CA, as host:port; ours may be broken
	http, https int    // ports in place of 80 and 443
	account     string // URL of the account that orders
	folder      string // for the file with the token; empty: no file can be placed
	names       []string
	deadline    time.Duration // for one perspective
	from        netip.Addr    // of the perspective, in IPv4
	attempts    []internet.Attempt
	own         []netip.Addr
	log         string // the site's access log
}

// refusal is why a validation fails.
type refusal struct {
	rule    string // of the table in rules_test.go
	because string
}

// remotes is how many perspectives there are beside the primary.
const remotes = 5

// The token of the order, and the key authorization (RFC 8555 section 8.1) of
// an account.
const (
	orderToken = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
	orderWords = orderToken + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
)

// agent is the User-Agent of the CA's validators.
const agent = "Mozilla/5.0 (compatible; Let's Encrypt validation server; +https://www.letsencrypt.org)"

// newValidator returns a validator for the site of a lab; the file with the
// token is placed if the panel has a folder for it.
func newValidator(t *testing.T, lab *internet.Lab) validator {
	t.Helper()
	if lab.Panel.Challenges != "" {
		if err := os.WriteFile(filepath.Join(lab.Panel.Challenges, orderToken), []byte(orderWords), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return validator{deadline: lab.Deadline, resolver: lab.DNS.Resolver(internet.Sound), http: lab.Web.HTTPPort(), https: lab.Web.HTTPSPort(),
		account: lab.Panel.ACME.Account, folder: lab.Panel.Challenges, names: append([]string{lab.Domain}, lab.Panel.Aliases...),
		attempts: lab.Panel.Attempts, own: lab.Panel.Addresses, log: lab.Panel.AccessLog}
}

// order returns why an order for all names fails; nil: all of them are valid.
// Each name is seen by the primary, then by the remotes at the same time.
func (v validator) order(ctx context.Context) *refusal {
	for _, name := range v.names {
		if r := v.refuses(name); r != nil {
			return r
		}
	}
	if r := v.fewCame(); r != nil {
		return r
	}
	for _, name := range v.names {
		if r := v.perspective(ctx, name); r != nil {
			return r
		}
		seen := make([]*refusal, remotes)
		var all sync.WaitGroup
		for i := range seen {
			remote := v
			remote.from = netip.AddrFrom4([4]byte{127, 0, 3, byte(i + 1)})
			all.Go(func() { seen[i] = remote.perspective(ctx, name) })
		}
		all.Wait()
		misses, first := 0, (*refusal)(nil)
		for _, r := range seen {
			if r != nil {
				misses++
				first = r
			}
		}
		if misses > mayMiss(remotes) {
			return &refusal{"quorum", strconv.Itoa(misses) + " remotes failed, one with: " + first.because}
		}
	}
	return nil
}

// perspective is one validator's look at a name: the file, then CAA.
func (v validator) perspective(ctx context.Context, name string) *refusal {
	ctx, cancel := context.WithTimeout(ctx, v.deadline)
	defer cancel()
	if r := v.fetch(ctx, name); r != nil {
		return r
	}
	return v.caa(ctx, name)
}

// fetch requests the file of a name. If a connection cannot be made, at whatever
// redirect, the first URL is requested once more over IPv4; URLs that were
// visited stay visited.
func (v validator) fetch(ctx context.Context, name string) *refusal {
	first := &url.URL{Scheme: "http", Host: name, Path: internet.ChallengePath + orderToken}
	six, four, r := v.addresses(ctx, name)
	if r != nil {
		return r
	}
	visited := map[string]bool{first.String(): true}
	if !six.IsValid() {
		r, _ = v.follow(ctx, first, four, visited)
		return r
	}
	r, dialed := v.follow(ctx, first, six, visited)
	if dialed || !four.IsValid() {
		return r
	}
	r, _ = v.follow(ctx, first, four, visited)
	return r
}

// follow requests a URL at an address, then where it is redirected to; dialed
// is false if a connection could not be made.
func (v validator) follow(ctx context.Context, to *url.URL, at netip.Addr, visited map[string]bool) (r *refusal, dialed bool) {
	for followed := 0; ; followed++ {
		answer, r, dialed := v.get(ctx, to, at)
		if r != nil {
			return r, dialed
		}
		where := answer.header.Get("Location")
		if answer.status < 301 || answer.status > 308 || where == "" {
			return v.accept(answer), true
		}
		next, err := to.Parse(where)
		if err != nil {
			return &refusal{"redirect host", "Location " + where}, true
		}
		if r := mayFollow(answer.status, followed, next); r != nil {
			return r, true
		}
		if visited[next.String()] {
			return &refusal{"redirect loop", next.String()}, true
		}
		visited[next.String()] = true
		if at, r = v.redirected(ctx, next.Hostname()); r != nil {
			return r, true
		}
		to = next
	}
}

// redirected returns the only address that is tried for the host of a
// redirect.
func (v validator) redirected(ctx context.Context, host string) (netip.Addr, *refusal) {
	if at, err := netip.ParseAddr(host); err == nil {
		if !public(at) {
			return at, &refusal{"redirect to a reserved address", host}
		}
		return at, nil
	}
	six, four, r := v.addresses(ctx, host)
	if six.IsValid() {
		return six, r
	}
	return four, r
}

// mayFollow returns why a redirect is not followed.
func mayFollow(status, followed int, to *url.URL) *refusal {
	switch host := to.Hostname(); {
	case status != 301 && status != 302 && status != 307 && status != 308:
		return &refusal{"redirect codes", strconv.Itoa(status)}
	case followed >= 11:
		return &refusal{"redirect count", "more than 11"}
	case to.Scheme != "http" && to.Scheme != "https":
		return &refusal{"redirect protocol", to.Scheme}
	case to.Port() != "" && to.Port() != "80" && to.Port() != "443":
		return &refusal{"redirect port", to.Port()}
	case host == "", strings.HasSuffix(host, ".well-known"), !registrable(host):
		return &refusal{"redirect host", host}
	case len(to.Path) > 2000:
		return &refusal{"redirect path", strconv.Itoa(len(to.Path)) + " bytes"}
	}
	return nil
}

// registrable reports whether a host is an IP address or below a public suffix
// of ICANN's.
func registrable(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || icannSuffix(host) != ""
}

// icannSuffix returns the public suffix of a name in ICANN's section of the
// list; empty if there is none.
func icannSuffix(name string) string {
	for name != "" {
		suffix, icann := publicsuffix.PublicSuffix(name)
		if icann {
			return suffix
		}
		_, name, _ = strings.Cut(suffix, ".") // of the private section
	}
	return ""
}

// response is as much of a response as the CA reads.
type response struct {
	status int
	header http.Header
	body   []byte
}

// get sends one request on a connection of its own.
func (v validator) get(ctx context.Context, to *url.URL, at netip.Addr) (_ response, r *refusal, reached bool) {
	if !at.IsLoopback() { // the lab is on loopback, and has no strangers
		return response{}, &refusal{"the file", "the server of a stranger has no file of ours"}, true
	}
	port := v.http
	if to.Port() == "443" || to.Port() == "" && to.Scheme == "https" {
		port = v.https
	}
	var dialed atomic.Bool // a dial may end after the request
	once := &http.Transport{DisableKeepAlives: true, DisableCompression: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}, // the certificate is the thing to get
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			dialer := new(net.Dialer)
			if v.from.IsValid() && at.Is4() { // limits count by source
				dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(v.from, 0))
			}
			conn, err := dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(at, uint16(port)).String())
			dialed.Store(err == nil)
			return conn, err
		}}
	request := (&http.Request{Method: http.MethodGet, URL: to, Host: to.Host, Close: true,
		Header: http.Header{"User-Agent": {agent}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip"}}}).WithContext(ctx)
	answer, err := once.RoundTrip(request)
	if err != nil {
		return response{}, &refusal{connectionRule(err, dialed.Load(), to.Scheme), err.Error()}, dialed.Load()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 128))
	if err != nil {
		return response{}, &refusal{connectionRule(err, true, to.Scheme), err.Error()}, true
	}
	return response{answer.StatusCode, answer.Header, body}, nil, true
}

// connectionRule returns the rule of a request without a response.
func connectionRule(err error, dialed bool, scheme string) string {
	var timeout net.Error
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "deadline"
	case !dialed:
		return "connection"
	case errors.As(err, &record), scheme == "https" && strings.Contains(err.Error(), "tls:"), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return "redirect to TLS"
	}
	return "response"
}

// accept returns why a response is not the file.
func (v validator) accept(answer response) *refusal {
	switch words := strings.TrimRight(string(answer.body), " \t\r\n"); {
	case v.folder == "" && answer.status == http.StatusNotFound:
		return nil // the path is served, and nothing was placed there
	case answer.status != http.StatusOK:
		return &refusal{"status", strconv.Itoa(answer.status)}
	case v.folder == "":
		return &refusal{notTried, "a page, and no file was placed"}
	case len(answer.body) >= 128, words != orderWords:
		return &refusal{"body", strconv.Quote(words)}
	}
	return nil
}

// notTried is in place of a rule if nothing can be said: without a file, or
// without a known account.
const notTried = "not tried"
