package dns

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// overTCP asks again where the answer did not fit a datagram (RFC 7766).
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
	// The context ends the waiting for bytes, too.
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
