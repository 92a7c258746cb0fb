package boulder

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// issuer is the root that signs the port's certificate as well as those that
// orders are finalized with. It is made when it is first needed.
type issuer struct {
	once sync.Once
	root *x509.Certificate
	key  *ecdsa.PrivateKey
	err  error
}

func (i *issuer) ready() error {
	i.once.Do(func() {
		if i.key, i.err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); i.err != nil {
			return
		}
		root := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Boulder of the lab"},
			NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), // good by every test's clock
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
		var der []byte
		if der, i.err = x509.CreateCertificate(rand.Reader, root, root, &i.key.PublicKey, i.key); i.err == nil {
			i.root, i.err = x509.ParseCertificate(der)
		}
	})
	return i.err
}

// sign makes a certificate for names or addresses; DER.
func (i *issuer) sign(leaf *x509.Certificate, key crypto.PublicKey) ([]byte, error) {
	if err := i.ready(); err != nil {
		return nil, fmt.Errorf("making the lab's root: %w", err)
	}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return x509.CreateCertificate(rand.Reader, leaf, i.root, key, i.key)
}

// RootPEM is the certificate to trust when coming through the port.
func (ca *CA) RootPEM() []byte {
	if ca.issuer.ready() != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.issuer.root.Raw})
}

// Roots is RootPEM as a pool.
func (ca *CA) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	if ca.issuer.ready() == nil {
		pool.AddCert(ca.issuer.root)
	}
	return pool
}

// listen opens the port.
func (ca *CA) listen() (net.Listener, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the lab's key: %w", err)
	}
	der, err := ca.issuer.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
	}, &key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("making the lab's certificate: %w", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return nil, fmt.Errorf("listening on loopback: %w", err)
	}
	return listener, nil
}
