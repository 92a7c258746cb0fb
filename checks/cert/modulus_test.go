package cert

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"
)

// A customer's file may hold a key that takes minutes to check a signature
// with.
func TestAHugeKeyCostsNoTime(t *testing.T) {
	const bits = 2 << 20
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	huge := &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop.ru"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: noon, NotAfter: noon.Add(90 * day)}
	parent := &x509.Certificate{Subject: pkix.Name{CommonName: "somebody"}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, huge, signer)
	if err != nil {
		t.Fatal(err)
	}
	// A signature of the key's own length, or it is refused at once.
	var parts struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &parts); err != nil {
		t.Fatal(err)
	}
	parts.Signature = asn1.BitString{Bytes: make([]byte, bits/8), BitLength: bits}
	parts.Signature.Bytes[bits/8-1] = 2
	if der, err = asn1.Marshal(parts); err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if selfSigned(c) {
		t.Error("taken for self-signed")
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %s", took)
	}
}
