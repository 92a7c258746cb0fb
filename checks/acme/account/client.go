// Package account works with one account at a CA (RFC 8555): it reads and
// cancels authorizations. It never places orders on its own;
// [Client.ProbeOrder] is the one method that places one.
//
// go-jose signs the requests; directory, nonces and problem documents are
// handled here. The existing client that comes closest,
// github.com/mholt/acmez/v3/acme (3.1.7), does not fit:
//
//   - It repeats a POST up to three times after a 5xx answer or a broken
//     connection. Here each repetition would spend a new order or a failed
//     validation; a caller of this package first reads the result.
//   - Its methods drop the answer's header, so that Retry-After of a 429 is
//     lost, and its problems have no HTTP status if the answer was a page.
//   - An answer is read without a limit and copied unchanged into the text of
//     the error, with the token of an unpause link.
//   - All reads are POST-as-GET. Without the account's key a plain GET is
//     needed.
//   - It does not list an account's orders, and sends requests to any host.
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

const (
	// defaultTimeout limits one exchange if the caller passes no HTTP client.
	defaultTimeout = 30 * time.Second

	// maxBody limits an answer, in bytes; a directory or an order has a few KB.
	maxBody = 1 << 20

	// maxNonceTries limits how often a request is repeated because the CA
	// rejected its nonce: if it rejects 30 %, one request in 170,000 fails.
	maxNonceTries = 10

	// maxNonces is how many are kept: no more are used than there are
	// concurrent requests.
	maxNonces = 64
)

// Errors of requests that a client cannot make.
var (
	// ErrKeyNeeded: without a key only plain GET is possible, which the CA or
	// the method does not allow (RFC 8555 section 6.3).
	ErrKeyNeeded = errors.New("the CA shows this to the account's key alone")
	// ErrOtherHost: the URL is not one of this CA. Nothing was sent.
	ErrOtherHost = errors.New("not at this CA")
)

// Options says which account at which CA.
type Options struct {
	Directory string       // URL of the CA's directory (RFC 8555 section 7.1.1)
	HTTP      *http.Client // for a proxy and roots; nil: Go's default transport, 30 s for an exchange
	UserAgent string       // required by RFC 8555 section 6.1; empty: "domovoy"
	Key       *Key         // nil: only what plain GET returns
	KID       string       // the account's URL; empty: read from the files beside the key, else the CA is asked
}

// Client makes requests for one account at its CA. It never sleeps, and repeats
// a request only if the CA rejected its nonce. It is safe for concurrent use.
type Client struct {
	http      *http.Client
	userAgent string
	key       *Key
	kid       string
	directory directory
	origins   []string // scheme, host and port of the directory and of the URLs in it
	nonces    nonces
}

// directory holds those URLs of a CA's directory that are used (RFC 8555
// section 7.1.1).
type directory struct {
	NewNonce   string `json:"newNonce"`
	NewAccount string `json:"newAccount"`
	NewOrder   string `json:"newOrder"`
}

// Open reads the CA's directory and, if there is a key, finds the account's
// URL.
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
	if c.kid, err = c.findAccountURL(ctx, o.KID); err != nil {
		return nil, fmt.Errorf("finding the account's URL: %w", err)
	}
	return c, nil
}

// AccountURL returns the account's URL at the CA; empty without a key.
func (c *Client) AccountURL() string { return c.kid }

// Format prints only the account's URL, no nonces.
func (c *Client) Format(s fmt.State, _ rune) { fmt.Fprint(s, "account "+c.kid) }

// Belongs reports whether a URL is one of this CA. No request is sent to any
// other: a URL may come from a chat or a log, and could point into our own
// network.
func (c *Client) Belongs(rawURL string) bool { return IsOf(c.origins, rawURL) }

// Origins are the schemes, hosts and ports of this CA's URLs, for IsOf.
func (c *Client) Origins() []string { return slices.Clone(c.origins) }

// IsOf reports whether a URL is at one of the origins.
func IsOf(origins []string, rawURL string) bool {
	at, err := origin(rawURL)
	return err == nil && slices.Contains(origins, at)
}

// origin returns a URL's scheme and host with its port.
func origin(rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", errors.New("not a URL") // the parser's error could contain a password of the URL
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

// withoutRedirects returns a copy of the caller's client that follows no
// redirect: it could point away from the CA, and a signed request is valid for
// one URL only (RFC 8555 section 6.4).
func withoutRedirects(client *http.Client) *http.Client {
	if client == nil {
		// No proxy of the environment: the panel's own is in the configuration.
		client = &http.Client{Timeout: defaultTimeout, Transport: &http.Transport{ForceAttemptHTTP2: true}}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Jar = nil
	return &own
}

// read is POST-as-GET (RFC 8555 section 6.3) or, without a key, a plain GET,
// which Let's Encrypt still answers.
func (c *Client) read(ctx context.Context, u string) (*answer, error) {
	if c.key != nil {
		return c.post(ctx, u, []byte{})
	}
	if !c.Belongs(u) {
		return nil, ErrOtherHost
	}
	a, err := c.send(ctx, http.MethodGet, u, nil)
	if p, ok := errors.AsType[*Problem](err); ok && p.Status == http.StatusMethodNotAllowed {
		return nil, errors.Join(ErrKeyNeeded, err)
	}
	return a, err
}

// payload encodes the body of a request.
func payload(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic("a request cannot be encoded: " + err.Error()) // cannot happen with maps and strings
	}
	return body
}

// answer is a whole answer of the CA.
type answer struct {
	status int
	header http.Header // without Replay-Nonce
	nonce  string      // may be empty
	body   []byte
}

func (a *answer) problem() *Problem { return newProblem(a.status, a.header, a.body, time.Now()) }

// decode decodes the JSON of a successful answer. Anything else is not from a
// CA but, for example, a login page, and returns a *Problem.
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

// signed posts a request signed for an account's URL or, if kid is empty, with
// the public key (RFC 8555 section 6.2).
func (c *Client) signed(ctx context.Context, u string, body []byte, kid string) (*answer, error) {
	if !c.Belongs(u) {
		return nil, ErrOtherHost
	}
	nonce := c.nonces.take()
	for try := 1; ; try++ {
		if nonce == "" {
			var err error
			if nonce, err = c.newNonce(ctx); err != nil {
				return nil, err
			}
		}
		jws, err := sign(c.key, kid, u, nonce, body)
		if err != nil {
			return nil, err
		}
		a, err := c.send(ctx, http.MethodPost, u, jws)
		if p, ok := errors.AsType[*Problem](err); !ok || p.Type != typeBadNonce || try == maxNonceTries {
			c.nonces.put(a.nonce)
			return a, err
		}
		// The answer contains a new nonce (RFC 8555 section 6.5). The kept ones
		// may be as old as the one that was rejected.
		c.nonces.drop()
		nonce = a.nonce
	}
}

// sign makes the flattened JWS of RFC 8555 section 6.2. The library's errors
// are about the key; they could quote it and are not passed on.
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

// send makes one exchange. A status other than 2xx returns a *Problem. The
// answer is never nil; with an error it has what was received before it.
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

// nonces keeps unused nonces of the CA (RFC 8555 section 6.5). The newest is
// used first, because a CA forgets old ones.
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
	if len(n.have) == maxNonces {
		n.have = n.have[1:]
	}
	n.have = append(n.have, nonce)
}

// take returns the newest; empty: none is left.
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

// drop removes all.
func (n *nonces) drop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.have = nil
}

// newNonce fetches a nonce.
func (c *Client) newNonce(ctx context.Context) (string, error) {
	a, err := c.send(ctx, http.MethodHead, c.directory.NewNonce, nil)
	if err != nil {
		return "", fmt.Errorf("fetching a nonce: %w", err)
	}
	if a.nonce == "" {
		return "", fmt.Errorf("fetching a nonce: %w", a.problem())
	}
	return a.nonce, nil
}
