package boulder_test

import (
	"net/http"
	"testing"

	"domovoy/checks/lab/boulder"
)

// TestSigning: requests that are not signed as required by RFC 8555 section 6
// are refused.
func TestSigning(t *testing.T) {
	const account = "https://acme.test/acme/new-order"
	for name, row := range map[string]struct {
		spoil  func(c *raw, body []byte, r *http.Request) []byte
		status int
		kind   string
		detail string
	}{
		"another type of content": {func(_ *raw, b []byte, r *http.Request) []byte {
			r.Header.Set("Content-Type", "application/json")
			return b
		},
			400, "malformed", `Invalid Content-Type header on POST. Content-Type must be "application/jose+json"`},
		"no type of content": {func(_ *raw, b []byte, r *http.Request) []byte { r.Header.Del("Content-Type"); return b },
			400, "malformed", `Invalid Content-Type header on POST. Content-Type must be "application/jose+json"`},
		"no User-Agent": {func(_ *raw, b []byte, r *http.Request) []byte { r.Header.Set("User-Agent", ""); return b },
			400, "malformed", "A User-Agent that names the client is required"},
		"signed for another URL": {func(c *raw, _ []byte, _ *http.Request) []byte {
			return c.sign("https://acme.test/acme/order/1/2", c.nonce(), nil)
		}, 400, "malformed", `JWS header parameter 'url' incorrect. Expected "https://acme.test/acme/new-order" got "https://acme.test/acme/order/1/2"`},
		"an invented nonce": {func(c *raw, _ []byte, _ *http.Request) []byte { return c.sign(account, "bm9uY2U", nil) },
			400, "badNonce", "JWS has an invalid anti-replay nonce"},
		"another's key": {func(c *raw, _ []byte, _ *http.Request) []byte {
			c.key = newKey(c.t)
			return c.sign(account, c.nonce(), nil)
		}, 400, "malformed", "JWS verification error"},
		"a key instead of an account": {func(c *raw, _ []byte, _ *http.Request) []byte {
			c.kid = ""
			return c.sign(account, c.nonce(), nil)
		}, 400, "malformed", "No Key ID in JWS header"},
		"no JWS": {func(*raw, []byte, *http.Request) []byte { return []byte("{") },
			400, "malformed", "Parse error reading JWS"},
	} {
		t.Run(name, func(t *testing.T) {
			ca := boulder.New(boulder.Options{})
			c, _ := enter(t, ca)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, account, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("User-Agent", "raw/1")
			r.Header.Set("Content-Type", "application/jose+json")
			body := row.spoil(c, c.sign(account, c.nonce(), nil), r)
			got := c.send(http.MethodPost, account, body, func(sent *http.Request) { sent.Header = r.Header })
			detail := row.detail
			if row.kind != "badNonce" {
				detail = "Unable to validate JWS :: " + detail
			}
			if got.status != row.status || got.kind != row.kind || got.problem != detail {
				t.Errorf("%d %s %q\nwant %d %s %q", got.status, got.kind, got.problem, row.status, row.kind, detail)
			}
			if got.header.Get("Replay-Nonce") == "" {
				t.Error("no nonce for the next try")
			}
		})
	}
}

// TestNonces: each is valid once.
func TestNonces(t *testing.T) {
	ca := boulder.New(boulder.Options{})
	c, _ := enter(t, ca)
	nonce := c.nonce()
	if got := c.send(http.MethodPost, c.kid, c.sign(c.kid, nonce, nil), nil); got.status != 200 {
		t.Fatalf("first use: %d %s", got.status, got.text)
	}
	if got := c.send(http.MethodPost, c.kid, c.sign(c.kid, nonce, nil), nil); got.kind != "badNonce" {
		t.Errorf("second use: %d %s", got.status, got.text)
	}
}

// TestAccounts: a key has one account, through the port and through Client.
func TestAccounts(t *testing.T) {
	ca, err := boulder.Start(boulder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ca.Close)
	c := &raw{t: t, ca: ca, http: through(t, ca), key: newKey(t)}
	made := ca.Register(c.key.Public())
	if again := ca.Register(c.key.Public()); again != made {
		t.Errorf("registered as %+v, then as %+v", made, again)
	}
	found := c.post(ca.URL()+"/acme/new-acct", map[string]bool{"onlyReturnExisting": true})
	if found.status != 200 || found.header.Get("Location") != made.URL {
		t.Errorf("found %d %s, want %s", found.status, found.header.Get("Location"), made.URL)
	}
	directory := c.get(ca.Directory())
	if len(directory.body) != 8 || directory.body["newNonce"] != ca.URL()+"/acme/new-nonce" {
		t.Errorf("the directory: %s", directory.text)
	}
}
