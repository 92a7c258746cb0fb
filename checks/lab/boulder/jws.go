package boulder

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// algorithms returns those that Boulder accepts.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.ES384, jose.ES512}
}

// signed is a request whose signature is valid.
type signed struct {
	payload []byte           // empty: a read (RFC 8555 section 6.3)
	key     *jose.JSONWebKey // the key that signed it
	account *account         // nil: the request contained the key
}

// open verifies a signed request (RFC 8555 section 6.2), with the model locked.
// byKey: the request contains the key; otherwise it names the account.
func (ca *CA) open(r *http.Request, body []byte, byKey bool) (signed, *Problem) {
	s, p := ca.verify(r, body, byKey)
	if p != nil && p.Type != ErrorNamespace+"badNonce" { // the only one to which Boulder adds no prefix
		p.Detail = "Unable to validate JWS :: " + p.Detail
	}
	return s, p
}

func (ca *CA) verify(r *http.Request, body []byte, byKey bool) (s signed, p *Problem) {
	if p := checkHeader(r); p != nil {
		return signed{}, p
	}
	jws, err := jose.ParseSignedJSON(string(body), algorithms())
	if err != nil || len(jws.Signatures) != 1 {
		return signed{}, malformed("Parse error reading JWS")
	}
	header := jws.Signatures[0].Protected
	if s.key, s.account, p = ca.signer(header, byKey); p != nil {
		return signed{}, p
	}
	if s.payload, err = jws.Verify(s.key); err != nil {
		return signed{}, malformed("JWS verification error")
	}
	if !ca.nonces.redeem(header.Nonce) {
		return signed{}, badNonce()
	}
	want := ca.url + r.RequestURI // RFC 8555 section 6.4
	if url, _ := header.ExtraHeaders["url"].(string); url != want {
		return signed{}, malformed("JWS header parameter 'url' incorrect. Expected %q got %q", want, url)
	}
	if len(s.payload) > 0 && !json.Valid(s.payload) {
		return signed{}, malformed("Request payload did not parse as JSON")
	}
	return s, nil
}

// checkHeader checks the unsigned headers. Boulder does not require a
// User-Agent, though RFC 8555 section 6.1 does; Go's default one does not
// identify the client.
func checkHeader(r *http.Request) *Problem {
	const want = "application/jose+json"
	agent := r.Header.Get("User-Agent")
	switch {
	case r.Header.Get("Content-Type") != want:
		return malformed("Invalid Content-Type header on POST. Content-Type must be %q", want)
	case agent == "" || strings.HasPrefix(agent, "Go-http-client/"):
		return malformed("A User-Agent that names the client is required")
	}
	return nil
}

// signer returns the key with which a request must be signed.
func (ca *CA) signer(header jose.Header, byKey bool) (*jose.JSONWebKey, *account, *Problem) {
	switch {
	case byKey && header.JSONWebKey == nil:
		return nil, nil, malformed("No embedded JWK in JWS header")
	case byKey:
		return header.JSONWebKey, nil, nil
	case header.KeyID == "":
		return nil, nil, malformed("No Key ID in JWS header")
	}
	text, ok := strings.CutPrefix(header.KeyID, ca.url+"/acme/acct/")
	if !ok {
		return nil, nil, malformed("KeyID header contained an invalid account URL: %q", header.KeyID)
	}
	id, _ := strconv.ParseInt(text, 10, 64) // no account has number 0
	a := ca.model.accounts[id]
	if a == nil || a.key == nil {
		return nil, nil, NewProblem(http.StatusBadRequest, "accountDoesNotExist", fmt.Sprintf("Account %q not found", header.KeyID))
	}
	return a.key, a, nil
}

// thumbprint identifies a key (RFC 7638); empty for an invalid one.
func thumbprint(key *jose.JSONWebKey) string {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return string(sum)
}

// nonces are valid for one request each (RFC 8555 section 6.5).
type nonces struct {
	mu   sync.Mutex
	live map[string]struct{}
}

func (n *nonces) next() string {
	nonce := newToken()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.live[nonce] = struct{}{}
	return nonce
}

// redeem removes a nonce, and reports whether it was valid.
func (n *nonces) redeem(nonce string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.live[nonce]
	delete(n.live, nonce)
	return ok
}

// newToken returns 256 random bits in base64.
func newToken() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(raw[:])
}
