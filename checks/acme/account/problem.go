package account

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"domovoy/checks"
)

// The types of problems that are treated specially (RFC 8555 section 6.7),
// without their prefix, as in Problem.Type.
const (
	typeBadNonce     = "badNonce"
	typeMalformed    = "malformed"
	typeUnauthorized = "unauthorized"
)

const (
	errorPrefix   = "urn:ietf:params:acme:error:"
	maxDetail     = 4 << 10              // bytes; the rest is cut off
	maxRetryAfter = 366 * 24 * time.Hour // a longer Retry-After is a mistake
)

// Problem is a refusal, or an answer that is not from a CA: a problem document
// of RFC 7807, or the page of a load balancer.
//
// Detail may contain a link that unpauses the account and is for admins only;
// Error hides the link's token.
type Problem struct {
	Type       string        // without "urn:ietf:params:acme:error:"; empty: the answer was not a problem document
	Status     int           // HTTP status
	Detail     string        // the CA's text, or the title or first words of a page; may be empty
	RetryAfter time.Duration // zero: the CA did not send it
}

// unpauseToken is the secret part of an unpause link: with it anybody can
// unpause the account.
var unpauseToken = expression(`(?i)(jwt=)[^\s&"'<>]+`)

// Error returns one line, without the token of an unpause link.
func (p *Problem) Error() string {
	text := fmt.Sprintf("the CA answered %d", p.Status)
	if p.Type != "" {
		text += " " + p.Type
	}
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return checks.Clean(unpauseToken().ReplaceAllString(text, "${1}"+redacted), checks.DetailLength)
}

// Busy reports whether the CA asks to stop sending for some time (429, 503).
func (p *Problem) Busy() bool {
	return p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
}

// Uncertain reports whether the request may have taken effect nevertheless:
// read the result before the request is repeated.
func (p *Problem) Uncertain() bool { return p.Status >= 500 }

// newProblem makes a Problem of an unsuccessful answer. now is the reference
// for a Retry-After date if the answer has no Date.
func newProblem(status int, header http.Header, body []byte, now time.Time) *Problem {
	p := &Problem{Status: status, RetryAfter: retryAfter(header, now)}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	var d struct{ Type, Detail string }
	// Some load balancers change the type of a CA's document, some declare a
	// page as JSON.
	if kind != "text/html" && json.Unmarshal(body, &d) == nil && (d.Type != "" || d.Detail != "") {
		p.Type, p.Detail = problemType(d.Type), truncate(d.Detail)
		return p
	}
	p.Detail = pageText(body)
	return p
}

func problemType(urn string) string {
	return checks.Clean(strings.TrimPrefix(urn, errorPrefix), checks.WordLength)
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3). A date counts
// from the answer's Date, because our clock may be wrong.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return min(time.Duration(min(max(seconds, 0), int64(maxRetryAfter/time.Second)))*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

var (
	pageTitle = expression(`(?is)<title[^>]*>(.*?)</title>`)
	markup    = expression(`(?s)<[^>]*>`)
)

// pageText returns a page's title, else its first words.
func pageText(body []byte) string {
	text := string(body[:min(len(body), maxDetail)])
	if title := pageTitle().FindStringSubmatch(text); title != nil {
		text = title[1]
	}
	return truncate(strings.Join(strings.Fields(markup().ReplaceAllString(text, " ")), " "))
}

// truncate limits the length of a text from outside and makes it valid UTF-8.
func truncate(text string) string {
	if len(text) > maxDetail {
		text = text[:maxDetail]
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return text
}
