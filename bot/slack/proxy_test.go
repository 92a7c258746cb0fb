package slack

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// proxy is a small HTTP proxy that counts what goes through.
type proxy struct {
	calls, tunnels atomic.Int32
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		p.tunnels.Add(1)
		p.tunnel(w, r)
		return
	}
	p.calls.Add(1)
	r.RequestURI = ""
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body)
}

func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	there, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(there, here)
		there.Close()
	}()
	_, _ = io.Copy(here, there)
}

func TestProxyCarriesCallsAndTheSocket(t *testing.T) {
	server, _ := workspace(t)
	way := &proxy{}
	address := httptest.NewServer(way)
	t.Cleanup(address.Close)
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)

	s := messenger(t, server, address.URL)
	in := newInbox()
	listen(t, server, s, in)
	server.Slash(ops, user, team, "/domovoy", "status")
	if got := in.next(t); got.Text != "status" {
		t.Errorf("heard %q", got.Text)
	}
	if way.tunnels.Load() != 1 || way.calls.Load() != 1 {
		t.Errorf("%d tunnels and %d calls went through, want one each", way.tunnels.Load(), way.calls.Load())
	}
	if _, err := s.Send(t.Context(), opsChannel(), "", samples()["over.en"]); err != nil {
		t.Fatal(err)
	}
	if way.calls.Load() != 2 {
		t.Error("the message went around the proxy")
	}
}
