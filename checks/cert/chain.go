package cert

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Distrust is why browsers would not trust a chain: a stable word, the argument
// "reason" of cert.untrusted.
type Distrust string

// The reasons; the empty one is trust.
const (
	SelfSigned  Distrust = "selfsigned"
	UnknownRoot Distrust = "unknownroot" // no CA that this host knows
	Incomplete  Distrust = "incomplete"  // the intermediate is not sent along
	WrongOrder  Distrust = "order"       // the leaf is sent, but not as the first
	ChainOver   Distrust = "chainover"   // a certificate above the leaf has expired
	BadChain    Distrust = "chain"       // signatures, usage or constraints are wrong
)

// mostCertificates of a chain are looked at.
const mostCertificates = 16

// ErrNoRoots means that this host has no list of CAs to judge a chain by.
var ErrNoRoots = errors.New("no list of trusted CAs on this host")

// Roots returns the system's CAs and those of a PEM file, which belongs to an
// administrator. An empty file name adds none.
func Roots(file string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's CAs: %w", err)
	}
	if file == "" {
		return pool, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading a CA's certificate: %w", err)
	}
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("reading %s: %w", file, ErrNoCertificate)
	}
	return pool, nil
}

// distrust verifies a chain at a moment of the leaf's life, for its own dates
// are judged apart. An error means that this host cannot tell.
func distrust(chain []*x509.Certificate, roots *x509.CertPool, now time.Time) (Distrust, error) {
	if roots == nil || roots.Equal(x509.NewCertPool()) {
		return "", ErrNoRoots
	}
	leaf := chain[0]
	switch {
	case !now.After(leaf.NotBefore):
		now = leaf.NotBefore
	case now.After(leaf.NotAfter):
		now = leaf.NotAfter
	}
	others := x509.NewCertPool()
	for _, c := range chain[1:min(len(chain), mostCertificates)] {
		others.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: others, CurrentTime: now})
	return reason(err, chain), nil
}

// reason sorts what Verify found.
func reason(err error, chain []*x509.Certificate) Distrust {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &unknown) && !issuerSent(chain):
		return Incomplete
	case errors.As(err, &unknown):
		return UnknownRoot
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return ChainOver
	}
	return BadChain
}

// issuerSent reports whether the chain has who signed the leaf.
func issuerSent(chain []*x509.Certificate) bool {
	for _, c := range chain[1:] {
		if string(c.RawSubject) == string(chain[0].RawIssuer) {
			return true
		}
	}
	return false
}

// maxModulus bounds RSA keys that a signature is checked with, in bits: the
// time grows by the square, and a file of a megabyte could take hours.
const maxModulus = 16384

// selfSigned reports whether nobody but the certificate vouches for itself.
func selfSigned(c *x509.Certificate) bool {
	if string(c.RawIssuer) == string(c.RawSubject) {
		return true
	}
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxModulus {
		return false
	}
	return c.CheckSignatureFrom(c) == nil
}

// covers reports whether a certificate is valid for the name. A panel's
// self-signed stand-in has the name only as its common name, which browsers no
// longer read (RFC 9525 section 2); it is untrusted anyway.
func covers(c *x509.Certificate, name string) bool {
	return c.VerifyHostname(name) == nil || selfSigned(c) && strings.EqualFold(c.Subject.CommonName, name)
}

// leafFurther reports whether the certificate of the name is there, behind a
// CA's.
func leafFurther(chain []*x509.Certificate, name string) bool {
	for i, c := range chain {
		if c.VerifyHostname(name) == nil && !c.IsCA {
			return i > 0
		}
	}
	return false
}
