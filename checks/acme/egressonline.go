package acme

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// ErrOffline means that this host has no network at all: nothing that is out
// of reach then says anything about anybody.
var ErrOffline = errors.New("this host has no network")

// landmarks are addresses of root name servers, in both families
// (https://www.iana.org/domains/root/servers). Nothing is sent to them: they
// stand for the whole Internet when a route is looked for.
func landmarks() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("198.41.0.4"), netip.MustParseAddr("2001:503:ba3e::2:30")}
}

// Online reports by ErrOffline that this host has a way neither to the CA,
// or to the proxy before it, nor into the Internet. It asks the routing table
// and the resolver, and connects to nobody; a network that is up and carries
// nothing counts as one.
func (e *Egress) Online(ctx context.Context) error {
	host := e.directory.Hostname()
	if e.proxy != nil {
		host = e.proxy.Hostname()
	}
	resolver := e.opts.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	for _, a := range landmarks() {
		if routed(a) {
			return nil
		}
	}
	// Without a default route, our own network may still have the proxy.
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeout)
	defer cancel()
	addresses, err := resolver.LookupNetIP(ctx, "ip", host)
	for _, a := range addresses {
		if routed(a) {
			return nil
		}
	}
	var answer *net.DNSError
	switch {
	case errors.As(err, &answer) && answer.IsNotFound:
		return nil // a resolver that is cut off does not know this
	case err != nil:
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	return ErrOffline
}

// routed reports whether this host has a way to the address. Connecting a UDP
// socket only looks up the route; nothing is sent.
func routed(a netip.Addr) bool {
	const discard = 9 // any port would do
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.Unmap(), discard)))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// lacking keeps the errors that tell of this host alone, such as too many open
// files.
func lacking(err error) error {
	for _, lack := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL,
	} {
		if errors.Is(err, lack) {
			return err
		}
	}
	return nil
}
