package internet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
)

// Web is the lab's web: hosts at loopback addresses, all with the same two
// ports, in place of 80 and 443. An address that was not opened refuses
// connections.
type Web struct {
	http, https uint16
	life        *lifetime

	mu     sync.Mutex
	held   map[netip.AddrPort]*held // ports that are bound but do not listen
	opened closers
}

// Host is the server at one address.
type Host struct {
	HTTP, HTTPS  Door
	Sites        map[string]http.Handler                     // by the Host header, without port; "" is the default server
	Certificates map[string]*tls.Certificate                 // by server name; "" for all others
	Certificate  func(name string) (*tls.Certificate, error) // for names that are not in Certificates; may be nil
}

// StartWeb binds the two ports on 127.0.0.1, and on ::1 if this machine has it.
func StartWeb() (*Web, error) {
	w := &Web{life: newLifetime(), held: map[netip.AddrPort]*held{}}
	for _, port := range []*uint16{&w.http, &w.https} {
		if err := w.takePort(port); err != nil {
			return nil, errors.Join(fmt.Errorf("starting the lab's web: %w", err), w.Close())
		}
	}
	return w, nil
}

// takePort finds a port that is free in both families, or in IPv4 on a machine
// without IPv6.
func (w *Web) takePort(port *uint16) error {
	var err error
	for range 20 {
		var four, six *held
		if four, err = hold(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)); err != nil {
			continue
		}
		w.held[four.addr], *port = four, four.addr.Port()
		six, err = hold(netip.AddrPortFrom(netip.IPv6Loopback(), four.addr.Port()))
		switch {
		case err == nil:
			w.held[six.addr] = six
			return nil
		case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
			return nil
		}
		delete(w.held, four.addr)
		_ = four.Close()
	}
	return err
}

// HTTPPort is used in place of port 80.
func (w *Web) HTTPPort() int { return int(w.http) }

// HTTPSPort is used in place of port 443.
func (w *Web) HTTPSPort() int { return int(w.https) }

// Open starts a host on a loopback address. Each address can be opened once.
func (w *Web) Open(addr netip.Addr, h Host) error {
	if !addr.IsLoopback() {
		return fmt.Errorf("opening %s: the lab stays on loopback", addr)
	}
	if err := w.open(netip.AddrPortFrom(addr, w.http), h, h.HTTP, false); err != nil {
		return err
	}
	return w.open(netip.AddrPortFrom(addr, w.https), h, h.HTTPS, true)
}

func (w *Web) open(at netip.AddrPort, h Host, door Door, secure bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	port := w.held[at]
	if port == nil {
		var err error
		if port, err = hold(at); err != nil {
			return err
		}
		w.held[at] = port
	}
	switch door {
	case Refused:
		return nil
	case BlackHole:
		hole, err := blackHole(port)
		if err == nil {
			w.opened = append(w.opened, hole)
		}
		return err
	}
	listener, err := port.listen(128)
	if err != nil {
		return err
	}
	w.serve(listener, h, door, secure)
	return nil
}

// serve starts the server behind a door.
func (w *Web) serve(listener net.Listener, h Host, door Door, secure bool) {
	w.opened = append(w.opened, listener)
	switch door {
	case Open, PlainHTTP, OldTLS:
		server := &http.Server{Handler: w.life.counted(h), ErrorLog: log.New(io.Discard, "", 0)}
		server.BaseContext = func(net.Listener) context.Context {
			ctx, cancel := context.WithCancel(context.Background())
			w.life.start(func() { <-w.life.done; cancel() })
			return ctx
		}
		if secure && door != PlainHTTP {
			listener = tls.NewListener(listener, h.tls(door))
		}
		w.opened = append(w.opened, closing(server.Close))
		w.life.start(func() { _ = server.Serve(listener) }) // ends with Close
	default:
		w.life.start(func() { w.receive(listener, door) })
	}
}

// receive accepts connections until the listener is closed.
func (w *Web) receive(listener net.Listener, door Door) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		w.life.attend(conn, func() { door.receive(conn, w.life.done) })
	}
}

// ServeHTTP selects the site by the Host header, like nginx.
func (h Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.Host
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	site := h.Sites[strings.ToLower(name)]
	if site == nil {
		site = h.Sites[""]
	}
	if site == nil {
		site = NotFound()
	}
	site.ServeHTTP(w, r)
}

func (h Host) tls(door Door) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if door == OldTLS {
		c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	}
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if found := h.Certificates[strings.ToLower(hello.ServerName)]; found != nil {
			return found, nil
		}
		if h.Certificate != nil {
			if found, err := h.Certificate(strings.ToLower(hello.ServerName)); err == nil {
				return found, nil
			}
		}
		if found := h.Certificates[""]; found != nil {
			return found, nil
		}
		return nil, errors.New("no certificate for this name")
	}
	return c
}

// Close stops all servers, and waits for them.
func (w *Web) Close() error {
	if !w.life.end() {
		return nil
	}
	w.mu.Lock()
	var all error
	for _, c := range w.opened {
		if err := c.Close(); !errors.Is(err, net.ErrClosed) {
			all = errors.Join(all, err)
		}
	}
	for _, h := range w.held {
		all = errors.Join(all, h.Close())
	}
	w.mu.Unlock()
	w.life.wait()
	return all
}

// closing is a function as an io.Closer.
type closing func() error

// Close calls it.
func (c closing) Close() error { return c() }
