package boulder

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// algorithms are those that Boulder takes.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.ES384, jose.ES512}
}

// signed is a request whose signature was found good.
type signed struct {
	payload []byte           // empty: a read (RFC 8555 section 6.3)
	key     *jose.JSONWebKey // that it was signed with
	account *account         // nil: the key came with the request
}

// open verifies a signed request (RFC 8555 section 6.2). Whoever makes
// accounts sends the key; all others name the account.
func (ca *CA) open(r *http.Request, body []byte, byKey bool) (signed, *Problem) {
	s, p := ca.verify(r, body, byKey)
	if p != nil && p.Type == ErrorNamespace+"badNonce" {
		return s, p // the one that Boulder puts nothing before
	}
	return s, p.under("Unable to validate JWS")
}

func (ca *CA) verify(r *http.Request, body []byte, byKey bool) (signed, *Problem) {
	if p := decent(r); p != nil {
		return signed{}, p
	}
	jws, p := parse(body)
	if p != nil {
		return signed{}, p
	}
	header := jws.Signatures[0].Protected
	var s signed
	if s.key, s.account, p = ca.signer(header, byKey); p != nil {
		return signed{}, p
	}
	if p := fits(s.key, header.Algorithm); p != nil {
		return signed{}, p
	}
	var err error
	if s.payload, err = jws.Verify(s.key); err != nil {
		return signed{}, malformed("JWS verification error")
	}
	if !ca.nonces.redeem(header.Nonce) {
		return signed{}, badNonce()
	}
	if p := ca.rightURL(r, header); p != nil {
		return signed{}, p
	}
	if len(s.payload) > 0 && !json.Valid(s.payload) {
		return signed{}, malformed("Request payload did not parse as JSON")
	}
	return s, nil
}

// decent looks at what is not signed. Boulder asks for no User-Agent, though
// RFC 8555 section 6.1 does; Go's own says nothing about who is calling.
func decent(r *http.Request) *Problem {
	const want = "application/jose+json"
	kind, present := r.Header["Content-Type"]
	agent := r.Header.Get("User-Agent")
	switch {
	case !present:
		return malformed("No Content-Type header on POST. Content-Type must be %q", want)
	case len(kind) != 1 || kind[0] != want:
		return malformed("Invalid Content-Type header on POST. Content-Type must be %q", want)
	case r.Header.Get("Replay-Nonce") != "":
		return malformed("HTTP requests should NOT contain Replay-Nonce header. Use JWS nonce field")
	case agent == "" || strings.HasPrefix(agent, "Go-http-client/"):
		return malformed("A User-Agent that names the client is required")
	}
	return nil
}

// parse takes only the flattened form without unprotected headers (section 6.2).
func parse(body []byte) (*jose.JSONWebSignature, *Problem) {
	var shape struct {
		Header     json.RawMessage
		Signatures json.RawMessage
	}
	if json.Unmarshal(body, &shape) != nil {
		return nil, malformed("Parse error reading JWS")
	}
	if shape.Header != nil {
		return nil, malformed(`JWS "header" field not allowed. All headers must be in "protected" field`)
	}
	if shape.Signatures != nil {
		return nil, malformed(`JWS "signatures" field not allowed. Only the "signature" field should contain a signature`)
	}
	jws, err := jose.ParseSigned(string(body), algorithms())
	var odd *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &odd):
		return nil, badAlgorithm(string(odd.Got))
	case err != nil:
		return nil, malformed("Parse error reading JWS")
	case len(jws.Signatures) != 1 || len(jws.Signatures[0].Signature) == 0:
		return nil, malformed("POST JWS not signed")
	}
	return jws, nil
}

func badAlgorithm(got string) *Problem {
	p := NewProblem(http.StatusBadRequest, "badSignatureAlgorithm",
		fmt.Sprintf("JWS signature header contains unsupported algorithm %q, expected one of %s", got, algorithms()))
	for _, a := range algorithms() {
		p.Algorithms = append(p.Algorithms, string(a))
	}
	return p
}

// fits reports whether a key signs with that algorithm.
func fits(key *jose.JSONWebKey, algorithm string) *Problem {
	expected := ""
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return NewProblem(http.StatusBadRequest, "badPublicKey", "invalid request signing key: key size not supported: "+strconv.Itoa(k.N.BitLen()))
		}
		expected = string(jose.RS256)
	case *ecdsa.PublicKey:
		expected = map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[k.Curve.Params().BitSize]
	}
	if expected == "" {
		return NewProblem(http.StatusBadRequest, "badSignatureAlgorithm", "JWK contains unsupported key type (expected RSA, or ECDSA P-256, P-384, or P-521)")
	}
	if algorithm != expected {
		return malformed("JWS signature header algorithm %q does not match expected algorithm %q for JWK", algorithm, expected)
	}
	return nil
}

// signer finds the key that a request must be signed with.
func (ca *CA) signer(header jose.Header, byKey bool) (*jose.JSONWebKey, *account, *Problem) {
	key := header.JSONWebKey
	switch {
	case header.KeyID != "" && key != nil:
		return nil, nil, malformed("jwk and kid header fields are mutually exclusive")
	case byKey && key == nil:
		return nil, nil, malformed("No embedded JWK in JWS header")
	case byKey && (!key.Valid() || !key.IsPublic()):
		return nil, nil, malformed("Invalid JWK in JWS header")
	case byKey:
		return key, nil, nil
	case header.KeyID == "":
		return nil, nil, malformed("No Key ID in JWS header")
	}
	text, ok := strings.CutPrefix(header.KeyID, ca.url+"/acme/acct/")
	if !ok {
		return nil, nil, malformed("KeyID header contained an invalid account URL: %q", header.KeyID)
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, nil, malformed("Malformed account ID in KeyID header URL: %q", header.KeyID)
	}
	ca.model.mu.Lock()
	defer ca.model.mu.Unlock()
	a := ca.model.accounts[id]
	if a == nil || a.key == nil {
		return nil, nil, NewProblem(http.StatusBadRequest, "accountDoesNotExist", fmt.Sprintf("Account %q not found", header.KeyID))
	}
	if a.status != Valid {
		return nil, nil, unauthorized("Account is not valid, has status %q", a.status)
	}
	return a.key, a, nil
}

// rightURL reports whether a request was signed for where it went (section 6.4).
func (ca *CA) rightURL(r *http.Request, header jose.Header) *Problem {
	url, ok := header.ExtraHeaders["url"].(string)
	if !ok || url == "" {
		return malformed("JWS header parameter 'url' required")
	}
	if want := ca.url + r.RequestURI; url != want || "https://"+r.Host != ca.url {
		return malformed("JWS header parameter 'url' incorrect. Expected %q got %q", want, url)
	}
	return nil
}

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
