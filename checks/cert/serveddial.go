package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strings"

	"domovoy/checks"
)

// presented is what one address showed.
type presented struct {
	at     netip.AddrPort
	chain  []*x509.Certificate // as sent; empty when none came
	fault  keyFault            // a handshake that failed for the server's key
	err    error               // why there is no handshake, or nothing to be told from it
	found  []checks.Finding
	dates  checks.Validity // of what visitors get; zero: none, or a stand-in's, which mean nothing
	within uint16          // the version of TLS
}

// keyFault is how a handshake showed that the server's key does not fit.
type keyFault string

// The key faults; the empty one is none.
const (
	faultHandshake keyFault = "handshake" // the server has no cipher for its own pair
	faultSignature keyFault = "signature" // it signs with another key than its certificate's
)

// dial makes one handshake and takes whatever chain comes.
func (s *Served) dial(ctx context.Context, to netip.AddrPort, name string) presented {
	p := presented{at: to}
	if p.err = s.opts.Pace.Wait(ctx, to.Addr().Unmap()); p.err != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", to.String())
	if err != nil {
		p.err = err
		return p
	}
	defer conn.Close()
	var raw [][]byte
	client := tls.Client(conn, lookingConfig(name, &raw))
	if err := client.HandshakeContext(ctx); err != nil {
		p.failed(err, raw)
		return p
	}
	state := client.ConnectionState()
	p.chain, p.within = state.PeerCertificates, state.Version
	return p
}

// lookingConfig accepts anything, for it is the chain that is wanted and not
// the connection. Every cipher is offered: only then does alert 40 tell of
// the server's pair, and not of our taste.
func lookingConfig(name string, raw *[][]byte) *tls.Config {
	var ciphers []uint16
	for _, c := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ciphers = append(ciphers, c.ID)
	}
	return &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true,             //nolint:gosec // judged afterwards
		MinVersion:         tls.VersionTLS10, //nolint:gosec // nothing is sent
		CipherSuites:       ciphers,
		// Without the key shares of 1.2 KB that old middleboxes choke on.
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
		// Called before the server's signature is checked: a chain that
		// does not belong to its key is seen nevertheless.
		VerifyPeerCertificate: func(sent [][]byte, _ [][]*x509.Certificate) error {
			*raw = sent
			return nil
		},
	}
}

// badSignature is how crypto/tls begins when the server proved another key
// than its certificate's; there is no error value for it.
const badSignature = "tls: invalid signature by the server certificate"

// alertHandshakeFailure is fatal: no acceptable set of parameters (RFC 8446
// section 6.2). nginx with an RSA certificate and an EC key gives it to all.
const alertHandshakeFailure tls.AlertError = 40

// failed sorts a handshake that did not succeed.
func (p *presented) failed(err error, raw [][]byte) {
	var remote *net.OpError
	switch {
	case errors.As(err, &remote) && remote.Op == "remote error" && remote.Err.Error() == alertHandshakeFailure.Error():
		p.fault = faultHandshake
	case strings.HasPrefix(err.Error(), badSignature):
		p.fault = faultSignature
		p.chain = parseAll(raw)
	}
	p.err = err
}

// parseAll reads the certificates that can be read.
func parseAll(raw [][]byte) []*x509.Certificate {
	var chain []*x509.Certificate
	for _, der := range raw[:min(len(raw), mostCertificates)] {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, c)
		}
	}
	return chain
}
