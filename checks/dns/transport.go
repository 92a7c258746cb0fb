package dns

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// A small answer takes up to 1280 bytes of a receive buffer, including the
// kernel's own data. Above maxInFlight packets were dropped even with large
// buffers.
const (
	bytesPerAnswer = 1280
	maxInFlight    = 2000
)

// server is one recursive server with the sockets connected to it.
type server struct {
	addr    netip.AddrPort
	sockets []*socket
	next    atomic.Uint32 // round robin over sockets
	misses  atomic.Int32  // unanswered questions since the last answer
	room    int           // maximum number of questions in flight on each socket
	pace    *rate.Limiter // nil: no limit
}

func openServer(addr netip.AddrPort, o Options) (*server, error) {
	s := &server{addr: addr}
	for range o.Sockets {
		// Connected, so that the kernel drops packets of other hosts.
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

// grow requests a larger receive buffer and returns the size granted: the
// system silently limits it to net.core.rmem_max.
func grow(conn *net.UDPConn, want int) int {
	const usual = 160 * bytesPerAnswer
	_ = conn.SetReadBuffer(want) // on failure the default buffer is used
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

// enter waits until n more questions may be in flight, and returns the socket
// to send them over. Each must be released with leave.
func (s *server) enter(ctx context.Context, n int) (*socket, error) {
	if s.pace != nil {
		for range n {
			if err := s.pace.Wait(ctx); err != nil {
				return nil, fmt.Errorf("waiting for a turn at %s: %w", s.addr, err)
			}
		}
	}
	k := s.sockets[int(s.next.Add(1)%uint32(len(s.sockets)))]
	// All n at once: two batches that each hold half would wait for each other.
	return k, k.slots.Acquire(ctx, int64(n))
}

// note records whether the server answered.
func (s *server) note(answered bool) {
	switch {
	case !answered:
		s.misses.Add(1)
	case s.misses.Load() != 0: // an unconditional store would contend for the cache line
		s.misses.Store(0)
	}
}

// socket carries many questions at once and delivers each answer to its call.
type socket struct {
	conn  *net.UDPConn
	slots *semaphore.Weighted // questions in flight: their answers must fit the receive buffer
	alone atomic.Bool         // the system takes each packet by itself

	mu      sync.Mutex
	closed  bool
	pending [256]*call // the calls in flight: a list for each low byte of their ids
	dice    [512]byte  // random bytes for unpredictable ids (RFC 5452 section 9.2), read in bulk
	drawn   int
}

func newSocket(conn *net.UDPConn, room int) *socket {
	return &socket{conn: conn, slots: semaphore.NewWeighted(int64(room)), drawn: len(socket{}.dice)}
}

// place returns the place in the list of calls in flight at which that with an
// id stands, or would be added.
func (k *socket) place(id uint16) **call {
	at := &k.pending[id&0xff]
	for *at != nil && (*at).id != id {
		at = &(*at).next
	}
	return at
}

// id returns an id that no call in flight uses. The caller holds the lock;
// slots limits the calls, so most ids are free.
func (k *socket) id() uint16 {
	for {
		if k.drawn == len(k.dice) {
			_, _ = rand.Read(k.dice[:]) // never fails: crypto/rand ends the program instead
			k.drawn = 0
		}
		id := binary.BigEndian.Uint16(k.dice[k.drawn:])
		k.drawn += 2
		if *k.place(id) == nil {
			return id
		}
	}
}

// send starts calls, which end later: with an answer, or with an error.
func (k *socket) send(calls []*call, b *burst) {
	if !k.expect(calls) {
		for _, c := range calls {
			c.end(ErrClosed)
		}
		return
	}
	b.send(k, calls)
}

// expect gives calls their ids and waits for their answers. It returns false if
// the socket is closed.
func (k *socket) expect(calls []*call) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false
	}
	for _, c := range calls {
		c.begin(k.id())
		*k.place(c.id) = c
	}
	return true
}

// forget stops waiting for a call, and returns false if the call has ended or is
// ending.
func (k *socket) forget(c *call) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.place(c.id)
	if *at != c {
		return false
	}
	*at, c.next = c.next, nil
	return true
}

// listen reads answers until the socket is closed.
func (k *socket) listen() {
	buf := make([]byte, maxUDP)
	for {
		n, err := k.conn.Read(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			k.fail(ErrClosed)
			return
		case err != nil:
			// An ICMP error does not say which question it is about; it means
			// that the server's port is closed, so all calls fail.
			k.fail(err)
		default:
			if c := k.take(buf[:n]); c != nil {
				c.answer = append(c.answer[:0], buf[:n]...)
				c.end(nil)
			}
		}
	}
}

// take returns the call that a message answers. The message must repeat id,
// name and type exactly, and the socket accepts only the server's packets:
// anything else is garbage, a late answer to an earlier question, or forged.
func (k *socket) take(msg []byte) *call {
	if len(msg) < headerLen || msg[2]&(flagQR>>8|opcodeMask>>8) != flagQR>>8 {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.place(binary.BigEndian.Uint16(msg))
	c := *at
	if c == nil || !c.asked(msg) {
		return nil
	}
	*at, c.next = c.next, nil
	return c
}

// asked reports whether a message repeats the call's question.
func (c *call) asked(msg []byte) bool { return echoes(msg, c.query[headerLen:c.question]) }

// echoes reports whether a message's only question is the given one.
func echoes(msg, question []byte) bool {
	return len(msg) >= headerLen+len(question) && msg[4] == 0 && msg[5] == 1 &&
		bytes.Equal(msg[headerLen:headerLen+len(question)], question)
}

// fail ends all calls in flight.
func (k *socket) fail(err error) {
	k.mu.Lock()
	if errors.Is(err, ErrClosed) {
		k.closed = true
	}
	ended := k.pending
	clear(k.pending[:])
	k.mu.Unlock()
	for _, c := range ended {
		for c != nil {
			next := c.next // c may be used for another question once it has ended
			c.next = nil
			c.end(err)
			c = next
		}
	}
}

func (k *socket) leave(n int) { k.slots.Release(int64(n)) }

func (k *socket) close() error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	return k.conn.Close()
}

// overTCP asks again over TCP after a truncated answer (RFC 7766).
func overTCP(ctx context.Context, addr netip.AddrPort, query []byte, question int, timeout time.Duration) ([]byte, error) {
	msg, err := exchangeTCP(ctx, addr, query, question, timeout)
	if err != nil {
		if timedOut(err) && ctx.Err() == nil {
			err = ErrTimeout
		}
		return nil, fmt.Errorf("asking %s over TCP: %w", addr, err)
	}
	return msg, nil
}

func exchangeTCP(ctx context.Context, addr netip.AddrPort, query []byte, question int, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// When the context ends, reads and writes must end too.
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	out := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(query)), uint16(len(query)))
	if _, err := conn.Write(append(out, query...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, msg); err != nil {
		return nil, err
	}
	if !echoes(msg, query[headerLen:question]) || msg[0] != query[0] || msg[1] != query[1] || msg[2]&(flagQR>>8) == 0 {
		return nil, fmt.Errorf("%w: it belongs to another question", ErrMalformed)
	}
	return msg, nil
}
