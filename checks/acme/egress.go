package acme

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"domovoy/checks"
)

// EgressOptions describe how the panel itself reaches its CA.
type EgressOptions struct {
	Directory string         // URL of the ACME directory; https only
	Proxy     string         // as the panel configures it; empty: direct
	Hidden    bool           // the panel has a proxy whose address this user may not read: Reach fails
	Roots     *x509.CertPool // nil: the system's
	Timeout   time.Duration  // of the whole request, 15 s by default
	Resolver  *net.Resolver  // nil: the system's, as the panel's client uses it
}

// Stage is how far a connection to the CA got: the argument "stage".
type Stage string

// The stages, in order. Any failure before the proxy has opened the tunnel is
// StageProxy.
const (
	StageResolve Stage = "resolve"
	StageConnect Stage = "connect"
	StageProxy   Stage = "proxy"
	StageTLS     Stage = "tls"
	StageHTTP    Stage = "http"
)

// Egress checks the way from this host to the CA's API. It is safe for
// concurrent use.
type Egress struct {
	opts      EgressOptions
	directory *url.URL
	proxy     *url.URL // nil: direct
}

// defaultTimeout is a little more than the resolver's and the connection's own
// timeouts together.
const defaultTimeout = 15 * time.Second

// EgressCheck is the name of the check in outcomes and failures.
const EgressCheck = "egress"

// errHidden says that the configuration names a proxy in a file that this user may not
// read.
var errHidden = errors.New("the panel's proxy is not known to this user")

// Check finds out whether a panel's server reaches its CA. e may be nil: the
// CA is not known.
func (e *Egress) Check() checks.Check {
	c := checks.Check{
		Name:  EgressCheck,
		Scope: checks.ScopeServer,
		Live:  true,
		Asked: true,
		Codes: []checks.Code{checks.CAUnreachable, checks.CAInternal},
	}
	if e == nil {
		return c
	}
	c.Run = func(ctx context.Context, _ *checks.Target) ([]checks.Finding, error) { return e.Reach(ctx) }
	return c
}

// NewEgress returns an Egress. The error is about its options.
func NewEgress(opts EgressOptions) (*Egress, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = defaultTimeout
	}
	e := &Egress{opts: opts}
	var err error
	if e.directory, err = url.Parse(opts.Directory); err != nil {
		return nil, fmt.Errorf("reading the directory's URL: %w", err)
	}
	if e.directory.Scheme != "https" || e.directory.Host == "" {
		return nil, errors.New("reading the directory's URL: not an https URL") // RFC 8555 section 6.1
	}
	if opts.Proxy == "" {
		return e, nil
	}
	if e.proxy, err = url.Parse(opts.Proxy); err != nil || e.proxy.Host == "" {
		return nil, errors.New("reading the proxy's URL: not a URL with a host") // it may hold a password
	}
	return e, nil
}

// Reach fetches the CA's directory as the panel would: by name, TCP and TLS,
// through its proxy. A CA that was reached and fails by itself is reported as
// ca.internal. An error means that this host could not make the request;
// ErrOffline: it has no network.
func (e *Egress) Reach(ctx context.Context) ([]checks.Finding, error) {
	if e.opts.Hidden {
		return nil, errHidden
	}
	limited, cancel := context.WithTimeout(ctx, e.opts.Timeout)
	defer cancel()
	t := newTrip(e)
	defer t.transport.CloseIdleConnections()
	bad := t.get(limited)
	if bad == nil {
		return nil, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("looking at the way to the CA: %w", ctx.Err())
	}
	if err := lacking(bad.err); err != nil {
		return nil, fmt.Errorf("looking at the way to the CA: %w", err)
	}
	if bad.stage == StageResolve || bad.stage == StageConnect || bad.stage == StageProxy && bad.status == 0 {
		if err := e.Online(ctx); err != nil {
			return nil, fmt.Errorf("looking at the way to the CA: %w", err)
		}
	}
	return []checks.Finding{e.finding(t, bad)}, nil
}

// finding says at which stage the request failed.
func (e *Egress) finding(t *request, bad *obstacle) checks.Finding {
	code := checks.CAUnreachable
	if bad.stage == StageHTTP && bad.status >= http.StatusInternalServerError {
		code = checks.CAInternal
	}
	args := checks.Args{"stage": string(bad.stage), "host": checks.Clean(e.directory.Hostname(), checks.WordLength), "directory": checks.Clean(e.directory.Redacted(), checks.WordLength), "error": bad.says()}
	if bad.status != 0 {
		args["status"] = bad.status
	}
	if address := t.reached(); address != "" {
		args["address"] = address
	}
	if e.proxy != nil {
		args["proxy"] = checks.Clean(e.proxy.Host, checks.WordLength) // without the password, which Host does not contain
	}
	return checks.Finding{Code: code, Severity: code.Severity(), Args: args, Detail: bad.detail()}
}

// ErrOffline means that this host has no network at all, so that an unreachable
// host says nothing about the host.
var ErrOffline = errors.New("this host has no network")

// landmarks are addresses of root name servers, in both families
// (https://www.iana.org/domains/root/servers). Nothing is sent to them: they
// represent the Internet when a route is looked up.
func landmarks() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("198.41.0.4"), netip.MustParseAddr("2001:503:ba3e::2:30")}
}

// Online returns ErrOffline if this host has a route neither to the CA, or its
// proxy, nor to the Internet. It uses the routing table and the resolver and
// sends nothing to the CA; a network that is up but drops every packet counts
// as online.
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
	// Without a default route, the proxy may still be on a local network.
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
		return nil // a resolver error does not prove that there is no network
	case err != nil:
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	return ErrOffline
}

// routed reports whether this host has a route to the address. Connecting a UDP
// socket only looks up the route; nothing is sent.
func routed(a netip.Addr) bool {
	const discard = 9 // any port will do
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.Unmap(), discard)))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// lacking returns err if it concerns this host alone, such as too many open
// files; else nil.
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
