package lab

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Kind is the state of a certificate on disk.
type Kind string

const (
	Issued     Kind = "issued"     // .crt, .crtca with the intermediate, .key
	SelfSigned Kind = "selfsigned" // only .crt and .key
	Mismatched Kind = "mismatched" // issued, with the key of another certificate
	Missing    Kind = "missing"    // no file
	Truncated  Kind = "truncated"  // as if the disk had been full: half of the text
	Garbage    Kind = "garbage"    // PEM with bytes that are not a certificate
)

// File is a certificate to write.
type File struct {
	Owner     string
	Name      string   // file name without the extension
	Names     []string // DNS names, A-labels
	NotBefore time.Time
	NotAfter  time.Time
	Kind      Kind // empty: Issued
}

// Certificates is the panel's directory of certificates, with a folder for each
// owner. Different files may be written concurrently.
type Certificates struct {
	dir        string
	ca         *authority
	key, other *ecdsa.PrivateKey // shared by all leaves: thousands of separate keys would take a test seconds
	keyText    []byte
	otherText  []byte
}

// NewCertificates creates the directory and a CA of its own.
func NewCertificates(dir string) (*Certificates, error) {
	c := &Certificates{dir: dir}
	var err error
	if c.ca, err = newAuthority(); err != nil {
		return nil, err
	}
	if c.key, c.keyText, err = keyAndText(); err != nil {
		return nil, err
	}
	if c.other, c.otherText, err = keyAndText(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making certificate directory: %w", err)
	}
	return c, nil
}

func keyAndText() (*ecdsa.PrivateKey, []byte, error) {
	key, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	text, err := keyPEM(key)
	return key, text, err
}

// Dir returns the directory that contains the owners' folders.
func (c *Certificates) Dir() string { return c.dir }

// Root returns the CA's root certificate in PEM.
func (c *Certificates) Root() []byte { return certificatePEM(c.ca.root) }

// Write writes a certificate of the given kind and replaces existing files of
// its name.
func (c *Certificates) Write(f File) error {
	if err := c.Remove(f.Owner, f.Name); err != nil || f.Kind == Missing {
		return err
	}
	leaf, err := c.ca.issue(f, c.key, f.Kind == SelfSigned)
	if err != nil {
		return fmt.Errorf("issuing %s: %w", f.Name, err)
	}
	parts := map[string][]byte{
		"crt": certificatePEM(leaf), "crtca": certificatePEM(leaf, c.ca.intermediate), "key": c.keyText,
	}
	switch f.Kind {
	case SelfSigned:
		delete(parts, "crtca")
	case Mismatched:
		parts["key"] = c.otherText
	case Truncated:
		parts["crt"] = parts["crt"][:len(parts["crt"])/2]
		parts["crtca"] = parts["crt"]
	case Garbage:
		parts["crt"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bytes.Repeat([]byte("not DER "), 60)})
		parts["crtca"] = parts["crt"]
	}
	return c.store(f, parts)
}

// issue signs a certificate without writing it.
func (c *Certificates) issue(f File) (*tls.Certificate, error) {
	leaf, err := c.ca.issue(f, c.key, f.Kind == SelfSigned)
	if err != nil {
		return nil, fmt.Errorf("issuing %s: %w", f.Name, err)
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, c.ca.intermediate.Raw}, PrivateKey: c.key}, nil
}

func (c *Certificates) store(f File, parts map[string][]byte) error {
	if err := os.MkdirAll(filepath.Join(c.dir, f.Owner), 0o755); err != nil {
		return fmt.Errorf("making owner's directory: %w", err)
	}
	for extension, text := range parts {
		mode := os.FileMode(0o644)
		if extension == "key" {
			mode = 0o600
		}
		if err := os.WriteFile(c.path(f.Owner, f.Name, extension), text, mode); err != nil {
			return fmt.Errorf("writing certificate: %w", err)
		}
	}
	return nil
}

// Remove deletes a certificate's files; it does not matter if some do not
// exist.
func (c *Certificates) Remove(owner, name string) error {
	for _, extension := range []string{"crt", "crtca", "key"} {
		if err := os.Remove(c.path(owner, name, extension)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("removing certificate: %w", err)
		}
	}
	return nil
}

func (c *Certificates) path(owner, name, extension string) string {
	return filepath.Join(c.dir, owner, name+"."+extension)
}

// authority is a small CA: a root, and the intermediate that signs.
type authority struct {
	root, intermediate *x509.Certificate
	key                *ecdsa.PrivateKey // the intermediate's key
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

// template is a CA certificate that is valid in all years used by tests.
func (a *authority) template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.serial.Add(1)), Subject: pkix.Name{CommonName: name, Organization: []string{"Domovoy Lab"}},
		NotBefore: time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2055, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// issue makes a leaf; a self-signed one if selfSigned, as panels make until the
// CA has issued one.
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
