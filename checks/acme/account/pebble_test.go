package account

import (
	"context"
	"crypto/elliptic"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"domovoy/checks"
)

// pebble is Let's Encrypt's CA for testing clients, in this process. Each test
// has its own. Two of its locks can deadlock: never respond to a challenge of
// an authorization that was deactivated.
type pebble struct {
	t         *testing.T
	server    *httptest.Server
	directory string
}

// newPebble starts one that rejects the given percentage of valid nonces.
func newPebble(t *testing.T, badNonces int) *pebble {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", fmt.Sprint(badNonces))
	t.Setenv("PEBBLE_AUTHZREUSE", "0")
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default"}})
	front := wfe.New(quiet, store, va.New(quiet, 1, 1, false, "", store), issuer, []string{"pebble.example"}, false, false, 0, 0)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	return &pebble{t: t, server: server, directory: server.URL + wfe.DirectoryPath}
}

// within limits a call that might hang for ever.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// register makes an account with a key in a file, as a client would.
func (p *pebble) register(keyFile string) *Client {
	p.t.Helper()
	key, err := LoadKey(keyFile)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx := within(p.t, time.Minute)
	c, err := Open(ctx, Options{Directory: p.directory, HTTP: p.server.Client(), Key: key, KID: p.server.URL + "/my-account/not-yet"})
	if err != nil {
		p.t.Fatal(err)
	}
	a, err := c.signed(ctx, c.directory.NewAccount, payload(map[string]any{"termsOfServiceAgreed": true}), "")
	if err != nil {
		p.t.Fatal(err)
	}
	c.kid = a.header.Get("Location")
	return c
}

// open opens an account whose URL has to be looked up.
func (p *pebble) open(key *Key) (*Client, error) {
	p.t.Helper()
	return Open(within(p.t, time.Minute), Options{Directory: p.directory, HTTP: p.server.Client(), Key: key})
}

// order creates pending authorizations.
func (p *pebble) order(c *Client, names ...string) Order {
	p.t.Helper()
	order, err := c.ProbeOrder(within(p.t, time.Minute), names)
	if err != nil {
		p.t.Fatal(err)
	}
	return order
}

// newKeyFile writes a new P-256 key as acme.sh does.
func newKeyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "account.key")
	writeFile(t, path, sec1(t, newEC(t, elliptic.P256())), 0o600)
	return path
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // regardless of the umask
		t.Fatal(err)
	}
}

// status reads one authorization.
func status(t *testing.T, c *Client, u string) checks.AuthorizationStatus {
	t.Helper()
	a, err := c.Read(within(t, time.Minute), u)
	if err != nil {
		t.Fatal(err)
	}
	return a.Status
}
