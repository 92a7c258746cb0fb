package dns

import (
	"context"
	"errors"
	"fmt"
	"time"

	mdns "github.com/miekg/dns"
)

// call is one try of one question.
type call struct {
	query    []byte // the whole message, ready to send
	question int    // where its question section ends
	answer   []byte
	err      error
	id       uint16
	socket   *socket
	done     chan<- *call // has room for every call of its batch
	index    int          // which of the batch's questions
	open     bool         // to be asked, or asked again
}

func (c *call) begin(k *socket, id uint16) {
	c.socket, c.id, c.err = k, id, nil
	c.query[0], c.query[1] = byte(id>>8), byte(id)
}

// batch is a handful of questions asked together. It is used again and again:
// its buffers are what a lookup would otherwise allocate.
type batch struct {
	calls []call
	done  chan *call
	timer *time.Timer
}

// load writes the questions. A name that cannot be asked for is done at once.
func (b *batch) load(queries []Query, out []Result) {
	for len(b.calls) < len(queries) {
		b.calls = append(b.calls, call{})
	}
	b.calls = b.calls[:len(queries)]
	if cap(b.done) < len(queries) {
		b.done = make(chan *call, max(len(queries), 8))
	}
	for i, q := range queries {
		c := &b.calls[i]
		c.index, c.done = i, b.done
		c.query, c.question, out[i].Err = pack(c.query[:0], q)
		c.open = out[i].Err == nil
	}
}

// try sends every open question to a server and waits for the answers.
func (b *batch) try(ctx context.Context, s *server, timeout time.Duration, out []Result) {
	n := b.count()
	if n == 0 {
		return
	}
	k, err := s.enter(ctx, n)
	if err != nil {
		b.fail(out, err)
		return
	}
	defer k.leave(n)
	sent := 0
	for i := range b.calls {
		c := &b.calls[i]
		if !c.open {
			continue
		}
		out[i] = Result{Err: ErrTimeout}
		if err := k.send(c); err != nil {
			out[i].Err = fmt.Errorf("sending to %s: %w", s.addr, err)
			continue
		}
		sent++
	}
	b.wait(ctx, s, timeout, sent, out)
}

// wait collects the ends of the calls that were sent.
func (b *batch) wait(ctx context.Context, s *server, timeout time.Duration, sent int, out []Result) {
	if b.timer == nil {
		b.timer = time.NewTimer(timeout)
	} else {
		b.timer.Reset(timeout)
	}
	defer b.timer.Stop()
	for ; sent > 0; sent-- {
		select {
		case c := <-b.done:
			b.finish(ctx, s, timeout, c, &out[c.index])
			continue
		case <-b.timer.C:
			s.note(false)
		case <-ctx.Done():
		}
		break
	}
	// No call may outlive the batch: what its socket no longer knows has
	// ended and is on its way.
	for i := range b.calls {
		c := &b.calls[i]
		if sent > 0 && c.open && c.socket != nil && c.socket.forget(c) {
			sent--
			out[i].Err = context.Cause(ctx)
			if out[i].Err == nil {
				out[i].Err = ErrTimeout
			}
		}
	}
	for ; sent > 0; sent-- {
		c := <-b.done
		b.finish(ctx, s, timeout, c, &out[c.index])
	}
}

// finish reads an answer, over TCP if it did not fit.
func (b *batch) finish(ctx context.Context, s *server, timeout time.Duration, c *call, r *Result) {
	if c.err != nil {
		r.Err = fmt.Errorf("asking %s: %w", s.addr, c.err)
		s.note(false)
		return
	}
	s.note(true)
	msg := c.answer
	if truncated(msg) {
		var err error
		if msg, err = overTCP(ctx, s.addr, c.query, c.question, timeout); err != nil {
			*r = Result{Err: err}
			return
		}
	}
	r.Answer, r.Err = parse(msg, c.question)
	r.Answer.Server = s.addr
	c.open = r.Err != nil
}

// again leaves open what is worth a second try, and reports whether any is.
func (b *batch) again(out []Result, another bool) bool {
	any := false
	for i := range b.calls {
		c := &b.calls[i]
		refused := out[i].Err == nil && out[i].Answer.Rcode == mdns.RcodeRefused
		c.open = c.open && !errors.Is(out[i].Err, ErrClosed) || refused && another
		any = any || c.open
	}
	return any
}

func (b *batch) count() int {
	n := 0
	for i := range b.calls {
		if b.calls[i].open {
			n++
		}
	}
	return n
}

// fail gives every open question the same error.
func (b *batch) fail(out []Result, err error) {
	for i := range b.calls {
		if b.calls[i].open {
			out[i].Err = err
		}
	}
}
