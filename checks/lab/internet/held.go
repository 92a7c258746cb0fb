package internet

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// held is a TCP port that is ours though nobody listens on it: who connects is refused.
type held struct {
	fd   int
	addr netip.AddrPort
}

// hold takes a port; port 0 takes any.
func hold(at netip.AddrPort) (*held, error) {
	family, wanted := syscall.AF_INET, syscall.Sockaddr(&syscall.SockaddrInet4{Addr: v4(at.Addr()), Port: int(at.Port())})
	if at.Addr().Is6() {
		family, wanted = syscall.AF_INET6, &syscall.SockaddrInet6{Addr: at.Addr().As16(), Port: int(at.Port())}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("holding %s: %w", at, err)
	}
	h := &held{fd: fd, addr: at}
	if err := h.bind(wanted); err != nil {
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

// listen turns the port into a listener, which owns it from then on.
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

// Close gives the port back.
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
