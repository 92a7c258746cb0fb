package dns

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"sync"

	"golang.org/x/sync/semaphore"
)

// socket carries many questions at once and brings each answer to the call
// that waits for it.
type socket struct {
	conn  *net.UDPConn
	slots *semaphore.Weighted // for questions in flight: answers must fit the receive buffer

	mu      sync.Mutex
	closed  bool
	pending map[uint16]*call // by message id
	dice    [512]byte        // unpredictable ids (RFC 5452 section 9.2), drawn in bulk
	drawn   int
}

func newSocket(conn *net.UDPConn, room int) *socket {
	return &socket{conn: conn, slots: semaphore.NewWeighted(int64(room)), pending: make(map[uint16]*call), drawn: len(socket{}.dice)}
}

// id draws one that no call in flight uses. The caller holds the lock; the
// slots keep the table far from full.
func (k *socket) id() uint16 {
	for {
		if k.drawn == len(k.dice) {
			_, _ = rand.Read(k.dice[:]) // never fails: crypto/rand stops the program instead
			k.drawn = 0
		}
		id := binary.BigEndian.Uint16(k.dice[k.drawn:])
		k.drawn += 2
		if _, taken := k.pending[id]; !taken {
			return id
		}
	}
}

// send starts a call. After nil its end comes on c.done.
func (k *socket) send(c *call) error {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return ErrClosed
	}
	c.begin(k, k.id())
	k.pending[c.id] = c
	k.mu.Unlock()
	if _, err := k.conn.Write(c.query); err != nil && k.forget(c) {
		return err
	}
	return nil
}

// forget ends the wait for a call, and reports false if its end is already on
// the way to c.done.
func (k *socket) forget(c *call) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pending[c.id] != c {
		return false
	}
	delete(k.pending, c.id)
	return true
}

// listen reads answers until the socket closes.
func (k *socket) listen() {
	buf := make([]byte, maxUDP)
	for {
		n, err := k.conn.Read(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			k.fail(ErrClosed)
			return
		case err != nil:
			// An ICMP error does not say which question it answers: the
			// server's port is closed, so it holds for all.
			k.fail(err)
		default:
			if c := k.take(buf[:n]); c != nil {
				c.answer = append(c.answer[:0], buf[:n]...)
				c.done <- c
			}
		}
	}
}

// take finds the call that a message answers. Id, name and type must be
// echoed to the letter, and the server is known by the socket: anything else
// is noise, a late answer to an earlier question, or forged.
func (k *socket) take(msg []byte) *call {
	if len(msg) < headerLen || msg[2]&(flagQR>>8|opcodeMask>>8) != flagQR>>8 {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.pending[binary.BigEndian.Uint16(msg)]
	if c == nil || !c.asked(msg) {
		return nil
	}
	delete(k.pending, c.id)
	return c
}

// asked reports whether a message repeats the call's question.
func (c *call) asked(msg []byte) bool { return echoes(msg, c.query[headerLen:c.question]) }

// echoes reports whether a message's only question is this one.
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
	ended := make([]*call, 0, len(k.pending))
	for _, c := range k.pending {
		ended = append(ended, c)
	}
	clear(k.pending)
	k.mu.Unlock()
	for _, c := range ended {
		c.err = err
		c.done <- c
	}
}

func (k *socket) leave(n int) { k.slots.Release(int64(n)) }

func (k *socket) close() error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	return k.conn.Close()
}
