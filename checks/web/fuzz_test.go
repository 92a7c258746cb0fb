package web

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"domovoy/checks"
)

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 3\r\n\r\nabc"))
	f.Add([]byte("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 301 Moved\r\nLocation: https://client.ru/\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00"))
	f.Add([]byte("\x00\x00\x12\x04\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, fault := readAnswer(bytes.NewReader(data), func() {})
		if fault != nil {
			if fault.code == "" || fault.says == "" || fault.dial {
				t.Errorf("%+v", fault)
			}
			return
		}
		if len(a.body) > ourBody || a.status < 100 || !fit(a.server) {
			t.Errorf("%d, %q, %d bytes", a.status, a.server, len(a.body))
		}
		at := &url.URL{Scheme: "http", Host: name, Path: challengePath + "x"}
		if fault := judge(at, a, challenge{token: "x", want: "x.y"}); fault == nil && string(bytes.TrimSpace(a.body)) != "x.y" {
			t.Errorf("accepts %q", a.body)
		}
	})
}

// FuzzLocation: whatever a server redirects to, exactly one request is sent, to
// a host that may be connected to.
func FuzzLocation(f *testing.F) {
	for _, l := range []string{"https://client.ru/", "//x.ru:443/a?b=c#d", "http://[::1]/", "https://a b.ru/", "http://u:p@x.ru", "/\r\nX: y", "http://x.ru:80%00/", "https://пример.рф/"} {
		f.Add(l)
	}
	p := New(Options{})
	f.Fuzz(func(t *testing.T, location string) {
		w := &redirectChain{prober: p, host: name}
		from := &url.URL{Scheme: "http", Host: name, Path: "/"}
		to, fault := w.next(from, answer{status: 301, location: location})
		if fault != nil {
			return
		}
		if to.Scheme != "http" && to.Scheme != "https" || to.Hostname() == "" || to.User != nil {
			t.Errorf("%q leads to %q", location, to)
		}
		head := request(to, defaultAgent)
		if n := bytes.Count(head, []byte("\n")); n != 7 {
			t.Errorf("%q makes %d lines: %q", location, n, head)
		}
		if _, ok := w.port(to); !ok {
			t.Errorf("%q leads to a port of its own", location)
		}
	})
}

func FuzzLogLine(f *testing.F) {
	f.Add([]byte(entry("23.178.112.1", failedAt, challengePath+"tok", 200)))
	f.Add([]byte(`::1 - "] [x [21/Nov/2026:04:12:01 +0300] "GET http://x/.well-known/acme-challenge/%74 HTTP/1.1" 200`))
	f.Add([]byte(`1.1.1.1 - - [21/Nov/2026:04:12:01 +0300] "\`))
	f.Fuzz(func(t *testing.T, line []byte) {
		lineTime(line)
		v, ok := parseLine(line)
		if ok && (!v.Source.IsValid() || !validToken(v.Token) || v.Status < 100 || v.Time.IsZero() && v.Time.Year() != 1) {
			t.Errorf("%q gives %+v", line, v)
		}
		if ok && !mayBeVisit(line) {
			t.Errorf("%q is passed over", line)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("nginx\u202e\x1b[31m\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if c := checks.Clean(s, checks.WordLength); !fit(c) {
			t.Errorf("%q", c)
		}
	})
}

// fit reports whether a text may be shown.
func fit(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= checks.WordLength+1 &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })
}

// TestDetailIsBounded: the details of ten hops with long, hostile texts stay
// within the limit of a finding.
func TestDetailIsBounded(t *testing.T) {
	s := newStage(t)
	h, _ := turns(func(n int64) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Server", strings.Repeat("\u202eboo", 500))
			to(302, "$path?"+strings.Repeat("я", 100)+strings.Repeat("a", int(n)))(w, r)
		}
	})
	s.serve(four, s.http, h)
	found := s.look(nameAt(four), Ask{})
	if summary(found) != "web.redirect count" {
		t.Fatalf("found %s", details(found))
	}
	if d := found[0].Detail; utf8.RuneCountInString(d) > checks.DetailLength || strings.ContainsRune(d, '\u202e') {
		t.Errorf("%d runes: %q", utf8.RuneCountInString(d), d)
	}
}
