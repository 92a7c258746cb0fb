package account

import (
	"context"
	"fmt"
	"net/http"
	"sync"
)

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
