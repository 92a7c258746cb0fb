package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
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
