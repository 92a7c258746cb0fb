package account

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// TestKeys signs with a key of each format at Pebble, which checks every
// signature, and finds the account by the key alone.
func TestKeys(t *testing.T) {
	p := newPebble(t, 0)
	rsaKey, p256, p384 := newRSA(t, 2048), newEC(t, elliptic.P256()), newEC(t, elliptic.P384())
	for _, c := range []struct{ name, text string }{
		{"certbot's JWK, RSA", jwk(t, rsaKey)},
		{"a JWK, P-256", jwk(t, newEC(t, elliptic.P256()))},
		{"PKCS #1", block(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(newRSA(t, 2048)))},
		{"SEC 1 with its parameters before it", block(t, "EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}) + sec1(t, p256)},
		{"SEC 1, P-384", sec1(t, p384)},
		{"PKCS #8, RSA", pkcs8(t, newRSA(t, 3072))},
		{"PKCS #8, P-256", pkcs8(t, newEC(t, elliptic.P256()))},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "account.key")
			writeFile(t, file, c.text, 0o400)
			registered := p.register(file)
			key, err := LoadKey(file)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := p.open(key)
			if err != nil {
				t.Fatal(err)
			}
			if opened.AccountURL() != registered.AccountURL() || opened.key == nil {
				t.Errorf("the account is %q, want %q", opened.AccountURL(), registered.AccountURL())
			}
			if _, err := opened.Orders(within(t, time.Minute)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBadKeys has a specific error for each unusable key file, and no error
// contains anything of the file.
func TestBadKeys(t *testing.T) {
	good := newEC(t, elliptic.P256())
	public := jose.JSONWebKey{Key: good.Public()}
	publicJWK, err := public.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(good.Public())
	if err != nil {
		t.Fatal(err)
	}
	mixed := newRSA(t, 2048)
	mixed.D.Add(mixed.D, mixed.D)
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", ErrNotAKey},
		{"a letter", "Dear account, ...", ErrNotAKey},
		{"an object that is no key", `{"uri":"https://ca.example"}`, ErrNotAKey},
		{"broken JSON", `{"kty":"RSA",`, ErrNotAKey},
		{"a secret of HMAC", `{"kty":"oct","k":"c2VjcmV0"}`, ErrNotAKey},
		{"the public half as JWK", string(publicJWK), ErrPublicKey},
		{"the public half as PEM", block(t, "PUBLIC KEY", spki), ErrPublicKey},
		{"an encrypted key", block(t, "ENCRYPTED PRIVATE KEY", []byte("x")), ErrNotAKey},
		{"a broken key", block(t, "EC PRIVATE KEY", []byte("x")), ErrNotAKey},
		{"RSA of 1024 bits", block(t, "RSA PRIVATE KEY", weakRSA(t)), ErrWeakKey},
		{"P-521", sec1(t, newEC(t, elliptic.P521())), ErrWeakKey},
		{"numbers that do not belong together", jwk(t, mixed), ErrNotAKey},
		{"too large", strings.Repeat(" ", maxKeyFile) + sec1(t, good), ErrKeyFile},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "account.key")
			writeFile(t, file, c.text, 0o600)
			if _, err := LoadKey(file); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	if _, err := LoadKey(t.TempDir()); !errors.Is(err, ErrKeyFile) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := LoadKey(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestOpenKey rejects a key that others may read, unless it is loaded as a
// guarded one.
func TestOpenKey(t *testing.T) {
	for mode, open := range map[fs.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o440: true, 0o660: true, 0o620: true} {
		file := filepath.Join(t.TempDir(), "account.key")
		writeFile(t, file, sec1(t, newEC(t, elliptic.P256())), mode)
		_, err := LoadKey(file)
		var refused *OpenKeyError
		if errors.As(err, &refused) != open {
			t.Errorf("%04o: %v", mode, err)
		}
		if open && (refused.Mode.Perm() != mode || !strings.Contains(err.Error(), fmt.Sprintf("%04o", mode))) {
			t.Errorf("mode %04o gives %v", mode, err)
		}
		if _, err := LoadGuardedKey(file); err != nil {
			t.Errorf("guarded, %04o: %v", mode, err)
		}
	}
}

// TestKeyIsSilent formats a key, and a client that has it, in many ways.
func TestKeyIsSilent(t *testing.T) {
	p := newPebble(t, 0)
	file := filepath.Join(t.TempDir(), "account.key")
	secret := newRSA(t, 2048)
	writeFile(t, file, jwk(t, secret), 0o600)
	client := p.register(file)
	key := client.key
	client.nonces.put("a-nonce")
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("a key", "key", key, "options", Options{Key: key})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("a key", "key", key, "options", Options{Key: key})
	text, err := json.Marshal(map[string]any{"key": key, "options": struct{ Key *Key }{key}})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", key)
		fmt.Fprintf(&out, verb+"\n", Options{Key: key})
		fmt.Fprintf(&out, verb+"\n", client)
		fmt.Fprintf(&out, verb+"\n", struct{ Client *Client }{client})
	}
	fmt.Fprintf(&out, "%v %+v", key.String(), key.GoString())
	slog.New(slog.NewTextHandler(&out, nil)).Info("a client", "client", client)
	for _, leak := range []string{"a-nonce", secret.D.String(), fmt.Sprintf("%x", secret.D.Bytes()[:8]), secret.Primes[0].String(), secret.N.String()} {
		if strings.Contains(strings.ToLower(out.String()), leak) {
			t.Fatal("the key shows itself")
		}
	}
	if !strings.Contains(out.String(), redacted) {
		t.Errorf("nothing was printed: %s", out.String())
	}
}

func newEC(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newRSA(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func weakRSA(t *testing.T) []byte {
	t.Helper()
	return x509.MarshalPKCS1PrivateKey(newRSA(t, 1024))
}

func jwk(t testing.TB, key crypto.PrivateKey) string {
	t.Helper()
	text, err := jose.JSONWebKey{Key: key}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func sec1(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block(t, "EC PRIVATE KEY", der)
}

func pkcs8(t testing.TB, key crypto.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block(t, "PRIVATE KEY", der)
}

func block(t testing.TB, kind string, der []byte) string {
	t.Helper()
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// TestStoredAccount finds the account's URL in the files that ACME clients
// store beside the key.
func TestStoredAccount(t *testing.T) {
	const stored = "https://ca.example/acme/acct/1"
	for _, c := range []struct{ name, key, file, text, want string }{
		{"certbot", "private_key.json", "regr.json", `{"body": {}, "uri": "` + stored + `"}`, stored},
		{"acme.sh", "account.key", "ca.conf", "CA_EMAIL='a@b.example'\nACCOUNT_URL='" + stored + "'\nCA_KEY_HASH='x='\n", stored},
		{"acme.sh, no quotes", "account.key", "ca.conf", "ACCOUNT_URL=" + stored, stored},
		{"lego 4", "keys/a@b.example.key", "account.json", `{"email":"a@b.example","registration":{"body":{"status":"valid"},"uri":"` + stored + `"}}`, stored},
		{"lego 5", "id.key", "account.json", `{"registration":{"accountURL":"` + stored + `"}}`, stored},
		{"acme.sh's account.json has none", "account.key", "account.json", `{"status":"valid","orders":"https://ca.example/orders/1"}`, ""},
		{"broken JSON", "private_key.json", "regr.json", `{"uri":`, ""},
		{"nothing", "account.key", "notes.txt", stored, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			writeFile(t, filepath.Join(folder, c.file), c.text, 0o644)
			if got := accountURLBeside(filepath.Join(folder, c.key)); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// TestAccountOfAnotherCA uses a key that was copied: the files beside it are
// about another CA, so this CA is asked.
func TestAccountOfAnotherCA(t *testing.T) {
	p := newPebble(t, 0)
	file := newKeyFile(t)
	const elsewhere = "https://staging.example/acme/acct/7"
	writeFile(t, filepath.Join(filepath.Dir(file), "ca.conf"), "ACCOUNT_URL='"+elsewhere+"'", 0o600)
	key, err := LoadKey(file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.open(key)
	var refused *Problem
	if !errors.As(err, &refused) || refused.Type != "accountDoesNotExist" || !strings.Contains(err.Error(), elsewhere) {
		t.Errorf("an unknown key: %v", err)
	}
	registered := p.register(file)
	opened, err := p.open(key)
	if err != nil {
		t.Fatal(err)
	}
	if opened.AccountURL() != registered.AccountURL() {
		t.Errorf("the account is %q, want %q", opened.AccountURL(), registered.AccountURL())
	}
	_, err = Open(within(t, time.Minute), Options{Directory: p.directory, HTTP: p.server.Client(), Key: key, KID: elsewhere})
	if !errors.Is(err, ErrOtherHost) {
		t.Errorf("an account given for another CA: %v", err)
	}
}

func TestStoredAccountURL(t *testing.T) {
	const staging = "https://acme-staging-v02.api.letsencrypt.org"
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "ca.conf"), []byte("ACCOUNT_URL='"+staging+"/acme/acct/12'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(folder, "account.key") // need not be readable
	for _, tt := range []struct{ key, directory, want string }{
		{key, staging + "/directory", staging + "/acme/acct/12"},
		{key, "https://acme-v02.api.letsencrypt.org/directory", ""},
		{filepath.Join(t.TempDir(), "account.key"), staging + "/directory", ""},
		{"", staging + "/directory", ""},
		{key, "::", ""},
	} {
		if got := StoredAccountURL(tt.key, tt.directory); got != tt.want {
			t.Errorf("StoredAccountURL(%q, %q) = %q, want %q", tt.key, tt.directory, got, tt.want)
		}
	}
}
