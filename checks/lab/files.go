package lab

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Kind is what became of a certificate on disk.
type Kind string

const (
	Issued     Kind = "issued"     // .crt, .crtca with the intermediate, .key
	SelfSigned Kind = "selfsigned" // only .crt and .key
	Mismatched Kind = "mismatched" // issued, with the key of another certificate
	Missing    Kind = "missing"    // no file at all
	Truncated  Kind = "truncated"  // the disk was full: half of the text
	Garbage    Kind = "garbage"    // PEM armour around bytes that are no certificate
)

// File is a certificate to be written.
type File struct {
	Owner     string
	Name      string   // of the files, without extension
	Names     []string // DNS names, A-labels
	NotBefore time.Time
	NotAfter  time.Time
	Kind      Kind // empty: Issued
}

// Certificates is the panel's directory of certificates, one folder an owner. Different files may be written at once.
type Certificates struct {
	dir        string
	ca         *authority
	key, other *ecdsa.PrivateKey // shared by all leaves: thousands of own keys would cost a test seconds
	keyText    []byte
	otherText  []byte
}

// NewCertificates prepares the directory and a CA of its own.
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

// Dir is where the owners' folders lie.
func (c *Certificates) Dir() string { return c.dir }

// Root is the CA's root in PEM, for those who are to trust it.
func (c *Certificates) Root() []byte { return certificatePEM(c.ca.root) }

// Write puts a certificate of the wanted kind on disk, in place of what was there under its name.
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

// Remove deletes a certificate's files, those that are there.
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
