package boulder

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// port is a server whose close waits for all that it started.
type port struct {
	server *http.Server
	stop   context.CancelFunc
	work   sync.WaitGroup
}

// Start makes a CA, and opens a port of 127.0.0.1 for it.
func Start(o Options) (*CA, error) {
	ca := New(o)
	listener, err := ca.listen()
	if err != nil {
		return nil, err
	}
	ca.locate("https://" + listener.Addr().String())
	base, stop := context.WithCancel(context.Background())
	p := &port{stop: stop}
	p.server = &http.Server{
		Handler:     ca,
		BaseContext: func(net.Listener) context.Context { return base },
		ConnState:   p.count,
		ErrorLog:    log.New(io.Discard, "", 0), // broken clients are what the lab is for
	}
	p.work.Go(func() { _ = p.server.Serve(listener) }) // always ErrServerClosed
	ca.port = p
	return ca, nil
}

// Close closes the port, if there is one, and waits for what goes on.
func (ca *CA) Close() {
	if ca.port == nil {
		return
	}
	ca.port.stop()
	_ = ca.port.server.Close() // a listener that is closed already is no news
	ca.port.work.Wait()
}

// count keeps Close waiting for each connection. StateNew is reported by the
// accepting goroutine, which is counted itself, so Add never races with Wait.
func (p *port) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		p.work.Add(1)
	case http.StateClosed, http.StateHijacked:
		p.work.Done()
	}
}
