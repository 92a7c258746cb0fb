// Package dns resolves names, with CAA and DNSSEC, and judges where they point.
package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	mdns "github.com/miekg/dns"
	"golang.org/x/time/rate"
)

// Errors of questions without a usable answer.
var (
	ErrTimeout   = errors.New("the resolver did not answer in time")
	ErrClosed    = errors.New("the resolver is closed")
	ErrRefused   = errors.New("the resolver refuses to answer us")
	ErrMalformed = errors.New("the answer cannot be read")
)

// Query is one question to a server.
type Query struct {
	Name string // A-label form; the final dot may be missing
	Type uint16
	CD   bool // checking disabled (RFC 4035 section 3.2.2): the data even if its signatures are broken
	DO   bool // DNSSEC records requested (RFC 3225)
	iter bool // recursion not desired: the question is for an authoritative server
}

// Options configures a Resolver. Zero fields mean the defaults.
type Options struct {
	Servers  []netip.AddrPort
	Timeout  time.Duration // of one try; 2 s
	Sockets  int           // per server; 4
	InFlight int           // questions at once per socket; derived from the receive buffer if 0
	Buffer   int           // receive buffer of a socket in bytes; 4 MB, or less if the system allows less
	Rate     float64       // questions per second and server; 0: not limited
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Sockets <= 0 {
		o.Sockets = 4
	}
	if o.Buffer <= 0 {
		o.Buffer = 4 << 20
	}
	return o
}

// Resolver asks recursive servers over a few sockets that all questions share.
// It is safe for concurrent use.
type Resolver struct {
	servers []*server
	timeout time.Duration
	batches sync.Pool
	readers sync.WaitGroup
}

// Open opens the sockets. It sends nothing yet, so an unreachable server is
// noticed only with the first question.
func Open(o Options) (*Resolver, error) {
	o = o.withDefaults()
	if len(o.Servers) == 0 {
		return nil, errors.New("opening the resolver: no server to ask")
	}
	r := &Resolver{timeout: o.Timeout, batches: sync.Pool{New: func() any { return &batch{done: make(chan struct{}, 1)} }}}
	for _, addr := range o.Servers {
		s, err := openServer(addr, o)
		if err != nil {
			_ = r.Close()
			return nil, fmt.Errorf("opening the resolver: %w", err)
		}
		if o.Rate > 0 {
			s.pace = rate.NewLimiter(rate.Limit(o.Rate), max(1, int(o.Rate/10)))
		}
		r.servers = append(r.servers, s)
		for _, k := range s.sockets {
			r.readers.Go(k.listen)
		}
	}
	return r, nil
}

// Close ends the questions in flight with ErrClosed.
func (r *Resolver) Close() error {
	var errs []error
	for _, s := range r.servers {
		errs = append(errs, s.close())
	}
	r.readers.Wait()
	return errors.Join(errs...)
}

// Ask asks one question: see AskAll.
func (r *Resolver) Ask(ctx context.Context, q Query) (Answer, error) {
	var one [1]Result
	r.ask(ctx, []Query{q}, one[:], r.preferred())
	return one[0].Answer, one[0].Err
}

// AskOther is AskAll beginning with another server than the given one. With a
// single server it asks that one again.
func (r *Resolver) AskOther(ctx context.Context, queries []Query, than netip.AddrPort) []Result {
	out := make([]Result, len(queries))
	r.ask(ctx, queries, out, (r.indexOf(than)+1)%len(r.servers))
	return out
}

// indexOf returns the index of a server; that of the preferred one if there is
// no such server.
func (r *Resolver) indexOf(addr netip.AddrPort) int {
	for i, s := range r.servers {
		if s.addr == addr {
			return i
		}
	}
	return r.preferred()
}

// Result is the result of one question: an answer with any rcode, or the error.
type Result struct {
	Answer Answer
	Err    error
}

// tries is how often a question is sent before it counts as unanswered: if
// three packets of ten are lost, one question of four hundred stays without an
// answer.
const tries = 5

// deaf is the number of batches without any answer after which a server is not
// given more than two tries: it does not lose packets, it does not answer.
const deaf = 10

// AskAll asks several questions at once, without a goroutine for each: it sends
// all, then waits for all. An unanswered question is sent again up to four
// times, over another socket and to the next server. A refused one is sent once
// to each server. SERVFAIL is an answer and is not asked again.
func (r *Resolver) AskAll(ctx context.Context, queries []Query) []Result {
	out := make([]Result, len(queries))
	r.ask(ctx, queries, out, r.preferred())
	return out
}

func (r *Resolver) ask(ctx context.Context, queries []Query, out []Result, first int) {
	for most := r.room(); len(queries) > 0; {
		n := min(len(queries), most)
		r.askSome(ctx, queries[:n], out[:n], first)
		queries, out = queries[n:], out[n:]
	}
}

// room returns how many questions every server takes at once.
func (r *Resolver) room() int {
	room := r.servers[0].room
	for _, s := range r.servers {
		room = min(room, s.room)
	}
	return room
}

// askSome asks at most as many questions as a server takes at once, beginning
// with the server of an index.
func (r *Resolver) askSome(ctx context.Context, queries []Query, out []Result, first int) {
	b := r.batches.Get().(*batch)
	defer r.batches.Put(b)
	b.load(queries, out)
	for try := range tries {
		s := r.servers[(first+try)%len(r.servers)]
		if try >= 2 && s.misses.Load() > deaf {
			break
		}
		b.try(ctx, s, r.wait(try), out)
		if ctx.Err() != nil || !b.again(out, try+1 < len(r.servers)) {
			break
		}
	}
	for i := range out {
		if out[i].Err == nil && out[i].Answer.Rcode == mdns.RcodeRefused {
			out[i].Err = ErrRefused
		}
		if out[i].Err != nil {
			out[i].Err = fmt.Errorf("asking for %s %s: %w", mdns.TypeToString[queries[i].Type], queries[i].Name, out[i].Err)
		}
	}
}

// wait returns how long a try lasts. The first and the last have time for a
// resolver that has to ask around; those in between make up for lost packets.
func (r *Resolver) wait(try int) time.Duration {
	if try == 0 || try == tries-1 {
		return r.timeout
	}
	return r.timeout / 2
}

// preferred returns the index of the server with the fewest unanswered
// questions since its last answer, the first of them. An unreachable server is
// soon no longer asked first; it stays the second choice, and its first answer
// restores it.
func (r *Resolver) preferred() int {
	best, misses := 0, r.servers[0].misses.Load()
	for i, s := range r.servers {
		if m := s.misses.Load(); m < misses {
			best, misses = i, m
		}
	}
	return best
}

// timedOut reports whether the operation timed out before its deadline.
func timedOut(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// call is one try of one question.
type call struct {
	query    []byte // the whole message, ready to send
	question int    // where its question section ends
	answer   []byte
	err      error
	id       uint16
	next     *call // of the socket's calls with ids that are alike
	batch    *batch
	ended    bool // there is an answer or an error
	open     bool // still to be asked, or to be asked again
	cut      int  // answers that were truncated and could not be fetched over TCP
}

func (c *call) begin(id uint16) {
	c.id = id
	c.query[0], c.query[1] = byte(id>>8), byte(id)
}

// end records how the call ended: with its answer, or with an error. The last of
// a batch wakes the one who waits.
func (c *call) end(err error) {
	c.err, c.ended = err, true
	if c.batch.left.Add(-1) == 0 {
		c.batch.done <- struct{}{}
	}
}

// batch is a few questions asked together. Batches are reused, so that lookups
// do not allocate their buffers.
type batch struct {
	calls []call
	left  atomic.Int32  // calls that were sent and have not ended
	done  chan struct{} // receives one element when the last call ends
	timer *time.Timer
	asked []*call // those that are open
	burst burst
}

// load packs the questions. An invalid name is a result at once.
func (b *batch) load(queries []Query, out []Result) {
	for len(b.calls) < len(queries) {
		b.calls = append(b.calls, call{})
	}
	b.calls = b.calls[:len(queries)]
	for i, q := range queries {
		c := &b.calls[i]
		c.batch, c.cut = b, 0
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
	b.left.Store(int32(n))
	b.asked = b.asked[:0]
	for i := range b.calls {
		if c := &b.calls[i]; c.open {
			out[i], c.ended = Result{Err: ErrTimeout}, false
			b.asked = append(b.asked, c)
		}
	}
	k.send(b.asked, &b.burst)
	late := b.wait(ctx, k, timeout)
	for i := range b.calls {
		switch c := &b.calls[i]; {
		case c.open && c.ended:
			b.finish(ctx, s, timeout, c, &out[i])
		case c.open && late && ctx.Err() != nil:
			out[i].Err = context.Cause(ctx)
		}
	}
	if late && ctx.Err() == nil {
		s.note(false)
	}
}

// wait waits until the calls have ended, and reports whether some did not in
// time.
func (b *batch) wait(ctx context.Context, k *socket, timeout time.Duration) (late bool) {
	if b.timer == nil {
		b.timer = time.NewTimer(timeout)
	} else {
		b.timer.Reset(timeout)
	}
	defer b.timer.Stop()
	select {
	case <-b.done:
		return false
	case <-b.timer.C:
	case <-ctx.Done():
	}
	// No call may outlive the batch: one that its socket no longer knows has
	// ended, or ends shortly.
	forgotten := int32(0)
	for i := range b.calls {
		if c := &b.calls[i]; c.open && k.forget(c) {
			forgotten++
		}
	}
	if forgotten == 0 || b.left.Add(-forgotten) > 0 {
		<-b.done
	}
	return forgotten > 0
}

// finish parses an answer, fetching it over TCP if it was truncated.
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
			c.cut++
			c.open = c.cut < 2 // each attempt may take the whole timeout
			return
		}
	}
	r.Answer, r.Err = parse(msg, c.question)
	r.Answer.Server = s.addr
	c.open = r.Err != nil
}

// again marks as open the questions worth a second attempt, and reports whether
// there are any.
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

// fail ends every open question with the same error.
func (b *batch) fail(out []Result, err error) {
	for i := range b.calls {
		if b.calls[i].open {
			out[i].Err = err
		}
	}
}
