package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	mdns "github.com/miekg/dns"
)

// AskAt asks one authoritative server directly, without recursion: what a
// delegation is worth shows only there. Such questions are rare, so each has
// a socket of its own. Any rcode is an answer.
func (r *Resolver) AskAt(ctx context.Context, addr netip.AddrPort, q Query) (Answer, error) {
	q.iter = true
	c := new(call)
	var err error
	if c.query, c.question, err = pack(nil, q); err != nil {
		return Answer{}, err
	}
	for range 2 {
		var msg []byte
		if msg, err = overUDP(ctx, addr, c, r.timeout); err == nil && truncated(msg) {
			msg, err = overTCP(ctx, addr, c.query, c.question, r.timeout)
		}
		if err == nil {
			a, err := parse(msg, c.question)
			a.Server = addr
			return a, err
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx) // it is we who stopped waiting, not the server that was silent
			break
		}
	}
	return Answer{}, fmt.Errorf("asking %s for %s %s: %w", addr, mdns.TypeToString[q.Type], q.Name, err)
}

// overUDP sends a call over a new socket and waits for its answer.
func overUDP(ctx context.Context, addr netip.AddrPort, c *call, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	k := newSocket(conn, 1)
	defer k.close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })()
	c.done = make(chan *call, 1)
	if err := k.send(c); err != nil {
		return nil, err
	}
	buf := make([]byte, maxUDP)
	for {
		n, err := conn.Read(buf)
		if timedOut(err) {
			return nil, ErrTimeout
		}
		if err != nil {
			return nil, err
		}
		if k.take(buf[:n]) == c {
			return buf[:n], nil
		}
	}
}
