package boulder_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"domovoy/checks/lab/boulder"
)

// clock has a fixed time until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// raw is a minimal client that signs any payload.
type raw struct {
	t     *testing.T
	ca    *boulder.CA
	clock *clock // the CA's; nil: the test does not change the time
	http  *http.Client
	key   crypto.Signer
	kid   string // empty: the public key is sent
}

// answer is the response.
type answer struct {
	status  int
	header  http.Header
	body    map[string]any
	text    string
	problem string // its detail
	kind    string // its type without the namespace
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// enter makes a client with an account of its own.
func enter(t *testing.T, ca *boulder.CA) (*raw, int64) {
	t.Helper()
	key := newKey(t)
	account := ca.Register(key.Public())
	return &raw{t: t, ca: ca, http: ca.Client(), key: key, kid: account.URL}, account.ID
}

func (c *raw) nonce() string {
	c.t.Helper()
	return c.send(http.MethodHead, c.ca.URL()+"/acme/new-nonce", nil, nil).header.Get("Replay-Nonce")
}

// post signs and sends a payload; nil: a read.
func (c *raw) post(url string, payload any) answer {
	c.t.Helper()
	return c.send(http.MethodPost, url, c.sign(url, c.nonce(), payload), nil)
}

func (c *raw) get(url string) answer { c.t.Helper(); return c.send(http.MethodGet, url, nil, nil) }

func (c *raw) sign(url, nonce string, payload any) []byte {
	c.t.Helper()
	options := (&jose.SignerOptions{}).WithHeader("url", url).WithHeader("nonce", nonce)
	if c.kid == "" {
		options.EmbedJWK = true
	} else {
		options.WithHeader("kid", c.kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: c.key}, options)
	if err != nil {
		c.t.Fatal(err)
	}
	text := []byte{} // not nil, which would mean no payload
	if payload != nil {
		if text, err = json.Marshal(payload); err != nil {
			c.t.Fatal(err)
		}
	}
	jws, err := signer.Sign(text)
	if err != nil {
		c.t.Fatal(err)
	}
	return []byte(jws.FullSerialize())
}

// send makes one request; change may make it invalid.
func (c *raw) send(method, url string, body []byte, change func(*http.Request)) answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "raw/1")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/jose+json")
	}
	if change != nil {
		change(r)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return answer{problem: err.Error()}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.body) // pages are not JSON
	a.problem, _ = a.body["detail"].(string)
	kind, _ := a.body["type"].(string)
	a.kind = string(bytes.TrimPrefix([]byte(kind), []byte(boulder.ErrorNamespace)))
	return a
}

// order requests an order for names.
func (c *raw) order(names ...string) answer {
	c.t.Helper()
	var identifiers []map[string]string
	for _, n := range names {
		identifiers = append(identifiers, map[string]string{"type": "dns", "value": n})
	}
	return c.post(c.ca.URL()+"/acme/new-order", map[string]any{"identifiers": identifiers})
}

func (c *raw) deactivate(url string) answer {
	c.t.Helper()
	return c.post(url, map[string]string{"status": "deactivated"})
}

// through returns a client that connects to the port.
func through(t *testing.T, ca *boulder.CA) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.RootPEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
