package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

// Every form in which OpenSSL and panels write a key.
func TestCompareKeysForms(t *testing.T) {
	s := newStreet(t)
	ec, rsaPair := s.issue(internet.Leaf{}), s.issue(internet.Leaf{RSA: true})
	sec1, err := x509.MarshalECPrivateKey(ec.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsaPair.PrivateKey.(*rsa.PrivateKey))
	pkcs8, err := internet.KeyPEM(ec)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	parameters := block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7})
	locked := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: pkcs1, Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}})
	edCertificate, edKey := ed25519Pair(t)
	for _, tt := range []struct {
		name        string
		certificate []byte
		key         []byte
		want        string
		err         error
	}{
		{"PKCS 8", internet.ChainPEM(ec, false), pkcs8, "", nil},
		{"SEC 1", internet.ChainPEM(ec, false), block("EC PRIVATE KEY", sec1), "", nil},
		{"SEC 1 behind its parameters", internet.ChainPEM(ec, false), append(parameters, block("EC PRIVATE KEY", sec1)...), "", nil},
		{"PKCS 1", internet.ChainPEM(rsaPair, false), block("RSA PRIVATE KEY", pkcs1), "", nil},
		{"behind the certificate", internet.ChainPEM(ec, false), append(internet.ChainPEM(ec, false), pkcs8...), "", nil},
		{"Ed25519", edCertificate, edKey, "", nil},
		{"Ed25519 with another's", edCertificate, pkcs8, "keymismatch kind", nil},
		{"encrypted", internet.ChainPEM(rsaPair, false), locked, "", ErrKey},
		{"encrypted in PKCS 8", internet.ChainPEM(ec, false), block("ENCRYPTED PRIVATE KEY", []byte{1}), "", ErrKey},
		{"damaged", internet.ChainPEM(ec, false), block("PRIVATE KEY", sec1[:20]), "", ErrKey},
		{"empty", internet.ChainPEM(ec, false), nil, "", ErrKey},
		{"endless", internet.ChainPEM(ec, false), block("RSA PRIVATE KEY", make([]byte, maxKey+1)), "", ErrKey},
		{"no certificate", pkcs8, pkcs8, "", ErrNoCertificate},
		{"a certificate for a key of no known kind", oddCertificate(t), pkcs8, "", ErrKind},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t)
			f.put("u1/client.ru_le1.crt", tt.certificate, noon)
			f.put("u1/client.ru_le1.key", tt.key, noon)
			got, err := f.compare()
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func ed25519Pair(t *testing.T) (certificate, key []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(3), NotBefore: noon, NotAfter: noon.Add(90 * day)}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, public, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err = internet.KeyPEM(&tls.Certificate{PrivateKey: private})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key
}

// oddCertificate has a key of a kind (RFC 8410: X448) that the standard library
// does not know.
func oddCertificate(t *testing.T) []byte {
	t.Helper()
	certificate, _ := ed25519Pair(t)
	block, _ := pem.Decode(certificate)
	known, x448 := []byte{6, 3, 43, 101, 112, 3, 33}, []byte{6, 3, 43, 101, 111, 3, 33}
	at := bytes.LastIndex(block.Bytes, known)
	if at < 0 {
		t.Fatal("no key in the certificate")
	}
	copy(block.Bytes[at:], x448)
	return pem.EncodeToMemory(block)
}

// Missing files are reported, and anything but a regular file is not read.
func TestCompareKeysFiles(t *testing.T) {
	s := newStreet(t)
	good := s.issue(internet.Leaf{})
	for _, tt := range []struct {
		name   string
		change func(f folder, key, crt string)
		want   string
		err    error
	}{
		{"both there", func(folder, string, string) {}, "", nil},
		{"no key", func(f folder, key, _ string) { f.must(os.Remove(key)) }, "missing", nil},
		{"no certificate", func(f folder, _, crt string) { f.must(os.Remove(crt)) }, "missing", nil},
		{"a folder", func(f folder, key, _ string) { f.must(errors.Join(os.Remove(key), os.Mkdir(key, 0o700))) }, "", ErrNoFile},
		{"a pipe that nobody writes", func(f folder, key, _ string) { f.must(errors.Join(os.Remove(key), syscall.Mkfifo(key, 0o600))) }, "", ErrNoFile},
		{"too much", func(f folder, key, _ string) { f.must(os.Truncate(key, maxFile+1)) }, "", ErrNoFile},
		{"a link out of the folder", func(f folder, key, _ string) { f.must(errors.Join(os.Remove(key), os.Symlink("/etc/passwd", key))) }, "", nil},
		{"a bundle beside it that is another's", func(f folder, _, _ string) {
			f.put("u1/client.ru_le1.crtca", internet.ChainPEM(s.issue(internet.Leaf{}), false), noon)
		}, "keymismatch key", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFolder(t)
			f.pair(good, good, false)
			crt := filepath.Join(f.dir, "u1", "client.ru_le1.crt")
			f.must(os.Rename(crt+"ca", crt))
			tt.change(f, filepath.Join(f.dir, "u1", "client.ru_le1.key"), crt)
			got, err := f.compare()
			if tt.name == "a link out of the folder" {
				if err == nil || got != "" {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// Names come from a panel's database, which may contain anything.
func TestCompareKeysStaysInside(t *testing.T) {
	f := newFolder(t)
	root, err := os.OpenRoot(f.dir)
	f.must(err)
	defer root.Close()
	for _, name := range []string{"../../secret", "../u1/x", "a\x00b", "/etc/passwd", strings.Repeat("a", 5000)} {
		found, err := CompareKeys(root, "u1", name)
		if err == nil && words(found) != "missing" {
			t.Errorf("%.20q: %v", name, found)
		}
	}
	if found, err := CompareKeys(root, "u1", ""); found != nil || err != nil {
		t.Errorf("a site without a certificate: %v, %v", found, err)
	}
	f.must(os.Chmod(f.dir, 0o000))
	t.Cleanup(func() { f.must(os.Chmod(f.dir, 0o700)) }) //nolint:gosec // a folder
	if os.Geteuid() != 0 {
		if _, err := CompareKeys(root, "u1", "x"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("no right to look: %v", err)
		}
	}
}

// Findings and errors must not contain any part of the key.
func TestCompareKeysSaysNothingOfTheKey(t *testing.T) {
	s := newStreet(t)
	f := newFolder(t)
	f.pair(s.issue(internet.Leaf{}), s.issue(internet.Leaf{}), false)
	root, err := os.OpenRoot(f.dir)
	f.must(err)
	defer root.Close()
	found, err := CompareKeys(root, "u1", "client.ru_le1")
	if err != nil || len(found) != 1 || found[0].Detail != "" {
		t.Fatal(found, err)
	}
	if a := found[0].Args; a["of"] != "EC" || a["key"] != "EC" || a["file"] != "u1/client.ru_le1.crtca" || found[0].Code != checks.CertKeyMismatch {
		t.Errorf("%v", a)
	}
}

// No file content causes a panic, and a key that can be read has a kind.
func FuzzKeyFile(f *testing.F) {
	ca, err := internet.NewCA()
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range []internet.Leaf{{}, {RSA: true}} {
		c, err := ca.Issue(l)
		if err != nil {
			f.Fatal(err)
		}
		key, err := internet.KeyPEM(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(key)
		f.Add(append(internet.ChainPEM(c, false), key...))
	}
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if chain, err := certificates(data); err == nil {
			b := bundle{"x", chain}
			if public, ok := chain[0].PublicKey.(publicKey); ok && b.mismatch(public) != "" {
				t.Error("a certificate does not fit its own key")
			}
			j := judge{name: "client.ru", rules: Rules{LifeLeft: 0.1}, now: noon, trust: newVerified(ca.Roots())}
			p := presented{chain: chain}
			_ = j.address(&p)
			for _, found := range gather([]presented{p}) {
				if len(found.Detail) > 4*checks.DetailLength || strings.ContainsAny(found.Detail, "\x00\x1b\u202e") {
					t.Errorf("hostile: %q", found.Detail)
				}
			}
		}
		if public, err := publicHalf(data); err == nil && kind(public) == "" {
			t.Errorf("a key of no kind: %T", public)
		}
	})
}

// A customer's file may contain a key so long that checking a signature takes
// minutes.
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
	// A signature of the key's own length, or it would be rejected at once.
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
