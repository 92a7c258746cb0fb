package cert

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"domovoy/checks"
)

// How a private key and a certificate do not match: stable identifiers in the
// argument "reason" of cert.keymismatch.
const (
	otherKey  = "key"  // another key of the same kind
	otherKind = "kind" // RSA and EC: nginx accepts such a pair, and every handshake fails
	leafLater = "leaf" // the key matches, but its certificate is not the first of the file
)

// Keys finds private keys in a panel's folder of certificates that do not match
// their certificates. An empty folder: no key is read.
func Keys(folder string) checks.Check {
	c := checks.Check{
		Name:  KeysCheck,
		Scope: checks.ScopeSite,
		Live:  true,
		Codes: []checks.Code{checks.CertKeyMismatch, checks.CertMissing},
		Due:   func(t *checks.Target) bool { return t.Site.Certificate != "" },
	}
	if folder == "" {
		return c
	}
	c.Run = func(_ context.Context, t *checks.Target) ([]checks.Finding, error) {
		root, err := os.OpenRoot(folder)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return CompareKeys(root, t.Site.Owner, t.Site.Certificate)
	}
	return c
}

// CompareKeys compares the private key of a site with its certificates, in the
// files that the web server uses: OWNER/NAME.crtca if that bundle exists, and
// OWNER/NAME.crt. It is the only place where private keys are read. The error
// means that they could not be compared; it never contains any part of a key.
func CompareKeys(root *os.Root, owner, name string) ([]checks.Finding, error) {
	if name == "" {
		return nil, nil
	}
	stem := owner + "/" + name
	bundles, err := readBundles(root, stem)
	if err != nil {
		return nil, err
	}
	if len(bundles) == 0 {
		return []checks.Finding{gone(name, stem+".crt")}, nil
	}
	public, err := readPublic(root, stem+".key")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []checks.Finding{gone(name, stem+".key")}, nil
	case err != nil:
		return nil, err
	}
	for _, b := range bundles {
		why := b.mismatch(public)
		if why != "" && kind(b.chain[0].PublicKey) == "" {
			return nil, fmt.Errorf("comparing %s: %w", b.path, ErrKind)
		}
		if why != "" {
			args := b.describe(public)
			args["reason"], args["certificate"] = why, name
			return []checks.Finding{finding(checks.CertKeyMismatch, args)}, nil
		}
	}
	return nil, nil
}

// gone is the finding for a file that the panel must have and does not.
func gone(name, path string) checks.Finding {
	return finding(checks.CertMissing, checks.Args{"certificate": name, "file": path})
}

// bundle is a file of certificates.
type bundle struct {
	path  string
	chain []*x509.Certificate
}

// readBundles reads those of a site's two files that exist.
func readBundles(root *os.Root, stem string) ([]bundle, error) {
	var bundles []bundle
	for _, path := range []string{stem + ".crtca", stem + ".crt"} {
		chain, err := readChain(root, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		}
		bundles = append(bundles, bundle{path, chain})
	}
	return bundles, nil
}

// mismatch returns why the web server cannot use the file with the key; empty:
// it can.
func (b bundle) mismatch(public publicKey) string {
	for i, c := range b.chain {
		if public.Equal(c.PublicKey) {
			if i > 0 {
				return leafLater
			}
			return ""
		}
	}
	if kind(public) != kind(b.chain[0].PublicKey) {
		return otherKind
	}
	return otherKey
}

func (b bundle) describe(public publicKey) checks.Args {
	leaf := b.chain[0]
	return checks.Args{
		"file": b.path, "of": kind(leaf.PublicKey), "key": kind(public),
		"until": leaf.NotAfter, "serial": shortSerial(leaf.SerialNumber), "names": someNames(leaf.DNSNames),
	}
}

// publicKey is the method that all public keys of the standard library have.
type publicKey interface{ Equal(x crypto.PublicKey) bool }

// ErrKey means that a private key could not be read: it is encrypted, damaged
// or of an unknown kind.
var ErrKey = errors.New("no private key that can be read")

// ErrKind means that a certificate has a public key of an unknown kind.
var ErrKind = errors.New("a public key of an unknown kind")

// readChain reads the certificates of a PEM file in order.
func readChain(root *os.Root, path string) ([]*x509.Certificate, error) {
	data, err := readSmall(root, path)
	if err != nil {
		return nil, err
	}
	chain, err := certificates(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return chain, nil
}

// readPublic reads a private key and returns its public key. The data read is
// wiped; copies that the parser made are left to the garbage collector.
func readPublic(root *os.Root, path string) (publicKey, error) {
	data, err := readSmall(root, path)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	public, err := publicHalf(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return public, nil
}

// maxKey bounds a private key in DER: an RSA key of 16384 bits has 9 KB, and
// longer ones only cost time.
const maxKey = 16 << 10

// ErrNoFile means that a path is not a regular file of reasonable size.
var ErrNoFile = errors.New("not a regular file of at most 1 MB")

// readSmall reads a regular file. It is opened without blocking, because it may
// be a pipe, and checked after it was opened.
func readSmall(root *os.Root, path string) ([]byte, error) {
	file, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate's files: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading a certificate's files: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("reading %s: %w", path, ErrNoFile)
	}
	// A buffer of the file's size: a growing one would leave copies of a key in
	// memory.
	data := make([]byte, info.Size())
	n, err := io.ReadFull(file, data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		clear(data)
		return nil, fmt.Errorf("reading a certificate's files: %w", err)
	}
	return data[:n], nil
}

// certificates parses all certificates in PEM data; one that cannot be parsed
// makes the file useless to a web server.
func certificates(data []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil && len(chain) < mostCertificates; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, ErrNoCertificate
	}
	return chain, nil
}

// publicHalf returns the public key of the first private key in PEM data. Its
// errors contain nothing of the data.
func publicHalf(data []byte) (publicKey, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue // such as EC PARAMETERS, which OpenSSL writes before the key
		}
		public := parsePublic(block)
		clear(block.Bytes)
		if public == nil {
			return nil, ErrKey
		}
		return public, nil
	}
	return nil, ErrKey
}

// parsePublic returns nil for a key that cannot be parsed, such as an encrypted
// one (RFC 1421 section 4.6.1.1, RFC 5958 section 3).
func parsePublic(block *pem.Block) publicKey {
	if len(block.Bytes) > maxKey || block.Headers["DEK-Info"] != "" {
		return nil
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil
	}
	public, _ := signer.Public().(publicKey)
	return public
}

// kind returns the kind of a public key; empty: not known.
func kind(public any) string {
	switch public.(type) {
	case *rsa.PublicKey:
		return "RSA"
	case *ecdsa.PublicKey:
		return "EC"
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return ""
}
