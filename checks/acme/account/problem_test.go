package account

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// TestProblems reads what CAs and balancers answer.
func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name, kind, body string
		want             Problem
	}{
		{"a limit", "application/problem+json", `{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many new orders (300)","status":429}`,
			Problem{Type: "rateLimited", Detail: "too many new orders (300)"}},
		{"parts", "application/problem+json", `{"type":"urn:ietf:params:acme:error:malformed","detail":"some","subproblems":[
			{"type":"urn:ietf:params:acme:error:rejectedIdentifier","detail":"no","identifier":{"type":"dns","value":"a.example"}}]}`,
			Problem{Type: "malformed", Detail: "some"}},
		{"another type of content", "text/plain", `{"type":"about:blank","detail":"busy"}`, Problem{Type: "about:blank", Detail: "busy"}},
		{"a page", "text/html", "<html>\n<head><title>503\nService  Unavailable</title></head><body>...", Problem{Detail: "503 Service Unavailable"}},
		{"a page without a title", "text/html", "<h1>Busy</h1><p>come&nbsp;back", Problem{Detail: "Busy come&nbsp;back"}},
		{"nothing", "", "", Problem{}},
		{"bytes", "application/octet-stream", "\xff\x00\xfe", Problem{Detail: "\uFFFD\x00\uFFFD"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProblem(429, http.Header{"Content-Type": {c.kind}}, []byte(c.body), noon)
			c.want.Status = 429
			if diff := cmp.Diff(&c.want, p); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestRetryAfter reads both forms, relative to the CA's clock.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		value, date string
		want        time.Duration
	}{
		{"60", "", time.Minute},
		{" 0 ", "", 0},
		{"-5", "", 0},
		{"", "", 0},
		{"soon", "", 0},
		{"9223372036854775807", "", maxRetryAfter},
		{"99999999999999999999", "", 0}, // out of range
		{"Sat, 21 Nov 2026 12:01:00 GMT", "", time.Minute},
		{"Sat, 21 Nov 2026 11:00:00 GMT", "", 0},
		{"Sat, 21 Nov 2026 13:01:00 GMT", "Sat, 21 Nov 2026 13:00:00 GMT", time.Minute}, // our clock is an hour behind
		{"Fri, 31 Dec 9999 23:59:59 GMT", "", maxRetryAfter},
	} {
		header := http.Header{"Retry-After": {c.value}, "Date": {c.date}}
		if got := retryAfter(header, noon); got != c.want {
			t.Errorf("%q: %v, want %v", c.value, got, c.want)
		}
	}
}

// TestUnpauseLinkIsForAdmins: the error may end up in a log, so its text is
// without the link's token, which Detail keeps.
func TestUnpauseLinkIsForAdmins(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
	body := fmt.Sprintf(`{"type":"urn:ietf:params:acme:error:rateLimited","detail":"Your account is temporarily prevented from requesting certificates for a.example and possibly others. Please visit: https://portal.example/sfe/v1/unpause?jwt=%s"}`, token)
	p := newProblem(429, http.Header{}, []byte(body), noon)
	if text := p.Error(); strings.Contains(text, token) || !strings.Contains(text, "unpause?jwt="+redacted) {
		t.Errorf("the error says %q", text)
	}
	if !strings.Contains(p.Detail, token) {
		t.Errorf("the detail is %q", p.Detail)
	}
	if !p.Busy() || p.Uncertain() {
		t.Error("429 is busy, and nothing was done")
	}
}
