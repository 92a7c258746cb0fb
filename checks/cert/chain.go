package cert

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
)

// Distrust is why browsers would not trust a chain: a stable identifier, the
// argument "reason" of cert.untrusted.
type Distrust string

// The reasons; the empty string means that it is trusted.
const (
	SelfSigned  Distrust = "selfsigned"
	UnknownRoot Distrust = "unknownroot" // no CA in this host's list
	National    Distrust = "national"    // the national CA of Russia, which few browsers know
	Staging     Distrust = "staging"     // a CA's environment for trials, which no browser knows
	Incomplete  Distrust = "incomplete"  // an intermediate is not sent
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
	if file == "" {
		return RootsWith(nil)
	}
	data, err := RootFile(file)
	if err != nil {
		return nil, err
	}
	return RootsWith(data)
}

// RootsWith returns the roots of this host and those in a PEM text, which may be
// empty.
func RootsWith(data []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's CAs: %w", err)
	}
	if len(data) > 0 && !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("reading a CA's certificate: %w", ErrNoCertificate)
	}
	return pool, nil
}

// RootFile reads a file with roots (PEM).
func RootFile(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading a CA's certificate: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("reading %s: %w", file, ErrNoCertificate)
	}
	return data, nil
}

// RootsBeyond returns those certificates of a PEM text that this host's own list does
// not have, if the text is longer than most bytes; else all. whole is false if even
// those are longer: then there are none.
func RootsBeyond(data []byte, most int) (few []byte, whole bool) {
	if len(data) <= most {
		return data, true
	}
	system, err := x509.SystemCertPool()
	if err != nil {
		return nil, false
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		if _, err := c.Verify(x509.VerifyOptions{Roots: system, CurrentTime: c.NotAfter, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err == nil {
			continue
		}
		few = append(few, pem.EncodeToMemory(block)...)
	}
	if len(few) > most {
		return nil, false
	}
	return few, true
}

// distrust verifies a chain at a time within the leaf's validity, because the
// leaf's own dates are judged separately. It goes by the roots of this host,
// but for those that are known to be in no browser, or in few: see
// authorities.go. An error means that this host cannot verify chains.
func distrust(chain []*x509.Certificate, roots *x509.CertPool, now time.Time) (Distrust, error) {
	if national(chain) {
		return National, nil
	}
	if staging(chain[0]) {
		return Staging, nil
	}
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
	ways, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: others, CurrentTime: now})
	if err == nil && !slices.ContainsFunc(ways, forBrowsers) {
		return Incomplete, nil
	}
	return reason(err, chain), nil
}

// forBrowsers reports whether a verified chain ends at a root that browsers may
// have.
func forBrowsers(way []*x509.Certificate) bool {
	_, nowhere := crossed(way[len(way)-1].Subject.CommonName)
	return !nowhere
}

// reason classifies the error of Verify.
func reason(err error, chain []*x509.Certificate) Distrust {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &unknown) && lacks(chain).Missing != "":
		return Incomplete
	case errors.As(err, &unknown):
		return UnknownRoot
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return ChainOver
	}
	return BadChain
}

// distrustInFile returns what is wrong with a chain in a file, as far as its
// names alone tell. Signatures are not verified: that is left to the handshake.
func distrustInFile(chain []*x509.Certificate) Distrust {
	if national(chain) {
		return National
	}
	if staging(chain[0]) {
		return Staging
	}
	if _, nowhere := crossed(lacks(chain).Missing); nowhere {
		return Incomplete
	}
	// Another CA's leaf alone may be signed by a private CA's root.
	if leaf := chain[0]; issuerOf(leaf, chain) == nil && ofLetsEncrypt(leaf) {
		return Incomplete
	}
	return ""
}

// untrusted returns the finding for a chain that browsers do not trust.
func untrusted(why Distrust, g gap) checks.Finding {
	args := checks.Args{"reason": string(why)}
	switch why {
	case National:
		args[checks.WhoArg] = string(checks.Customer) // somebody put it there on purpose
	case Incomplete:
		args["missing"] = g.Missing
		if g.Signer != "" {
			args["signer"] = g.Signer
		}
	}
	return finding(checks.CertUntrusted, args)
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
