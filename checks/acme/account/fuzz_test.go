package account

import (
	"bufio"
	"bytes"
	"crypto/elliptic"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
)

// FuzzKey: from any key file comes a key that can sign, or an error that
// contains nothing of the file.
func FuzzKey(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}`))
	f.Add([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"))
	f.Add([]byte(`{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB","p":"AQ","q":"AQ"}`))
	ec := newEC(f, elliptic.P256())
	f.Add([]byte(sec1(f, ec)))
	f.Add([]byte(pkcs8(f, ec)))
	f.Add([]byte(jwk(f, ec)))
	f.Fuzz(func(t *testing.T, data []byte) {
		text := string(data)
		signing, err := parseKey(data)
		if err != nil {
			if len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Errorf("the error tells the file: %v", err)
			}
			return
		}
		jws, err := sign(&Key{signing: signing}, "https://ca.example/acct/1", "https://ca.example/x", "bm9uY2U", []byte("{}"))
		if err != nil {
			t.Fatalf("the key was taken and cannot sign: %v", err)
		}
		if _, err := jose.ParseSigned(string(jws), []jose.SignatureAlgorithm{signing.Algorithm}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzLog: in any log, only web URLs are found, each once, and reading the log
// in parts finds no others.
func FuzzLog(f *testing.F) {
	for _, name := range []string{"certbot.log", "acmesh-debug2.log", "acmesh-debug1.log", "acmesh.conf"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:min(len(text), 1500)]) // fuzzing is slow with long inputs
	}
	f.Add([]byte(`"authorizations":["https://ca.example/1","https://ca.example/2"],"authorizations":[`))
	f.Add([]byte("\"authorizations\" : [\n\"https:\\/\\/ca.example\\/1\" ] https://ca.example/acme/order/1/2 ]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := newCollector()
		if err := c.lines(t.Context(), "log", bufio.NewReaderSize(bytes.NewReader(text), 16)); err != nil {
			t.Fatal(err)
		}
		found := c.result()
		seen := map[string]bool{}
		for _, s := range found.URLs {
			if !strings.HasPrefix(s.URL, "http") || strings.ContainsAny(s.URL, " \n\"'<>") || len(s.URL) > maxURL || seen[s.URL] {
				t.Errorf("found %q", s.URL)
			}
			seen[s.URL] = true
			if !utf8.ValidString(s.Name) {
				t.Errorf("named %q", s.Name)
			}
		}
		again := newCollector()
		if err := again.lines(t.Context(), "log", bufio.NewReaderSize(bytes.NewReader(text), 1<<16)); err != nil {
			t.Fatal(err)
		}
		if got := again.result(); len(got.URLs) != len(found.URLs) || len(got.Orders) != len(found.Orders) || len(got.Stale) != len(found.Stale) {
			t.Errorf("%d, %d, %d; by larger parts %d, %d, %d", len(found.URLs), len(found.Orders), len(found.Stale), len(got.URLs), len(got.Orders), len(got.Stale))
		}
	})
}

// FuzzProblem: from any answer, the problem is bounded and printable, and its
// text does not contain the token of an unpause link.
func FuzzProblem(f *testing.F) {
	f.Add(429, "application/problem+json", "60", []byte(`{"type":"urn:ietf:params:acme:error:rateLimited","detail":"see https://x.example/unpause?jwt=abc.def"}`))
	f.Add(400, "", "", []byte(`{"type":"https://x.example/unpause?jwt=abc.def","detail":"0jwt=0"}`))
	f.Add(503, "text/html", "Sat, 21 Nov 2026 12:01:00 GMT", []byte("<title>Busy</title>"))
	f.Add(400, "application/json", "-1", []byte(`{"subproblems":[{"identifier":{"value":"a"}}],"detail":"x"}`))
	f.Fuzz(func(t *testing.T, status int, kind, retry string, body []byte) {
		p := newProblem(status, http.Header{"Content-Type": {kind}, "Retry-After": {retry}}, body, noon)
		text := p.Error()
		if !utf8.ValidString(p.Detail) || len(p.Detail) > 2*maxDetail || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x1b\x00") {
			t.Errorf("%q, %q", p.Detail, text)
		}
		if p.RetryAfter < 0 || p.RetryAfter > maxRetryAfter {
			t.Errorf("wait %v", p.RetryAfter)
		}
		if _, after, ok := strings.Cut(text, "jwt="); ok && after != "" && !strings.HasPrefix(after, redacted) && !strings.ContainsAny(after[:1], " &\"'<>…") {
			t.Errorf("the token shows: %q", text)
		}
		impliedStatus(p)
	})
}
