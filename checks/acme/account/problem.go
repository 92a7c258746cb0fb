package account

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"domovoy/checks"
)

// Types of problems that decide something here (RFC 8555 section 6.7). Their
// prefix is left out, as in Problem.Type.
const (
	typeBadNonce     = "badNonce"
	typeMalformed    = "malformed"
	typeUnauthorized = "unauthorized"
	typeNoAccount    = "accountDoesNotExist"
)

const (
	errorPrefix     = "urn:ietf:params:acme:error:"
	longestDetail   = 4 << 10              // bytes; what follows is cut
	mostSubproblems = 100                  // a certificate has no more names
	longestWait     = 366 * 24 * time.Hour // a longer Retry-After is a mistake
)

// Problem is an answer that refuses, or that is none of a CA's: a document of
// RFC 7807, or a page of a balancer in between.
//
// Detail may hold a link that unpauses the account, so it is for admins;
// Error hides the link's token.
type Problem struct {
	Type        string // without "urn:ietf:params:acme:error:"; empty: the answer was no problem document
	Status      int    // of HTTP
	Detail      string // the CA's words; of a page its title or first words; may be empty
	Subproblems []Subproblem
	RetryAfter  time.Duration // zero: not told
	Header      http.Header   // all but Replay-Nonce, which is used up
}

// Subproblem is the part of a problem that one name has (RFC 8555 section 6.7.1).
type Subproblem struct {
	Type, Detail string
	Name         string // may be empty
}

// unpauseToken is the secret part of an unpause link: whoever holds it may
// unpause the account.
var unpauseToken = regexp.MustCompile(`(?i)(jwt=)[^\s&"'<>]+`)

// Error is one line without secrets.
func (p *Problem) Error() string {
	text := fmt.Sprintf("the CA answered %d", p.Status)
	if p.Type != "" {
		text += " " + p.Type
	}
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return checks.Clean(unpauseToken.ReplaceAllString(text, "${1}"+hidden), checks.DetailLength)
}

// Busy reports that the CA wants to be left alone for a while (429, 503).
func (p *Problem) Busy() bool {
	return p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
}

// Uncertain reports that the request may have had its effect all the same: read
// again before anything is repeated.
func (p *Problem) Uncertain() bool { return p.Status >= 500 }

// document is a problem on the wire.
type document struct {
	Type        string `json:"type"`
	Detail      string `json:"detail"`
	Subproblems []struct {
		Type       string     `json:"type"`
		Detail     string     `json:"detail"`
		Identifier identifier `json:"identifier"`
	} `json:"subproblems"`
}

type identifier struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// newProblem reads what came instead of a good answer; now is for a
// Retry-After that is a date, where the answer has no date of its own.
func newProblem(status int, header http.Header, body []byte, now time.Time) *Problem {
	p := &Problem{Status: status, Header: header, RetryAfter: retryAfter(header, now)}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	var d document
	// Some balancers send a CA's document with another type, some a page as JSON.
	if kind != "text/html" && json.Unmarshal(body, &d) == nil && (d.Type != "" || d.Detail != "") {
		p.Type, p.Detail = kindOf(d.Type), cut(d.Detail)
		for i, s := range d.Subproblems {
			if i == mostSubproblems {
				break
			}
			p.Subproblems = append(p.Subproblems, Subproblem{kindOf(s.Type), cut(s.Detail), cut(s.Identifier.Value)})
		}
		return p
	}
	p.Detail = pageText(body)
	return p
}

func kindOf(urn string) string {
	return checks.Clean(strings.TrimPrefix(urn, errorPrefix), checks.WordLength)
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3). A date counts
// from the answer's own, for our clock may be wrong.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return min(time.Duration(min(max(seconds, 0), int64(longestWait/time.Second)))*time.Second, longestWait)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), longestWait)
}

var (
	pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	markup    = regexp.MustCompile(`(?s)<[^>]*>`)
)

// pageText is a page's title, else its first words.
func pageText(body []byte) string {
	text := string(body[:min(len(body), longestDetail)])
	if title := pageTitle.FindStringSubmatch(text); title != nil {
		text = title[1]
	}
	return cut(strings.Join(strings.Fields(markup.ReplaceAllString(text, " ")), " "))
}

// cut bounds a foreign text, and makes it valid UTF-8.
func cut(text string) string {
	if len(text) > longestDetail {
		text = text[:longestDetail]
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return text
}
