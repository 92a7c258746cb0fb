package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// maxKey bounds a private key in DER: one of RSA with 16384 bits has 9 KB,
// and longer ones only cost time.
const maxKey = 16 << 10

// ErrNoFile is something else than a regular file of reasonable size.
var ErrNoFile = errors.New("not a regular file of at most 1 MB")

// readSmall reads a regular file. It is opened without waiting, for a pipe
// would keep us, and looked at after it was opened.
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
	// A buffer of its own size: growing would leave copies of a key behind.
	data := make([]byte, info.Size())
	n, err := io.ReadFull(file, data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		clear(data)
		return nil, fmt.Errorf("reading a certificate's files: %w", err)
	}
	return data[:n], nil
}

// certificates reads all of PEM's certificates; one that cannot be read makes
// the file useless to a web server.
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

// publicHalf finds the first private key in PEM. Its errors say nothing of
// what is in it.
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

// parsePublic gives nil for a key that cannot be read. An encrypted one (RFC
// 1421 section 4.6.1.1, RFC 5958 section 3) is never asked a password for.
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

// kind names the kind of a public key; empty: not known.
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
