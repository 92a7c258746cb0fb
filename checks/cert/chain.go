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

// Distrust is why browsers would not trust a chain: a stable identifier, the
// argument "reason" of cert.untrusted.
type Distrust string

// The reasons; the empty string means that it is trusted.
const (
	SelfSigned  Distrust = "selfsigned"
	UnknownRoot Distrust = "unknownroot" // no CA in this host's list
	Incomplete  Distrust = "incomplete"  // the intermediate is not sent
	WrongOrder  Distrust = "order"       // the leaf is sent, but is not the first
	ChainOver   Distrust = "chainover"   // a certificate above the leaf has expired
	BadChain    Distrust = "chain"       // a signature, usage or constraint is invalid
)

// mostCertificates is how many certificates of a chain are parsed.
const mostCertificates = 16

// ErrNoRoots means that this host has no list of trusted CAs to verify a chain
// with.
var ErrNoRoots = errors.New("no list of trusted CAs on this host")

// Roots returns the system's CAs and those of a PEM file that an administrator
// maintains. An empty file name adds none.
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

// distrust verifies a chain at a time within the leaf's validity, because the
// leaf's own dates are judged separately. An error means that this host cannot
// verify chains.
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

// reason classifies the error of Verify.
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

// issuerSent reports whether the chain contains the certificate that signed the
// leaf.
func issuerSent(chain []*x509.Certificate) bool {
	for _, c := range chain[1:] {
		if string(c.RawSubject) == string(chain[0].RawIssuer) {
			return true
		}
	}
	return false
}

// maxModulus bounds RSA keys that a signature is checked with, in bits: the
// time grows with the square of the length, and a key of a megabyte could take
// hours.
const maxModulus = 16384

// selfSigned reports whether a certificate is signed by its own key.
func selfSigned(c *x509.Certificate) bool {
	if string(c.RawIssuer) == string(c.RawSubject) {
		return true
	}
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxModulus {
		return false
	}
	return c.CheckSignatureFrom(c) == nil
}

// covers reports whether a certificate is valid for the name. A self-signed
// certificate of the panel has the name only as its common name, which browsers
// ignore (RFC 9525 section 2); it is untrusted anyway.
func covers(c *x509.Certificate, name string) bool {
	return c.VerifyHostname(name) == nil || selfSigned(c) && strings.EqualFold(c.Subject.CommonName, name)
}

// leafFurther reports whether the name's certificate is in the chain after a
// CA's certificate.
func leafFurther(chain []*x509.Certificate, name string) bool {
	for i, c := range chain {
		if c.VerifyHostname(name) == nil && !c.IsCA {
			return i > 0
		}
	}
	return false
}
