// Package trust makes the CA of a hub and the hub's certificate, in the hub's folder.
// Agents know the hub by that CA, which is in their enrolment, and by its name.
package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"domovoy/bot/fleet"
)

const (
	caLife   = 30 * 365 * 24 * time.Hour // agents would all have to be enrolled again after it
	life     = 365 * 24 * time.Hour
	renewAt  = 60 * 24 * time.Hour // before its end
	backdate = time.Hour           // clocks of agents may be behind
)

// CA returns the certificate of the hub's CA as PEM, and makes the CA in the folder if
// there is none.
func CA(folder string) (string, error) {
	certificate, _, err := authority(folder)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})), nil
}

// Certificate returns a certificate of the hub for its names and addresses. It is the
// one in the folder as long as that has all names and is far from its end, else a new
// one.
func Certificate(folder string, names []string, now time.Time) (tls.Certificate, error) {
	ca, key, err := authority(folder)
	if err != nil {
		return tls.Certificate{}, err
	}
	file := filepath.Join(folder, "hub.pem")
	old, err := tls.LoadX509KeyPair(file, file)
	if err == nil && fits(old.Leaf, ca, names, now) {
		return old, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return tls.Certificate{}, err
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	form := &x509.Certificate{
		Subject: pkix.Name{CommonName: "domovoy-hub"}, NotBefore: now.Add(-backdate), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if at := net.ParseIP(name); at != nil {
			form.IPAddresses = append(form.IPAddresses, at)
		} else {
			form.DNSNames = append(form.DNSNames, name)
		}
	}
	text, err := sign(form, ca, own, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := fleet.WriteFile(file, text); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(text, text)
}

// fits reports whether a certificate can be kept.
func fits(c *x509.Certificate, ca *x509.Certificate, names []string, now time.Time) bool {
	if c == nil || now.Before(c.NotBefore) || now.After(c.NotAfter.Add(-renewAt)) || c.CheckSignatureFrom(ca) != nil {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool { return c.VerifyHostname(name) != nil })
}

// authority reads the CA, or makes one.
func authority(folder string) (*x509.Certificate, crypto.Signer, error) {
	file := filepath.Join(folder, "ca.pem")
	pair, err := tls.LoadX509KeyPair(file, file)
	if errors.Is(err, fs.ErrNotExist) {
		return newAuthority(folder, file)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("%s: its key cannot sign", file)
	}
	return pair.Leaf, key, nil
}

// newAuthority makes a CA, unless another process was faster.
func newAuthority(folder, file string) (*x509.Certificate, crypto.Signer, error) {
	unlock, err := fleet.Lock(folder)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	if _, err := os.Stat(file); err == nil {
		return authority(folder)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	form := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Domovoy fleet"}, NotBefore: time.Now().Add(-backdate), NotAfter: time.Now().Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	text, err := sign(form, form, own, own)
	if err != nil {
		return nil, nil, err
	}
	if err := fleet.WriteFile(file, text); err != nil {
		return nil, nil, err
	}
	return authority(folder)
}

// sign returns a certificate and its key as PEM.
func sign(form, by *x509.Certificate, own *ecdsa.PrivateKey, key crypto.Signer) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	form.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, form, by, own.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}
