package internet

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// Door is how a port treats a connection before any HTTP.
type Door int

// The doors. The zero value is a working server.
const (
	Open      Door = iota
	Refused        // nothing listens: RST in answer to the SYN
	BlackHole      // the SYN is dropped, as by a firewall: the dial hangs
	Mute           // accepted, never answered
	Reset          // RST after the first bytes
	HangUp         // FIN after the first bytes
	HTTP2          // answers with the preface of HTTP/2, whatever is requested (RFC 9113 section 3.4)
	PlainHTTP      // on the HTTPS port: HTTP without TLS
	OldTLS         // on the HTTPS port: TLS 1.0 and 1.1 only
	NoCipher       // on the HTTPS port: alert 40, like nginx with an RSA certificate and an EC key
)

// blackHole makes a port that drops every SYN. It needs neither a firewall nor
// privileges: Linux drops a SYN if the listener's accept queue is full, and a
// queue of length zero is full with the one connection that is made here.
func blackHole(h *held) (io.Closer, error) {
	listener, err := h.listen(0)
	if err != nil {
		return nil, err
	}
	// FileListener keeps the backlog: it does not call listen(2) again.
	filler, err := net.DialTimeout("tcp", listener.Addr().String(), 5*time.Second)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("filling the queue of %s: %w", h.addr, err), listener.Close())
	}
	return closers{filler, listener}, nil
}

// receive treats one accepted connection as the door requires, and closes it.
func (d Door) receive(conn net.Conn, done <-chan struct{}) {
	defer conn.Close()
	// All of the request is read first: closing with unread bytes would send a
	// reset. Headers and TLS hellos of the lab's clients fit in one read.
	head := make([]byte, 16<<10)
	if _, err := conn.Read(head); err != nil {
		return
	}
	switch d {
	case Mute:
		<-done
	case HTTP2: // a SETTINGS frame that allows 128 streams
		_, _ = conn.Write([]byte{0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 128})
	case Reset:
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // the close below sends RST
		}
	case NoCipher:
		_, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, 40}) // RFC 5246 section 7.2: fatal, handshake_failure
	}
}

// closers closes all of them.
type closers []io.Closer

// Close closes each, the first one first.
func (c closers) Close() error {
	var all error
	for _, each := range c {
		all = errors.Join(all, each.Close())
	}
	return all
}

// held is a TCP port that is bound but does not listen: connections to it are
// refused.
type held struct {
	fd   int
	addr netip.AddrPort
}

// hold binds a port; port 0 means any.
func hold(at netip.AddrPort) (*held, error) {
	family, wanted := syscall.AF_INET, syscall.Sockaddr(&syscall.SockaddrInet4{Addr: v4(at.Addr()), Port: int(at.Port())})
	if at.Addr().Is6() {
		family, wanted = syscall.AF_INET6, &syscall.SockaddrInet6{Addr: at.Addr().As16(), Port: int(at.Port())}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("holding %s: %w", at, err)
	}
	syscall.CloseOnExec(fd) // flags of socket(2) would do both, on Linux only
	h := &held{fd: fd, addr: at}
	if err := errors.Join(syscall.SetNonblock(fd, true), h.bind(wanted)); err != nil {
		_ = h.Close()
		return nil, fmt.Errorf("holding %s: %w", at, err)
	}
	return h, nil
}

func (h *held) bind(wanted syscall.Sockaddr) error {
	// Connections of the last lab at this address may still be in TIME_WAIT.
	if err := syscall.SetsockoptInt(h.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := syscall.Bind(h.fd, wanted); err != nil {
		return err
	}
	got, err := syscall.Getsockname(h.fd)
	switch got := got.(type) {
	case *syscall.SockaddrInet4:
		h.addr = netip.AddrPortFrom(h.addr.Addr(), uint16(got.Port))
	case *syscall.SockaddrInet6:
		h.addr = netip.AddrPortFrom(h.addr.Addr(), uint16(got.Port))
	}
	return err
}

// listen starts listening on the port; the listener then owns it.
func (h *held) listen(backlog int) (net.Listener, error) {
	if err := syscall.Listen(h.fd, backlog); err != nil {
		return nil, fmt.Errorf("listening on %s: %w", h.addr, err)
	}
	file := os.NewFile(uintptr(h.fd), h.addr.String())
	h.fd = -1
	listener, err := net.FileListener(file) // a duplicate
	if closing := file.Close(); err == nil {
		err = closing
	}
	return listener, err
}

// Close releases the port.
func (h *held) Close() error {
	if h.fd < 0 {
		return nil
	}
	err := syscall.Close(h.fd)
	h.fd = -1
	return err
}

func v4(addr netip.Addr) [4]byte {
	if addr.Is4() {
		return addr.As4()
	}
	return [4]byte{}
}
