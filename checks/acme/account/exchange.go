package account

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
)

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
