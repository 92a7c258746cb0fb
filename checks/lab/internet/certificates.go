package internet

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// CA is a small certificate authority: a root that only the lab trusts, and the intermediate that signs.
type CA struct {
	root, intermediate *x509.Certificate
	rootKey, key       crypto.Signer
	serial             atomic.Int64
	rsa                func() (*rsa.PrivateKey, error) // one for all: generating it is slow
}

// Leaf describes a certificate to sign.
type Leaf struct {
	Names               []string
	NotBefore, NotAfter time.Time // zero: 30 days ago, and 90 days later
	RSA                 bool      // otherwise the key is an EC key
	SelfSigned          bool
}

// NewCA makes the CA's keys and certificates.
func NewCA() (*CA, error) {
	ca := &CA{rsa: sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the lab's CA: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the lab's CA: %w", err)
	}
	ca.rootKey, ca.key = rootKey, key
	root := ca.template(Leaf{})
	root.Subject.CommonName, root.IsCA, root.KeyUsage = "Lab Root", true, x509.KeyUsageCertSign
	root.NotBefore, root.NotAfter = root.NotBefore.AddDate(-10, 0, 0), root.NotAfter.AddDate(10, 0, 0)
	if ca.root, err = signed(root, root, rootKey.Public(), rootKey); err != nil {
		return nil, err
	}
	intermediate := *root
	intermediate.Subject.CommonName, intermediate.SerialNumber = "Lab Intermediate", big.NewInt(ca.serial.Add(1))
	ca.intermediate, err = signed(&intermediate, ca.root, key.Public(), rootKey)
	return ca, err
}

// Roots returns a pool with the root only.
func (ca *CA) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.root)
	return pool
}

// RootPEM returns the root certificate in PEM.
func (ca *CA) RootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.root.Raw})
}

// Issue signs a certificate; the returned chain is the leaf and the
// intermediate.
func (ca *CA) Issue(l Leaf) (*tls.Certificate, error) {
	var key crypto.Signer
	var err error
	if l.RSA {
		key, err = ca.rsa()
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		return nil, fmt.Errorf("issuing for %v: %w", l.Names, err)
	}
	template := ca.template(l)
	parent, signer, chain := ca.intermediate, ca.key, [][]byte{ca.intermediate.Raw}
	if l.SelfSigned {
		parent, signer, chain = template, key, nil
	}
	leaf, err := signed(template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("issuing for %v: %w", l.Names, err)
	}
	return &tls.Certificate{Certificate: append([][]byte{leaf.Raw}, chain...), PrivateKey: key}, nil
}

// IssueBelow signs a certificate below further CAs, given from the one that the
// root signs to the one that signs the leaf. The returned chain is whole except
// for the root.
func (ca *CA) IssueBelow(l Leaf, names ...string) (*tls.Certificate, error) {
	parent, signer, chain := ca.root, ca.rootKey, [][]byte{}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // one for all: only the names differ
	for _, name := range names {
		if err != nil {
			break
		}
		template := *ca.root
		template.Subject, template.RawSubject, template.SerialNumber = pkix.Name{CommonName: name}, nil, big.NewInt(ca.serial.Add(1))
		template.SubjectKeyId, template.AuthorityKeyId = nil, nil
		if parent, err = signed(&template, parent, key.Public(), signer); err == nil {
			signer, chain = key, append([][]byte{parent.Raw}, chain...)
		}
	}
	var leaf *x509.Certificate
	if err == nil {
		leaf, err = signed(ca.template(l), parent, key.Public(), signer)
	}
	if err != nil {
		return nil, fmt.Errorf("issuing for %v: %w", l.Names, err)
	}
	return &tls.Certificate{Certificate: append([][]byte{leaf.Raw}, chain...), PrivateKey: key}, nil
}

// Without returns the certificate without one of its chain, given by its place;
// the leaf's is 0.
func Without(c *tls.Certificate, place int) *tls.Certificate {
	return &tls.Certificate{Certificate: slices.Delete(slices.Clone(c.Certificate), place, place+1), PrivateKey: c.PrivateKey}
}

func (ca *CA) template(l Leaf) *x509.Certificate {
	now := time.Now().Truncate(time.Second)
	if l.NotBefore.IsZero() {
		l.NotBefore = now.AddDate(0, 0, -30)
	}
	if l.NotAfter.IsZero() {
		l.NotAfter = l.NotBefore.AddDate(0, 0, 90)
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(ca.serial.Add(1)), NotBefore: l.NotBefore, NotAfter: l.NotAfter, DNSNames: l.Names,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, Subject: pkix.Name{Organization: []string{"Domovoy Lab"}},
	}
	if len(l.Names) > 0 {
		t.Subject.CommonName = l.Names[0]
	}
	return t
}

// signed creates the certificate, and parses it as clients will.
func signed(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// WithoutChain returns the certificate without the intermediate.
func WithoutChain(c *tls.Certificate) *tls.Certificate {
	return &tls.Certificate{Certificate: c.Certificate[:1], PrivateKey: c.PrivateKey}
}

// ChainPEM returns the chain as a bundle in PEM; leafLast reverses the order.
func ChainPEM(c *tls.Certificate, leafLast bool) []byte {
	chain := slices.Clone(c.Certificate)
	if leafLast {
		slices.Reverse(chain)
	}
	var out bytes.Buffer
	for _, der := range chain {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // writing to a Buffer cannot fail
	}
	return out.Bytes()
}

// KeyPEM returns the private key in PEM.
func KeyPEM(c *tls.Certificate) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("writing a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
