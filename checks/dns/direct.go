package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	mdns "github.com/miekg/dns"
)

// AskAt asks one authoritative server directly, without recursion, which is the
// only way to see whether a delegation works. Such questions are rare, so each
// uses a socket of its own. A response with any rcode is an answer.
func (r *Resolver) AskAt(ctx context.Context, addr netip.AddrPort, q Query) (Answer, error) {
	q.iter = true
	c := new(call)
	var err error
	if c.query, c.question, err = pack(nil, q); err != nil {
		return Answer{}, err
	}
	for range 3 {
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
			err = context.Cause(ctx) // the caller stopped waiting, which does not mean that the server is silent
			break
		}
	}
	return Answer{}, fmt.Errorf("asking %s for %s %s: %w", addr, mdns.TypeToString[q.Type], q.Name, err)
}

// overUDP sends a question over a new socket and waits for the answer.
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
	if !k.expect([]*call{c}) {
		return nil, ErrClosed
	}
	if _, err := conn.Write(c.query); err != nil {
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

// serverAnswer is how one name server answers for a zone.
type serverAnswer int8

const (
	serverUnasked  serverAnswer = iota // could not be asked from here
	serverGood                         // answers with authority
	serverReferral                     // refers to the servers of a zone further down
	serverFailing                      // SERVFAIL: knows the zone, but cannot load it
	serverRefused
	serverUnaware // answers without authority
	serverSilent
	serverClosed
	serverAddressless // the server's name has no address that can be asked
)

// judge classifies the answer of a server that was asked directly.
func judge(a Answer, err error) serverAnswer {
	switch {
	case errors.Is(err, ErrTimeout):
		return serverSilent
	case errors.Is(err, syscall.ECONNREFUSED):
		return serverClosed
	case errors.Is(err, ErrMalformed):
		return serverUnaware
	case err != nil:
		return serverUnasked
	case a.Rcode == mdns.RcodeServerFailure:
		return serverFailing
	case a.Rcode != mdns.RcodeSuccess && a.Rcode != mdns.RcodeNameError:
		return serverRefused
	case a.Authoritative:
		return serverGood
	}
	return serverUnaware
}

// String lists the servers with their answers: "ns1.example: REFUSED".
func (d delegation) String() string {
	words := make([]string, 0, len(d.servers))
	for _, s := range d.servers {
		n := hostname(s.name)
		if n == "" {
			n = "?"
		}
		words = append(words, n+": "+s.String())
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// String is for evidence, in protocol terms.
func (s delegate) String() string {
	switch s.state {
	case serverFailing, serverRefused:
		return rcode(s.said.Rcode)
	case serverSilent:
		return "timeout"
	case serverClosed:
		return "connection refused"
	case serverAddressless:
		return "no address"
	case serverUnaware:
		return "not authoritative"
	case serverUnasked:
		return "not asked"
	}
	return "answers"
}
