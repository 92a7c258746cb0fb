package boulder

import (
	"crypto/rand"
	"encoding/base64"
	"sync"
)

// nonces are good for one request each (RFC 8555 section 6.5).
type nonces struct {
	mu   sync.Mutex
	live map[string]struct{}
}

func newNonces() *nonces { return &nonces{live: map[string]struct{}{}} }

func (n *nonces) next() string {
	nonce := newToken()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.live[nonce] = struct{}{}
	return nonce
}

// redeem takes a nonce out of use, and reports whether it was in use.
func (n *nonces) redeem(nonce string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.live[nonce]
	delete(n.live, nonce)
	return ok
}

// ForgetNonces makes all nonces bad that were given out, as a restart of the CA does.
func (ca *CA) ForgetNonces() {
	ca.nonces.mu.Lock()
	defer ca.nonces.mu.Unlock()
	clear(ca.nonces.live)
}

// newToken is random, and as long as a challenge's token is (RFC 8555 section 8).
func newToken() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // it never fails: it would rather end the program
	return base64.RawURLEncoding.EncodeToString(raw[:])
}
