package lab

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// server is one HTTP server on a free loopback port whose close waits for
// everything it started: requests, connections, and spawned goroutines.
type server struct {
	http *http.Server
	url  string          // "http://127.0.0.1:port", no slash at the end
	done <-chan struct{} // closed when close begins
	stop context.CancelFunc

	mu     sync.Mutex // guards closed, and orders spawn against close
	closed bool
	work   sync.WaitGroup
}

// listen takes a free port; nothing is answered before serve.
func listen() (*server, net.Listener, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("listening on loopback: %w", err)
	}
	base, stop := context.WithCancel(context.Background())
	s := &server{
		url:  "http://" + listener.Addr().String(),
		done: base.Done(),
		stop: stop,
	}
	s.http = &http.Server{
		BaseContext: func(net.Listener) context.Context { return base },
		ConnState:   s.count,
		ErrorLog:    log.New(io.Discard, "", 0), // broken clients are what the lab is for
	}
	return s, listener, nil
}

func (s *server) serve(listener net.Listener, handler http.Handler) {
	s.http.Handler = handler
	s.work.Go(func() { _ = s.http.Serve(listener) }) // always ErrServerClosed
}

// count keeps close waiting for each connection. StateNew is reported by the
// accepting goroutine, which is counted itself, so Add never races with Wait.
func (s *server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.work.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.work.Done()
	}
}

// spawn runs f in a goroutine that close waits for; f must end when done is
// closed. It reports false, and runs nothing, once the server is closing.
func (s *server) spawn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Go(f)
	return true
}

// hold keeps close waiting until release is called. Only a request may hold:
// its connection is counted, so this never races with Wait.
func (s *server) hold() (release func()) {
	s.work.Add(1)
	return s.work.Done
}

// close ends all requests and connections, and returns when they have ended.
func (s *server) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	_ = s.http.Close() // closing a listener twice is no news
	s.work.Wait()
}
