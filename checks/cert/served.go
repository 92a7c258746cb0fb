package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"domovoy/checks"
	"domovoy/checks/pace"
)

// ServedOptions configures a Served. The zero value of each field is a good
// default.
type ServedOptions struct {
	HTTPSPort uint16                  // 443 by default
	Timeout   time.Duration           // of one connection with its handshake, 10 s by default
	Pace      *pace.Keyed[netip.Addr] // of the connections to each address; nil: no limit
	Own       []netip.Addr            // our addresses
	Roots     *x509.CertPool          // what visitors trust; nil: the system's
	LifeLeft  float64                 // overdue when this share of its lifetime, or less, is left; see Rules
	Every     time.Duration           // interval between two sweeps; see Rules
}

// Served checks the certificates that visitors get. It is safe for concurrent
// use.
type Served struct {
	opts    ServedOptions
	trust   *verified
	ciphers []uint16 // every one that there is: only then does alert 40 mean a fault of the server's pair and not that we offered too little
}

// Defaults, and how many addresses of a name are checked.
const (
	defaultPort    = 443
	defaultTimeout = 10 * time.Second
	mostAddresses  = 16
)

// NewServed returns a Served.
func NewServed(opts ServedOptions) *Served {
	if opts.HTTPSPort == 0 {
		opts.HTTPSPort = defaultPort
	}
	if opts.Timeout <= 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.Roots == nil {
		// If the system has no roots, chains cannot be verified: see distrust.
		opts.Roots, _ = Roots("")
	}
	s := &Served{opts: opts, trust: newVerified(opts.Roots)}
	for _, c := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		s.ciphers = append(s.ciphers, c.ID)
	}
	return s
}

// Check finds what is wrong with the certificates that visitors of a name get,
// and fills in Target.Served. It connects to nothing if the name points
// elsewhere. s may be nil: no connection is made.
func (s *Served) Check() checks.Check {
	c := checks.Check{
		Name:  ServedCheck,
		Scope: checks.ScopeName,
		Live:  true,
		Codes: []checks.Code{checks.CertExpired, checks.CertOverdue, checks.CertExpiring, checks.CertUntrusted,
			checks.CertNotYet, checks.CertKeyMismatch, checks.CertName, checks.CertNotInstalled,
			checks.WebRefused, checks.WebTimeout, checks.WebReset},
		Needs: checks.Needs{Address: true},
	}
	if s == nil {
		return c
	}
	c.Run = func(ctx context.Context, t *checks.Target) (found []checks.Finding, err error) {
		t.Served, found, err = s.Handshake(ctx, t.DNS, t.Subject, t.Now)
		if err == nil && len(found) == 0 && !t.Served.Known() {
			return nil, checks.ErrNothing
		}
		return append(found, closedPorts(err)...), err
	}
	return c
}

// Handshake gets the certificate of a name from each of our addresses, and judges it
// as a browser would, and against the panel's file and log. The dates are those
// of the certificate that expires first; they are zero unless every address
// served a certificate that is not self-signed. The error means that some
// address could not be checked; findings returned with it are valid.
func (s *Served) Handshake(ctx context.Context, at checks.NameInfo, sub checks.Subject, now time.Time) (checks.Validity, []checks.Finding, error) {
	name := strings.TrimSuffix(at.Name, ".")
	seen := s.dialAll(ctx, s.addresses(at, sub), name)
	j := judge{name: name, sub: sub, rules: Rules{LifeLeft: s.opts.LifeLeft, Every: s.opts.Every}, now: now, trust: s.trust}
	var errs []error
	for i := range seen {
		if err := j.address(&seen[i]); err != nil {
			errs = append(errs, fmt.Errorf("looking at the certificate of %s at %s: %w", name, seen[i].at, closing(ctx, seen[i].at, err)))
		}
	}
	return earliest(seen), gather(seen), allClosed(errs)
}

// earliest returns the dates of the certificate that expires first; zero if an
// address served none.
func earliest(seen []presented) checks.Validity {
	var first checks.Validity
	for i, p := range seen {
		if !p.dates.Known() {
			return checks.Validity{}
		}
		if i == 0 || p.dates.NotAfter.Before(first.NotAfter) {
			first = p.dates
		}
	}
	return first
}

// addresses returns the name's addresses that are ours, in the CA's order of
// families; none for a wildcard, which cannot be connected to, and none for a
// site without TLS.
func (s *Served) addresses(at checks.NameInfo, sub checks.Subject) []netip.Addr {
	if sub.Site.Secure == checks.Off || at.Name == "" || strings.HasPrefix(at.Name, "*") {
		return nil
	}
	all := slices.Concat(at.V6, at.V4)
	switch at.Points {
	case checks.PointsOurs:
	case checks.PointsPartly:
		all = slices.DeleteFunc(all, func(a netip.Addr) bool {
			return !slices.Contains(s.opts.Own, a) && !slices.Contains(sub.Site.Addresses, a)
		})
	default:
		return nil
	}
	return all[:min(len(all), mostAddresses)]
}

// dialAll connects to the addresses concurrently; results are in their order.
func (s *Served) dialAll(ctx context.Context, all []netip.Addr, name string) []presented {
	seen := make([]presented, len(all))
	if len(all) == 1 {
		seen[0] = s.dial(ctx, netip.AddrPortFrom(all[0], s.opts.HTTPSPort), name)
		return seen
	}
	var wait sync.WaitGroup
	for i, a := range all {
		wait.Go(func() { seen[i] = s.dial(ctx, netip.AddrPortFrom(a, s.opts.HTTPSPort), name) })
	}
	wait.Wait()
	return seen
}

// presented is what the server at one address presented.
type presented struct {
	at     netip.AddrPort
	chain  []*x509.Certificate // as sent; empty: none was sent
	fault  keyFault            // why the handshake failed because of the server's key
	err    error               // why there was no handshake, or no result from it
	found  []checks.Finding
	dates  checks.Validity // of the certificate served; zero: none, or a self-signed one, whose dates are ignored
	within uint16          // TLS version
}

// keyFault is how a handshake showed that the server's key does not match its
// certificate.
type keyFault string

// The key faults; the empty string means none.
const (
	faultHandshake keyFault = "handshake" // the server has no cipher for its own pair
	faultSignature keyFault = "signature" // the server signs with another key than its certificate's
)

// dial makes one handshake and accepts any chain. Every server has P-256 (RFC 8446
// section 9.1), and with it the key exchange costs a client half of what it costs
// with X25519; the hybrid costs more still, and old middleboxes drop its 1.2 KB. A
// server that has nothing but X25519 gets it over a second connection.
func (s *Served) dial(ctx context.Context, to netip.AddrPort, name string) presented {
	curves := []tls.CurveID{tls.CurveP256, tls.CurveP384, tls.CurveP521}
	p := s.handshake(ctx, to, name, curves)
	if alerted(p.err) {
		return s.handshake(ctx, to, name, append(curves, tls.X25519))
	}
	return p
}

// handshake makes a connection and one handshake that offers these curves.
func (s *Served) handshake(ctx context.Context, to netip.AddrPort, name string, curves []tls.CurveID) presented {
	p := presented{at: to}
	if p.err = s.opts.Pace.Wait(ctx, to.Addr().Unmap()); p.err != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	dialer := net.Dialer{KeepAlive: -1} // it closes within seconds
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	if err != nil {
		p.err = err
		return p
	}
	defer conn.Close()
	var raw [][]byte
	client := tls.Client(conn, s.config(name, curves, &raw))
	if err := client.HandshakeContext(ctx); err != nil {
		p.failed(err, raw)
		return p
	}
	state := client.ConnectionState()
	p.chain, p.within = state.PeerCertificates, state.Version
	return p
}

// config accepts any server, because only the chain is needed, not the
// connection.
func (s *Served) config(name string, curves []tls.CurveID, raw *[][]byte) *tls.Config {
	return &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true,             //nolint:gosec // verified after the handshake
		MinVersion:         tls.VersionTLS10, //nolint:gosec // no data is sent
		CipherSuites:       s.ciphers,
		CurvePreferences:   curves,
		// Called before the server's signature is checked, so a chain that does
		// not match the server's key is recorded too.
		VerifyPeerCertificate: func(sent [][]byte, _ [][]*x509.Certificate) error {
			*raw = sent
			return nil
		},
	}
}

// badSignature is the start of crypto/tls's error when the server signed with
// another key than its certificate's; there is no error value for it.
const badSignature = "tls: invalid signature by the server certificate"

// alertHandshakeFailure is fatal: no acceptable set of parameters (RFC 8446
// section 6.2). nginx with an RSA certificate and an EC key sends it to all
// clients.
const alertHandshakeFailure tls.AlertError = 40

// alerted reports whether the server ended a handshake because it found nothing
// in what was offered. crypto/tls has no error value for it.
func alerted(err error) bool {
	remote, ok := errors.AsType[*net.OpError](err)
	return ok && remote.Op == "remote error" && remote.Err.Error() == alertHandshakeFailure.Error()
}

// failed classifies the error of a handshake.
func (p *presented) failed(err error, raw [][]byte) {
	switch {
	case alerted(err):
		p.fault = faultHandshake
	case strings.HasPrefix(err.Error(), badSignature):
		p.fault = faultSignature
		p.chain = parseAll(raw)
	}
	p.err = err
}

// parseAll returns the certificates that can be parsed.
func parseAll(raw [][]byte) []*x509.Certificate {
	var chain []*x509.Certificate
	for _, der := range raw[:min(len(raw), mostCertificates)] {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, c)
		}
	}
	return chain
}
