package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"golang.org/x/time/rate"
)

// A small answer takes up to 1280 bytes of a receive buffer with the kernel's
// own bookkeeping. Above maxInFlight even large buffers were seen to drop.
const (
	bytesPerAnswer = 1280
	maxInFlight    = 2000
)

// server is one recursive server with the sockets that lead to it.
type server struct {
	addr    netip.AddrPort
	sockets []*socket
	next    atomic.Uint32 // round robin over sockets
	misses  atomic.Int32  // questions unanswered since the last answer
	room    int           // questions in flight on each socket
	pace    *rate.Limiter // nil: no limit
}

func openServer(addr netip.AddrPort, o Options) (*server, error) {
	s := &server{addr: addr}
	for range o.Sockets {
		// Connected: the kernel drops what other hosts send.
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("a socket to %s: %w", addr, err), s.close())
		}
		if s.room = o.InFlight; s.room <= 0 {
			s.room = min(max(grow(conn, o.Buffer)/bytesPerAnswer, 1), maxInFlight)
		}
		s.sockets = append(s.sockets, newSocket(conn, s.room))
	}
	return s, nil
}

// grow asks for a larger receive buffer and gives what was granted: the
// system cuts silently at net.core.rmem_max.
func grow(conn *net.UDPConn, want int) int {
	const usual = 160 * bytesPerAnswer
	_ = conn.SetReadBuffer(want) // refused: the usual buffer stays
	raw, err := conn.SyscallConn()
	if err != nil {
		return usual
	}
	size := 0
	if err := raw.Control(func(fd uintptr) {
		size, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	}); err != nil || size == 0 {
		return usual
	}
	return size
}

func (s *server) close() error {
	var errs []error
	for _, k := range s.sockets {
		errs = append(errs, k.close())
	}
	return errors.Join(errs...)
}

// enter waits until n more questions may be in flight, and gives the socket
// to send them over; they leave it by leave.
func (s *server) enter(ctx context.Context, n int) (*socket, error) {
	if s.pace != nil {
		for range n {
			if err := s.pace.Wait(ctx); err != nil {
				return nil, fmt.Errorf("waiting for a turn at %s: %w", s.addr, err)
			}
		}
	}
	k := s.sockets[int(s.next.Add(1)%uint32(len(s.sockets)))]
	// All at once: two batches that each hold half would wait for each other.
	return k, k.slots.Acquire(ctx, int64(n))
}

// note remembers whether the server answers at all.
func (s *server) note(answered bool) {
	switch {
	case !answered:
		s.misses.Add(1)
	case s.misses.Load() != 0: // a plain store would bounce the cache line
		s.misses.Store(0)
	}
}
