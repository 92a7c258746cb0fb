// Package account works with one account at a CA (RFC 8555).
//
// It reads and cancels authorizations, and never orders by itself: see
// [Client.ProbeOrder] for the one method that does. The library signs (JOSE);
// everything else is plain HTTP, for the ready clients lose Retry-After,
// sleep an hour inside a call, or know no list of orders.
package account

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// defaultTimeout bounds one exchange where the caller brings no HTTP client.
const defaultTimeout = 30 * time.Second

// What a client cannot do.
var (
	// ErrKeyNeeded: without a key there is only plain GET, which the CA or the
	// method at hand does not take (RFC 8555 section 6.3).
	ErrKeyNeeded = errors.New("the CA shows this to the account's key alone")
	// ErrOtherHost: a URL that does not lead to this CA. Nothing was sent.
	ErrOtherHost = errors.New("not at this CA")
)

// Options say whose account it is, and where.
type Options struct {
	Directory string       // URL of the CA's directory (RFC 8555 section 7.1.1)
	HTTP      *http.Client // for a proxy and roots; nil: Go's own transport, 30 s for an exchange
	UserAgent string       // RFC 8555 section 6.1 wants one
	Key       *Key         // nil: nothing but GET
	KID       string       // the account's URL; empty: from the files beside the key, else the CA is asked
}

// Client speaks for one account with its CA. It sleeps never, and repeats a
// request only where the CA did not take its nonce. It may be used by several
// goroutines.
type Client struct {
	http      *http.Client
	userAgent string
	key       *Key
	kid       string
	directory directory
	origins   []string // scheme and host of all that the directory names, and of its own
	nonces    nonces
}

// directory holds what of a CA's directory is used; it may have any other
// keys.
type directory struct {
	NewNonce   string `json:"newNonce"`
	NewAccount string `json:"newAccount"`
	NewOrder   string `json:"newOrder"`
}

// Open reads the CA's directory, and finds the account's URL where there is a
// key.
func Open(ctx context.Context, o Options) (*Client, error) {
	own, err := origin(o.Directory)
	if err != nil {
		return nil, fmt.Errorf("opening a CA's directory: %w", err)
	}
	c := &Client{http: withoutRedirects(o.HTTP), userAgent: o.UserAgent, key: o.Key, origins: []string{own}}
	if c.userAgent == "" {
		c.userAgent = "domovoy"
	}
	a, err := c.send(ctx, http.MethodGet, o.Directory, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the CA's directory: %w", err)
	}
	if err := a.decode(&c.directory); err != nil {
		return nil, fmt.Errorf("reading the CA's directory: %w", err)
	}
	if c.directory.NewNonce == "" || c.directory.NewAccount == "" {
		return nil, fmt.Errorf("reading the CA's directory: %w", a.problem())
	}
	for _, u := range []string{c.directory.NewNonce, c.directory.NewAccount, c.directory.NewOrder} {
		if at, err := origin(u); err == nil && !slices.Contains(c.origins, at) {
			c.origins = append(c.origins, at)
		}
	}
	if c.key == nil {
		return c, nil
	}
	if c.kid, err = c.findKID(ctx, o.KID); err != nil {
		return nil, fmt.Errorf("finding the account's URL: %w", err)
	}
	return c, nil
}

// AccountURL is the account's URL at the CA; empty without a key.
func (c *Client) AccountURL() string { return c.kid }

// Format keeps the nonces out of every print.
func (c *Client) Format(s fmt.State, _ rune) { fmt.Fprint(s, "account "+c.kid) }

// Belongs reports whether a URL leads to this CA. Nothing else is ever asked:
// a URL may come from a chat or a log, and a request to it from our network.
func (c *Client) Belongs(rawURL string) bool {
	at, err := origin(rawURL)
	return err == nil && slices.Contains(c.origins, at)
}

// origin is a URL's scheme and host with its port.
func origin(rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", errors.New("not a URL") // the parser's error quotes it with a password
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return "", errors.New("not a URL of the web")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port, nil
}

// withoutRedirects keeps the caller's transport. A redirect would lead away
// from the CA, and a signed request is good for one URL only (RFC 8555
// section 6.4).
func withoutRedirects(client *http.Client) *http.Client {
	if client == nil {
		client = &http.Client{Timeout: defaultTimeout}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Jar = nil
	return &own
}

// read is POST-as-GET (RFC 8555 section 6.3), or GET where there is no key,
// which Let's Encrypt still answers.
func (c *Client) read(ctx context.Context, u string) (*answer, error) {
	if c.key != nil {
		return c.post(ctx, u, []byte{})
	}
	if !c.Belongs(u) {
		return nil, ErrOtherHost
	}
	a, err := c.send(ctx, http.MethodGet, u, nil)
	if p := (*Problem)(nil); errors.As(err, &p) && p.Status == http.StatusMethodNotAllowed {
		return nil, errors.Join(ErrKeyNeeded, err)
	}
	return a, err
}

// payload encodes what a request says.
func payload(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic("a request of ours cannot be encoded: " + err.Error()) // plain maps and strings
	}
	return body
}

const (
	maxBody = 1 << 20 // bytes of an answer; a directory or an order has a few KB

	// mostNonceTries bounds how often a request is repeated whose nonce the CA
	// did not take: at 30 % one request in 170,000 fails.
	mostNonceTries = 10
)

// answer is what came back, whole.
type answer struct {
	status int
	header http.Header // without Replay-Nonce
	nonce  string      // may be empty
	body   []byte
}

func (a *answer) problem() *Problem { return newProblem(a.status, a.header, a.body, time.Now()) }

// decode reads a good answer; one that is no JSON comes from something that is
// no CA, such as a login page.
func (a *answer) decode(into any) error {
	if json.Unmarshal(a.body, into) != nil {
		return a.problem()
	}
	return nil
}

// post signs a request for the account. An empty body is POST-as-GET.
func (c *Client) post(ctx context.Context, u string, body []byte) (*answer, error) {
	if c.key == nil {
		return nil, ErrKeyNeeded
	}
	return c.signed(ctx, u, body, c.kid)
}

// signed posts with an account's URL, or with the key itself where that is
// empty (RFC 8555 section 6.2).
func (c *Client) signed(ctx context.Context, u string, body []byte, kid string) (*answer, error) {
	if !c.Belongs(u) {
		return nil, ErrOtherHost
	}
	nonce, err := c.nonce(ctx)
	for try := 1; err == nil; try++ {
		var jws []byte
		if jws, err = sign(c.key, kid, u, nonce, body); err != nil {
			break
		}
		a, err := c.send(ctx, http.MethodPost, u, jws)
		var p *Problem
		if !errors.As(err, &p) || p.Type != typeBadNonce || try == mostNonceTries {
			c.nonces.put(a.nonce)
			return a, err
		}
		// RFC 8555 section 6.5: the answer brings a fresh nonce. What else is
		// kept may be as old as the one that was refused.
		c.nonces.drop()
		if nonce = a.nonce; nonce == "" {
			if nonce, err = c.nonce(ctx); err != nil {
				return nil, err
			}
		}
	}
	return nil, err
}

// sign makes the flattened JWS of RFC 8555 section 6.2. Errors of the library
// are about the key, so they are not passed on.
func sign(key *Key, kid, u, nonce string, body []byte) ([]byte, error) {
	o := (&jose.SignerOptions{EmbedJWK: kid == ""}).WithHeader("url", u).WithHeader("nonce", nonce)
	if kid != "" {
		o.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(key.signing, o)
	if err != nil {
		return nil, errors.New("the key cannot sign")
	}
	jws, err := signer.Sign(body)
	if err != nil {
		return nil, errors.New("the key cannot sign")
	}
	return []byte(jws.FullSerialize()), nil
}

// send does one exchange. Whatever is not 2xx is a *Problem, and beside an
// error the answer holds what did come.
func (c *Client) send(ctx context.Context, method, u string, body []byte) (*answer, error) {
	a := &answer{}
	request, err := http.NewRequestWithContext(ctx, method, u, bytes.NewReader(body))
	if err != nil {
		return a, fmt.Errorf("asking the CA: %w", err)
	}
	request.Header.Set("User-Agent", c.userAgent)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/jose+json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return a, fmt.Errorf("asking the CA: %w", err)
	}
	defer response.Body.Close()
	a.status, a.header, a.nonce = response.StatusCode, response.Header, response.Header.Get("Replay-Nonce")
	a.header.Del("Replay-Nonce")
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, maxBody)); err != nil {
		return a, fmt.Errorf("reading the CA's answer: %w", err)
	}
	if a.status < 200 || a.status > 299 {
		return a, a.problem()
	}
	return a, nil
}

// mostNonces bounds the store: no more are in use than requests at a time.
const mostNonces = 64

// nonces are the CA's numbers to be used once (RFC 8555 section 6.5). The
// newest goes first, for a CA forgets the old ones.
type nonces struct {
	mu   sync.Mutex
	have []string
}

func (n *nonces) put(nonce string) {
	if nonce == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.have) == mostNonces {
		n.have = n.have[1:]
	}
	n.have = append(n.have, nonce)
}

// take gives an empty string where there is none.
func (n *nonces) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.have) == 0 {
		return ""
	}
	last := len(n.have) - 1
	nonce := n.have[last]
	n.have = n.have[:last]
	return nonce
}

// drop throws all away.
func (n *nonces) drop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.have = nil
}

// nonce takes one from the store, or fetches one.
func (c *Client) nonce(ctx context.Context) (string, error) {
	if nonce := c.nonces.take(); nonce != "" {
		return nonce, nil
	}
	a, err := c.send(ctx, http.MethodHead, c.directory.NewNonce, nil)
	if err != nil {
		return "", fmt.Errorf("fetching a nonce: %w", err)
	}
	if a.nonce == "" {
		return "", fmt.Errorf("fetching a nonce: %w", a.problem())
	}
	return a.nonce, nil
}
