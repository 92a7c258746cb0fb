package cert

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"

	"domovoy/checks"
)

// closedError is the failure of a connection to the HTTPS port that the other
// side caused: it refused, cut the connection, or did not answer.
type closedError struct {
	at   netip.AddrPort
	code checks.Code
	err  error
}

// Error is the text of the cause.
func (e *closedError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *closedError) Unwrap() error { return e.err }

// closing marks an error as one that the other side caused, if it is. One of
// this host, such as a lack of sockets, a missing route or an ended context,
// remains as it is.
func closing(ctx context.Context, at netip.AddrPort, err error) error {
	var late net.Error
	code := checks.Code("")
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, syscall.ECONNREFUSED):
		code = checks.WebRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		code = checks.WebReset
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		code = checks.WebTimeout
	}
	if code == "" {
		return err
	}
	return &closedError{at: at, code: code, err: err}
}

// seenError joins the failures of connections that all were caused by the other
// side.
type seenError struct{ error }

// Unwrap returns the joined error.
func (e seenError) Unwrap() error { return e.error }

// Is reports that the failure is an observation.
func (e seenError) Is(target error) bool { return target == checks.ErrSeen }

// allClosed joins errors. The result is checks.ErrSeen if each of them is a
// closedError.
func allClosed(errs []error) error {
	joined := errors.Join(errs...)
	for _, err := range errs {
		if _, ok := errors.AsType[*closedError](err); !ok {
			return joined
		}
	}
	if joined == nil {
		return nil
	}
	return seenError{joined}
}

// closedPorts returns a finding of severity Info for the first address of each
// way to fail: the CA does not connect to this port unless it is redirected.
func closedPorts(err error) []checks.Finding {
	var found []checks.Finding
	said := map[checks.Code]bool{}
	for _, e := range unjoined(err) {
		c, ok := errors.AsType[*closedError](e)
		if !ok || said[c.code] {
			continue
		}
		said[c.code] = true
		family := "IPv6"
		if c.at.Addr().Is4() {
			family = "IPv4"
		}
		found = append(found, checks.Finding{Code: c.code, Severity: checks.Info, Detail: checks.Clean(c.Error(), 2*checks.WordLength), Args: checks.Args{
			"address": c.at.Addr().String(), "port": int(c.at.Port()), "family": family, "served": true,
		}})
	}
	return found
}

// unjoined returns the errors that allClosed joined.
func unjoined(err error) []error {
	if seen, ok := errors.AsType[seenError](err); ok {
		err = seen.error
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}
