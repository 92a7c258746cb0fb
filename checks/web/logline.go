package web

import (
	"bytes"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Visit is one request for a challenge file, as the access log has it.
type Visit struct {
	Time   time.Time
	Source netip.Addr
	Token  string
	Status int
}

// clfTime is the time of nginx's and Apache's combined format.
const clfTime = "02/Jan/2006:15:04:05 -0700"

// longestToken is more than any CA uses; RFC 8555 section 8.1 asks for 22
// characters or more.
const longestToken = 256

// mayBeVisit is a cheap look before a line is taken apart. A per cent sign
// can hide any letter of the path.
func mayBeVisit(line []byte) bool {
	return bytes.Contains(line, []byte("acme-challenge")) || bytes.IndexByte(line, '%') >= 0
}

// parseLine reads one line of the combined format:
//
//	ADDRESS - USER [TIME] "METHOD TARGET PROTOCOL" STATUS …
//
// It is false for requests of another kind and for lines in another format.
func parseLine(line []byte) (Visit, bool) {
	head, rest, ok := bytes.Cut(line, []byte(" ["))
	if !ok {
		return Visit{}, false
	}
	address, _, _ := bytes.Cut(head, []byte(" "))
	source, err := netip.ParseAddr(string(address))
	if err != nil {
		return Visit{}, false
	}
	stamp, rest, ok := bytes.Cut(rest, []byte(`] "`))
	if !ok {
		return Visit{}, false
	}
	at, err := time.Parse(clfTime, string(stamp))
	if err != nil {
		return Visit{}, false
	}
	request, rest, ok := cutQuoted(rest)
	if !ok {
		return Visit{}, false
	}
	token, ok := requestedToken(string(request))
	status, err := strconv.Atoi(firstWord(rest))
	if !ok || err != nil || status < 100 || status > 599 {
		return Visit{}, false
	}
	return Visit{Time: at, Source: source.Unmap().WithZone(""), Token: token, Status: status}, true
}

// lineTime is the time of a line of any kind.
func lineTime(line []byte) (time.Time, bool) {
	_, rest, _ := bytes.Cut(line, []byte(" ["))
	stamp, _, ok := bytes.Cut(rest, []byte("]"))
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(clfTime, string(stamp))
	return at, err == nil
}

// cutQuoted takes what stands before the closing quote. Apache escapes quotes
// by a backslash, nginx as \x22.
func cutQuoted(b []byte) (quoted, rest []byte, ok bool) {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[:i], b[i+1:], true
		}
	}
	return nil, nil, false
}

func firstWord(b []byte) string {
	word, _, _ := bytes.Cut(bytes.TrimLeft(b, " "), []byte(" "))
	return string(bytes.TrimRight(word, "\r\n"))
}

// requestedToken finds the token in a request line. The target may be
// absolute, have a query, and be %-escaped.
func requestedToken(request string) (string, bool) {
	_, target, ok := strings.Cut(request, " ")
	if !ok {
		return "", false
	}
	target, _, _ = strings.Cut(target, " ")
	if _, after, absolute := strings.Cut(target, "://"); absolute && !strings.HasPrefix(target, "/") {
		i := strings.IndexByte(after, '/')
		if i < 0 {
			return "", false
		}
		target = after[i:]
	}
	target, _, _ = strings.Cut(target, "?")
	path, err := url.PathUnescape(target)
	if err != nil {
		return "", false
	}
	token, ok := strings.CutPrefix(path, challengePath)
	return token, ok && validToken(token)
}

// validToken: base64url characters only (RFC 8555 section 8.1).
func validToken(token string) bool {
	for _, r := range token {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return token != "" && len(token) <= longestToken
}
