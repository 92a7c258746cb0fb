package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"domovoy/checks"
)

// marker is a piece of a page that gives away who made it.
type marker struct {
	text string // lower case
	code checks.Code
	rule string
}

// markers of walls and of misplaced TLS, looked for in the first bytes of a
// page that is not the file.
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

// judge decides what the CA makes of a final answer; nil: it passes. Without
// a file of ours in place, a 404 is a web server that can be reached.
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

// reachable are the answers of a server that would have given a file, had it
// been there.
func reachable(status int) bool {
	return status >= 200 && status < 300 || status == http.StatusNotFound || status == http.StatusGone
}

// refused are the ways to say that one may not; 406 is mod_security's.
func refused(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotAcceptable, http.StatusProxyAuthRequired,
		http.StatusTeapot, http.StatusTooManyRequests, http.StatusUnavailableForLegalReasons:
		return true
	}
	return false
}

// holds compares as the CA does: space behind the text is let pass, a byte
// order mark is not.
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
