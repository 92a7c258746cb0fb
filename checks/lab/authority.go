package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync/atomic"
	"time"
)

// authority is a small CA: a root, and the intermediate that signs.
type authority struct {
	root, intermediate *x509.Certificate
	key                *ecdsa.PrivateKey // of the intermediate
	serial             atomic.Int64
}

func newAuthority() (*authority, error) {
	rootKey, err := newKey()
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	a := &authority{key: key}
	root := a.template("Lab Root X1")
	root.MaxPathLen = 1
	if a.root, err = sign(root, root, rootKey, rootKey); err != nil {
		return nil, err
	}
	intermediate := a.template("Lab Intermediate E1")
	intermediate.MaxPathLenZero = true
	a.intermediate, err = sign(intermediate, a.root, key, rootKey)
	return a, err
}

// template is a CA certificate valid in all years that tests play in.
func (a *authority) template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.serial.Add(1)), Subject: pkix.Name{CommonName: name, Organization: []string{"Domovoy Lab"}},
		NotBefore: time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2055, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// issue makes a leaf; self-signed when selfSigned, as panels make them before the CA has answered.
func (a *authority) issue(f File, key *ecdsa.PrivateKey, selfSigned bool) (*x509.Certificate, error) {
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial.Add(1)), DNSNames: f.Names, NotBefore: f.NotBefore, NotAfter: f.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if len(f.Names) > 0 && len(f.Names[0]) <= 64 { // RFC 5280 appendix A: ub-common-name
		leaf.Subject.CommonName = f.Names[0]
	}
	if selfSigned {
		return sign(leaf, leaf, key, key)
	}
	return sign(leaf, a.intermediate, key, a.key)
}

func sign(template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return x509.ParseCertificate(der)
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making key: %w", err)
	}
	return key, nil
}

func certificatePEM(certificates ...*x509.Certificate) []byte {
	var text []byte
	for _, c := range certificates {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
