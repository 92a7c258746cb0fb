package registry

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"domovoy/checks"
)

// maxAnswer limits an answer in bytes; most have a few kilobytes.
const maxAnswer = 64 << 10

// dialer connects to a server; net.Dialer's DialContext is one.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// askWhois asks a WHOIS server (RFC 3912).
func askWhois(ctx context.Context, dial dialer, e endpoint, domain string) (Registration, error) {
	conn, err := dial(ctx, "tcp", e.whois)
	if err != nil {
		return Registration{}, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return Registration{}, err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(conn, domain+"\r\n"); err != nil {
		return Registration{}, err
	}
	text, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	if err != nil && !complete(text) { // some servers reset the connection after the whole answer
		return Registration{}, errors.Join(ctx.Err(), err)
	}
	answer, err := parseWhois(text, domain, e.zone)
	answer.Source = e.whois
	return answer, err
}

// shorten makes text from outside short and printable.
func shorten(s string) string { return checks.Clean(s, checks.WordLength) }
