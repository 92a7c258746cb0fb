package dns

import "errors"

// mostJoined is how many packets the system takes as one (UDP_MAX_SEGMENTS of
// older kernels).
const mostJoined = 64

// burst sends the questions of a batch. Those about one name have the same size,
// and Linux takes packets of a size as one and cuts it apart later: to get one
// through the system costs more than all that we do about a question. It keeps
// its buffers for the next questions, and is not safe for concurrent use.
type burst struct {
	packets []byte // that leave together, one after another
	control []byte // says the size of each
}

// send sends the questions of calls that the socket waits for. Where that fails,
// the call ends with the error.
func (b *burst) send(k *socket, calls []*call) {
	for len(calls) > 0 {
		n := b.join(calls)
		if n == 1 || !b.together(k, len(calls[0].query)) {
			for _, c := range calls[:n] {
				if _, err := k.conn.Write(c.query); err != nil && k.forget(c) {
					c.end(err)
				}
			}
		}
		calls = calls[n:]
	}
}

// join puts as many of the questions as can leave together into packets, and
// returns their number: all have the size of the first, but for the last, which
// may be shorter.
func (b *burst) join(calls []*call) int {
	b.packets = b.packets[:0]
	size := len(calls[0].query)
	for i, c := range calls[:min(len(calls), mostJoined)] {
		if len(c.query) > size {
			return i
		}
		b.packets = append(b.packets, c.query...)
		if len(c.query) < size {
			return i + 1
		}
	}
	return min(len(calls), mostJoined)
}

// together sends the packets at once, if this system can, and reports whether it
// has. An error of the connection is left to those who send them one by one.
func (b *burst) together(k *socket, size int) bool {
	if k.alone.Load() {
		return false
	}
	err := b.write(k.conn, size)
	if errors.Is(err, errors.ErrUnsupported) {
		k.alone.Store(true)
	}
	return err == nil
}
