package webhook

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestAnswers shows what each answer of a receiver means to the outbox.
func TestAnswers(t *testing.T) {
	date := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	for _, tt := range []struct {
		status     int
		retryAfter string
		want       string
	}{
		{200, "", "<nil>"},
		{202, "", "<nil>"},
		{204, "", "<nil>"},
		{301, "", "unclear"},
		{307, "", "unclear"},
		{400, "", "refused 400"},
		{401, "", "refused 401"},
		{403, "", "refused 403"},
		{404, "", "refused 404"},
		{408, "", "unclear"},
		{410, "", "permanent 410"},
		{413, "", "refused 413"},
		{425, "", "unclear"},
		{429, "", "wait 30s"},
		{429, "7", "wait 7s"},
		{429, "0", "wait 1s"},
		{429, "99999999999", "wait 30s"},
		{429, "86400", "wait 1h0m0s"},
		{429, "soon", "wait 30s"},
		{429, date, "wait 1m"},
		{500, "", "unclear, may have arrived"},
		{502, "", "unclear, may have arrived"},
		{503, "", "unclear, may have arrived"},
		{503, "120", "wait 2m0s"},
		{504, "", "unclear, may have arrived"},
	} {
		t.Run(fmt.Sprint(tt.status, tt.retryAfter), func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
			}))
			defer server.Close()
			w := newHook(t, Hook{URL: server.URL + "/very-secret", Roots: only(server.Certificate())})
			_, err := w.Send(t.Context(), duty(), "", alert())
			if got := meaning(err); !strings.HasPrefix(got, tt.want) {
				t.Errorf("it means %q, want %q", got, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "very-secret") {
				t.Errorf("the URL shows in %v", err)
			}
		})
	}
}

// TestLostAnswers: only what was sent whole may have arrived.
func TestLostAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		serve func(net.Conn)
		want  string
	}{
		"hung up at once":      {func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, "unclear"}, // the request may be on its way
		"cut after the body":   {func(c net.Conn) { readRequest(c) }, "unclear, may have arrived"},
		"an answer that is no": {func(c net.Conn) { readRequest(c); _, _ = io.WriteString(c, "garbage\r\n\r\n") }, "unclear, may have arrived"},
		"a success that is cut in its body": {func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ncut")
		}, "<nil>"},
		"a success whose body has no end": {func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, "<nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					tt.serve(c)
					_ = c.Close()
				}
			}()
			w := newHook(t, Hook{URL: "http://" + l.Addr().String() + "/very-secret"})
			_, err = w.Send(t.Context(), duty(), "", alert())
			if got := meaning(err); !strings.HasPrefix(got, tt.want) {
				t.Errorf("it means %q, want %q: %v", got, tt.want, err)
			}
			if err != nil && strings.Contains(err.Error(), "very-secret") {
				t.Errorf("the URL shows in %v", err)
			}
			_ = l.Close()
			<-done
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		_, err = newHook(t, Hook{URL: "http://" + l.Addr().String() + "/very-secret"}).Send(t.Context(), duty(), "", alert())
		if meaning(err) != "unclear" || strings.Contains(err.Error(), "very-secret") {
			t.Errorf("got %v", err)
		}
	})
}

// TestNoHiddenRepetition: what may have arrived is repeated by the outbox alone, which
// marks it.
func TestNoHiddenRepetition(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	requests, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for readRequest(c) {
				if requests++; requests > 1 {
					break
				}
				_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n")
			}
			_ = c.Close()
		}
	}()
	w := newHook(t, Hook{URL: "http://" + l.Addr().String()})
	if _, err := w.Send(t.Context(), duty(), "", alert()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Send(t.Context(), duty(), "", alert()); meaning(err) != "unclear, may have arrived" {
		t.Errorf("the second means %q", meaning(err))
	}
	_ = l.Close()
	<-done
	if requests != 2 {
		t.Errorf("%d requests, want 2", requests)
	}
}

// readRequest reads a request with its body.
func readRequest(c net.Conn) bool {
	text, part := "", make([]byte, 64<<10)
	for !strings.HasSuffix(text, "}") {
		n, err := c.Read(part)
		if err != nil {
			return false
		}
		text += string(part[:n])
	}
	return true
}

// TestRedirectsAreNotFollowed: another host would get the alert and its signature.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var called atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Add(1) }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	if _, err := newHook(t, Hook{URL: server.URL}).Send(t.Context(), duty(), "", alert()); meaning(err) != "unclear" {
		t.Errorf("got %v, want a retry", err)
	}
	if called.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

// TestProxy: only the configured proxy is used, and its password shows nowhere.
func TestProxy(t *testing.T) {
	var through atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through.Add(1)
		if r.URL.Host != "duty.example" || r.Header.Get("Proxy-Authorization") == "" {
			t.Errorf("the proxy was asked for %s", r.URL)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer proxy.Close()
	address := strings.Replace(proxy.URL, "http://", "http://user:proxy-secret@", 1)
	if _, err := newHook(t, Hook{URL: "http://duty.example/alerts", Proxy: address}).Send(t.Context(), duty(), "", alert()); err != nil || through.Load() != 1 {
		t.Errorf("%d calls through the proxy: %v", through.Load(), err)
	}
	proxy.Close()
	_, err := newHook(t, Hook{URL: "http://duty.example/alerts", Proxy: address}).Send(t.Context(), duty(), "", alert())
	if meaning(err) != "unclear" || strings.Contains(err.Error(), "proxy-secret") {
		t.Errorf("got %v", err)
	}
}

// TestWrongHooks: what cannot be valid is found at the start, and not shown.
func TestWrongHooks(t *testing.T) {
	for name, h := range map[string]Hook{
		"no URL":        {},
		"no host":       {URL: "https:///very-secret"},
		"another kind":  {URL: "ftp://example.com/very-secret"},
		"control bytes": {URL: "https://example.com/very-secret\x7f"},
		"a wrong proxy": {URL: "https://example.com/", Proxy: "very-secret:1"},
	} {
		if _, err := New([]Hook{h}, bundle(t)); err == nil || strings.Contains(err.Error(), "very-secret") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
