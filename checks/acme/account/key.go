package account

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/go-jose/go-jose/v4"
)

// maxKeyFile limits the size of a key file in bytes: an RSA key of 8192 bits
// has 8 KB as JWK.
const maxKeyFile = 32 << 10

// Bits of an RSA key: CAs reject shorter ones, and longer ones only cost time.
const (
	minBits = 2048
	maxBits = 8192
)

// Errors of a key file. None contains any part of the file.
var (
	ErrKeyFile   = errors.New("not a regular file of at most 32 KB")
	ErrNotAKey   = errors.New("no private key in a known format")
	ErrPublicKey = errors.New("only the public half of a key")
	ErrWeakKey   = errors.New("not a key that a CA takes: RSA of 2048 to 8192 bits, P-256 or P-384")
)

// OpenKeyError says that users other than the owner may read a key file. The key
// allows to issue and to revoke for every name of the account.
type OpenKeyError struct {
	Path string
	Mode fs.FileMode
}

func (e *OpenKeyError) Error() string {
	return fmt.Sprintf("%s may be read by others than its owner: its mode is %04o, want 0600 or 0400", e.Path, e.Mode.Perm())
}

// Key is an account's private key. It is used in this package only; however it
// is printed, it is "***".
type Key struct {
	signing jose.SigningKey
	path    string
}

// LoadKey reads an account's key: certbot's JWK, or PEM (PKCS #1, SEC 1 or
// PKCS #8) as acme.sh and lego keep it. It refuses a file that
// users other than its owner may read.
func LoadKey(path string) (*Key, error) { return loadKey(path, false) }

// LoadGuardedKey is LoadKey without the check of the mode, for a file that is
// protected otherwise: the ACL of a systemd credential makes its mode look open.
func LoadGuardedKey(path string) (*Key, error) { return loadKey(path, true) }

func loadKey(path string, guarded bool) (*Key, error) {
	data, err := readKeyFile(path, guarded)
	if err != nil {
		return nil, fmt.Errorf("loading an account's key: %w", err)
	}
	defer clear(data)
	signing, err := parseKey(data)
	if err != nil {
		return nil, fmt.Errorf("loading an account's key from %s: %w", path, err)
	}
	return &Key{signing: signing, path: path}, nil
}

// readKeyFile opens without waiting, because a pipe would block, and checks the
// open file, because a path may point to another file a moment later.
func readKeyFile(path string, guarded bool) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxKeyFile:
		return nil, fmt.Errorf("%s: %w", path, ErrKeyFile)
	case !guarded && info.Mode().Perm()&0o077 != 0:
		return nil, &OpenKeyError{Path: path, Mode: info.Mode()}
	}
	// A buffer that grows would leave copies of the key in memory.
	data := make([]byte, info.Size())
	n, err := io.ReadFull(file, data)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		clear(data)
		return nil, err
	}
	return data[:n], nil
}

// parseKey takes JWK (RFC 7517) if the text is a JSON object, else PEM.
func parseKey(data []byte) (jose.SigningKey, error) {
	if text := bytes.TrimSpace(data); bytes.HasPrefix(text, []byte("{")) {
		var jwk jose.JSONWebKey
		if jwk.UnmarshalJSON(text) != nil || !jwk.Valid() {
			return jose.SigningKey{}, ErrNotAKey
		}
		if jwk.IsPublic() {
			return jose.SigningKey{}, ErrPublicKey
		}
		return signingKey(jwk.Key)
	}
	public := false
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			key := parseBlock(block)
			clear(block.Bytes)
			return signingKey(key)
		}
		public = public || strings.HasSuffix(block.Type, "PUBLIC KEY") // not EC PARAMETERS, which OpenSSL writes first
	}
	if public {
		return jose.SigningKey{}, ErrPublicKey
	}
	return jose.SigningKey{}, ErrNotAKey
}

// parseBlock returns nil for a key that it cannot parse, such as an encrypted
// one. The parsers' errors are dropped: they may contain parts of the key.
func parseBlock(block *pem.Block) any {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil
	}
	return key
}

// signingKey chooses the algorithm (RFC 8555 section 6.2, RFC 7518 section 3.1).
func signingKey(key any) (jose.SigningKey, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if bits := k.N.BitLen(); bits < minBits || bits > maxBits {
			return jose.SigningKey{}, ErrWeakKey
		}
		if k.Validate() != nil { // the numbers of a JWK may be inconsistent
			return jose.SigningKey{}, ErrNotAKey
		}
		return jose.SigningKey{Algorithm: jose.RS256, Key: k}, nil
	case *ecdsa.PrivateKey:
		switch k.Curve {
		case elliptic.P256():
			return jose.SigningKey{Algorithm: jose.ES256, Key: k}, nil
		case elliptic.P384():
			return jose.SigningKey{Algorithm: jose.ES384, Key: k}, nil
		}
		return jose.SigningKey{}, ErrWeakKey
	case nil:
		return jose.SigningKey{}, ErrNotAKey
	}
	return jose.SigningKey{}, ErrWeakKey
}

const redacted = "***"

// String hides the key, as do the other ways to print it.
func (k *Key) String() string { return redacted }

// GoString hides the key from %#v.
func (k *Key) GoString() string { return redacted }

// Format hides the key from every verb, including those, such as %x, that do
// not use String.
func (k *Key) Format(s fmt.State, _ rune) { fmt.Fprint(s, redacted) }

// LogValue hides the key from slog.
func (k *Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the key from encoders such as JSON.
func (k *Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// maxStateFile limits the size of a client's file beside the key, in bytes.
const maxStateFile = 64 << 10

// findAccountURL returns the account's URL: the given one, the one that the ACME
// client stored beside the key, or the CA's answer for the key. A stored URL of
// another CA is ignored: the key may come from the staging environment.
func (c *Client) findAccountURL(ctx context.Context, given string) (string, error) {
	if given != "" {
		if !c.Belongs(given) {
			return "", fmt.Errorf("%s: %w", given, ErrOtherHost)
		}
		return given, nil
	}
	stored := accountURLBeside(c.key.path)
	if stored != "" && c.Belongs(stored) {
		return stored, nil
	}
	kid, err := c.askAccountURL(ctx)
	if err != nil && stored != "" {
		return "", fmt.Errorf("the ACME client stored %s beside the key: %w", stored, err)
	}
	return kid, err
}

// askAccountURL asks the CA for the account of the key, without creating one
// (RFC 8555 section 7.3.1).
func (c *Client) askAccountURL(ctx context.Context) (string, error) {
	a, err := c.signed(ctx, c.directory.NewAccount, payload(map[string]bool{"onlyReturnExisting": true}), "")
	if err != nil {
		return "", err
	}
	kid := a.header.Get("Location")
	if a.status != http.StatusOK || !c.Belongs(kid) {
		return "", a.problem()
	}
	return kid, nil
}

// StoredAccountURL returns the account's URL that the ACME client stored beside
// the key file; empty: there is none, or it is of another CA than the
// directory's. The key is not read, and no request is made.
func StoredAccountURL(keyFile, directory string) string {
	if keyFile == "" {
		return ""
	}
	stored := accountURLBeside(keyFile)
	ours, err := url.Parse(directory)
	theirs, bad := url.Parse(stored)
	if err != nil || bad != nil || stored == "" || !strings.EqualFold(ours.Host, theirs.Host) {
		return ""
	}
	return stored
}

// acmeshAccountURL matches the account's URL in acme.sh's ca.conf.
var acmeshAccountURL = expression(`(?m)^ACCOUNT_URL=['"]?([^'"\s]+)`)

// accountURLBeside reads the account's URL from the files that certbot
// (regr.json), acme.sh (ca.conf) and lego (account.json, beside the key or a
// folder above) store. A file that does not exist or cannot be read is skipped:
// the CA can be asked.
func accountURLBeside(keyFile string) string {
	folder := filepath.Dir(keyFile)
	if data, err := readState(filepath.Join(folder, "regr.json")); err == nil {
		var certbot struct {
			URI string `json:"uri"`
		}
		if json.Unmarshal(data, &certbot) == nil && certbot.URI != "" {
			return certbot.URI
		}
	}
	if data, err := readState(filepath.Join(folder, "ca.conf")); err == nil {
		if found := acmeshAccountURL().FindSubmatch(data); found != nil {
			return string(found[1])
		}
	}
	for _, place := range []string{folder, filepath.Dir(folder)} {
		data, err := readState(filepath.Join(place, "account.json"))
		if err != nil {
			continue
		}
		var lego struct {
			Registration struct {
				URI        string `json:"uri"`        // version 4
				AccountURL string `json:"accountURL"` // version 5
			} `json:"registration"`
		}
		if json.Unmarshal(data, &lego) == nil && lego.Registration.AccountURL+lego.Registration.URI != "" {
			return lego.Registration.AccountURL + lego.Registration.URI // at most one is set
		}
	}
	return ""
}

// readState reads a small regular file.
func readState(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errors.New("not a regular file"), err)
	}
	return io.ReadAll(io.LimitReader(file, maxStateFile))
}
