package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"domovoy/checks"
)

// signs are told how far an attempt has come, so that the next one need not
// wait for it.
type signs struct {
	dialing   func() // its turn has come; never nil
	connected func() // somebody answered; never nil
}

// visit makes one request over a connection of its own. Waiting for a turn
// at the address takes nothing from the attempt's time.
func (w *walk) visit(ctx context.Context, u *url.URL, addr netip.Addr) (answer, *fault, error) {
	port, _ := w.port(u)
	to := netip.AddrPortFrom(addr, port)
	w.hops = append(w.hops, Hop{URL: checks.Clean(u.String(), checks.WordLength), Address: to})
	if err := w.prober.opts.Pace.Wait(ctx, addr.Unmap()); err != nil {
		return answer{}, nil, err
	}
	w.signs.dialing()
	began := time.Now()
	defer func() { w.left -= time.Since(began) }()

	conn, err := w.dial(ctx, to)
	if err != nil {
		f, err := dialFault(ctx, to, err)
		return answer{}, f, err
	}
	defer conn.Close()
	w.signs.connected()
	deadline := began.Add(w.left)
	stop := bound(ctx, conn, deadline)
	defer stop()

	a, f := w.talk(ctx, conn, u, deadline)
	if ctx.Err() != nil {
		return answer{}, nil, fmt.Errorf("asking %s: %w", to, ctx.Err())
	}
	hop := &w.hops[len(w.hops)-1]
	hop.Status, hop.Server, hop.Location = a.status, a.server, checks.Clean(a.location, checks.WordLength)
	return a, f, nil
}

func (w *walk) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	timeout := max(min(w.prober.opts.Timeout, w.left), time.Millisecond)
	d := net.Dialer{Timeout: timeout, KeepAlive: -1}
	return d.DialContext(ctx, "tcp", to.String())
}

// bound ends a conversation at its deadline, or when the context ends.
func bound(ctx context.Context, conn net.Conn, deadline time.Time) (stop func() bool) {
	_ = conn.SetDeadline(deadline)
	return context.AfterFunc(ctx, func() { _ = conn.Close() })
}

// talk sends the request, over TLS where the URL wants it, and reads the
// answer.
func (w *walk) talk(ctx context.Context, conn net.Conn, u *url.URL, deadline time.Time) (answer, *fault) {
	enough := sync.OnceFunc(func() {
		if soon := time.Now().Add(lingering); soon.Before(deadline) {
			_ = conn.SetDeadline(soon)
		}
	})
	if u.Scheme == "https" {
		secured, f := handshake(ctx, conn, u.Hostname())
		if f != nil {
			return answer{}, f
		}
		conn = secured
	}
	if _, err := conn.Write(request(u, w.prober.opts.UserAgent)); err != nil {
		return answer{}, talkFault(err)
	}
	return readAnswer(conn, enough)
}

// handshake makes the connection secret without asking who is there: the CA
// does not either, for the certificate may be what is being replaced. Old
// versions are let through to be told from broken servers.
func handshake(ctx context.Context, conn net.Conn, host string) (net.Conn, *fault) {
	secured := tls.Client(conn, &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS10,
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, handshakeFault(err)
	}
	if secured.ConnectionState().Version < tls.VersionTLS12 {
		return nil, refusal(ruleTLSVersion, "validation attempt was redirected to an HTTPS server that doesn't support TLSv1.2 or better")
	}
	return secured, nil
}
