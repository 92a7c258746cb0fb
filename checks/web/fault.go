package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"unicode"

	"domovoy/checks"
)

// marker is text in a page that identifies what made it.
type marker struct {
	text string // lower case
	code checks.Code
	rule string
}

// markers of firewalls and of plain HTTP sent to a TLS port, searched for at
// the beginning of a page that is not the file.
var markers = [...]marker{
	{"/aes.js", checks.WebForbidden, ruleCookie},          // nginx testcookie
	{"tonumbers(", checks.WebForbidden, ruleCookie},       // nginx testcookie
	{"__test=", checks.WebForbidden, ruleCookie},          // nginx testcookie
	{"acme-protocol", checks.WebForbidden, ruleBlockPage}, // Palo Alto
	{"cf-challenge", checks.WebForbidden, ruleBlockPage},  // Cloudflare
	{"/cdn-cgi/challenge-platform/", checks.WebForbidden, ruleBlockPage},
	{"plain http request was sent to https port", checks.WebRedirect, rulePlain},         // nginx
	{"speaking plain http to an ssl-enabled server port", checks.WebRedirect, rulePlain}, // Apache
}

// judge decides whether the CA would accept the last response of an attempt;
// nil: it would. Without a file of ours in place, a 404 is a web server that
// can be reached.
func judge(u *url.URL, a answer, c challenge) *fault {
	placed := c.want != ""
	if placed && a.status == http.StatusOK && a.bodyErr == nil && holds(a.body, c.want) {
		return nil
	}
	invalid := fmt.Sprintf("Invalid response from %s: %d", checks.Clean(u.String(), checks.WordLength), a.status)
	if m, ok := marked(a.body); ok {
		return &fault{code: m.code, rule: m.rule, says: invalid}
	}
	if a.status == http.StatusOK && placed {
		return wrongBody(a, invalid)
	}
	switch {
	case !placed && reachable(a.status) && a.bodyErr != nil:
		return wrongBody(a, invalid) // nor would the file arrive
	case !placed && reachable(a.status):
		return nil
	case a.status == http.StatusNotFound, a.status == http.StatusGone:
		return &fault{code: checks.WebNotFound, says: invalid}
	case refused(a.status):
		return &fault{code: checks.WebForbidden, says: invalid}
	case a.status >= 500:
		return &fault{code: checks.WebError, says: invalid}
	case a.status >= 300 && a.status < 400:
		return &fault{code: checks.WebRedirect, rule: "code", says: invalid}
	}
	return &fault{code: checks.WebBody, rule: ruleStatus, says: invalid}
}

// reachable reports whether the status is that of a server which would have
// served the file if it existed.
func reachable(status int) bool {
	return status >= 200 && status < 300 || status == http.StatusNotFound || status == http.StatusGone
}

// refused reports whether the status means that access is denied; 406 is
// mod_security's.
func refused(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotAcceptable, http.StatusProxyAuthRequired,
		http.StatusTeapot, http.StatusTooManyRequests, http.StatusUnavailableForLegalReasons:
		return true
	}
	return false
}

// holds compares as the CA does: it ignores white space after the text, but not
// a byte order mark.
func holds(body []byte, want string) bool {
	return len(body) < caBody && string(bytes.TrimRightFunc(body, unicode.IsSpace)) == want
}

func wrongBody(a answer, invalid string) *fault {
	if a.bodyErr != nil {
		f := talkFault(a.bodyErr)
		f.says = "Error reading HTTP response body"
		return f
	}
	if len(a.body) >= caBody {
		return &fault{code: checks.WebBody, rule: ruleTooLong, says: invalid}
	}
	return &fault{code: checks.WebBody, rule: ruleMismatch,
		says: "The key authorization file from the server did not match this challenge"}
}

func marked(body []byte) (marker, bool) {
	page := strings.ToLower(string(body))
	for _, m := range markers {
		if strings.Contains(page, m.text) {
			return m, true
		}
	}
	return marker{}, false
}

// Rules say which rule of the CA was broken. They are stable identifiers in the
// argument "rule".
const (
	ruleUnreachable = "unreachable" // rejected by a router or a firewall
	ruleClosed      = "closed"      // closed without an answer
	ruleTLS         = "tls"         // no handshake
	ruleTLSVersion  = "tlsversion"  // below TLS 1.2
	rulePlain       = "plain"       // HTTP where TLS is expected, or vice versa
	ruleHTTP2       = "http2"       // HTTP/2 without negotiation
	ruleNoHTTP      = "nohttp"      // not HTTP
	ruleMismatch    = "mismatch"    // 200, but not the file's content
	ruleTooLong     = "toolong"     // 128 bytes or more
	ruleStatus      = "status"      // a status that is neither success nor refusal
	ruleCookie      = "cookie"      // a page that requires a cookie
	ruleBlockPage   = "blockpage"   // a firewall's page
	ruleDeadline    = "deadline"    // too late for the CA, whose validators share one deadline
	ruleLimit       = "limit"       // the site limits how often one address may ask
	ruleUntried     = "untried"     // every path gets a page, and no file was placed
	ruleForeign     = "foreign"     // another server than ours responds
)

// fault is why the CA would not accept a response, or got none.
type fault struct {
	code checks.Code
	rule string // may be empty
	says string // the CA's own message for it
	dial bool   // failed before the connection was established: the only case in which the CA falls back to IPv4
}

// ErrNoNetwork means that this host has no route to the address's family.
var ErrNoNetwork = errors.New("no network of our own")

// dialFault distinguishes a site's fault from one of this host, which is an
// error.
func dialFault(ctx context.Context, to netip.AddrPort, err error) (*fault, error) {
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("connecting to %s: %w", to, ctx.Err())
	case ours(err):
		return nil, fmt.Errorf("connecting to %s: %w", to, err)
	case timedOut(err):
		return &fault{checks.WebTimeout, "", "Timeout during connect (likely firewall problem)", true}, nil
	case errors.Is(err, syscall.ECONNRESET):
		return &fault{checks.WebReset, "", "Connection reset by peer", true}, nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return &fault{checks.WebRefused, "", "Connection refused", true}, nil
	case !routed(to): // no packet left this host
		return nil, fmt.Errorf("connecting to %s: %w: %w", to, ErrNoNetwork, err)
	}
	return &fault{checks.WebRefused, ruleUnreachable, "Error getting validation data", true}, nil
}

// ours reports whether this host lacked a resource, or its own firewall
// refused.
func ours(err error) bool {
	for _, lack := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EPERM,
		syscall.EAFNOSUPPORT,
	} {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}

// routed reports whether this host has a route to the address. Connecting a UDP
// socket only looks up the route; nothing is sent.
func routed(to netip.AddrPort) bool {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &n) && n.Timeout()
}

// talkFault is what went wrong on an established connection. The CA does not
// fall back to IPv4 then.
func talkFault(err error) *fault {
	switch {
	case timedOut(err):
		return &fault{code: checks.WebTimeout, says: "Timeout after connect (your server may be slow or overloaded)"}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &fault{code: checks.WebReset, says: "Connection reset by peer"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return &fault{code: checks.WebReset, rule: ruleClosed, says: "Error getting validation data"}
	}
	return &fault{code: checks.WebBody, rule: ruleNoHTTP, says: "Error getting validation data"}
}

// handshakeFault is what went wrong during the TLS handshake.
func handshakeFault(err error) *fault {
	var head tls.RecordHeaderError
	if errors.As(err, &head) {
		if string(head.RecordHeader[:]) == "HTTP/" {
			return &fault{code: checks.WebRedirect, rule: rulePlain, says: "Server only speaks HTTP, not TLS"}
		}
		return &fault{code: checks.WebRedirect, rule: ruleTLS, says: "Error getting validation data"}
	}
	if f := talkFault(err); f.rule != ruleNoHTTP {
		return f
	}
	return &fault{code: checks.WebRedirect, rule: ruleTLS, says: checks.Clean(err.Error(), checks.WordLength)}
}
