package boulder_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"
	"time"

	"domovoy/checks/lab/boulder"
)

// win answers the first challenge of each authorization of an order.
func (c *raw) win(order answer) {
	c.t.Helper()
	for _, url := range order.body["authorizations"].([]any) {
		challenges := c.post(url.(string), nil).body["challenges"].([]any)
		challenge := challenges[0].(map[string]any)
		if got := c.post(challenge["url"].(string), struct{}{}); got.status != 200 || got.body["status"] != "pending" {
			c.t.Errorf("challenge: %d %s", got.status, got.text)
		}
	}
}

func (c *raw) csr(names ...string) map[string]string {
	c.t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, newKey(c.t))
	if err != nil {
		c.t.Fatal(err)
	}
	return map[string]string{"csr": base64.RawURLEncoding.EncodeToString(der)}
}

// TestIssuing goes the whole way, twice: the second time by ARI.
func TestIssuing(t *testing.T) {
	clock := newClock()
	ca := boulder.New(boulder.Options{Clock: clock.Now})
	c, id := enter(t, ca)
	order := c.order("shop.ru", "www.shop.ru")
	c.win(order)
	url := order.header.Get("Location")
	if got := c.post(url, nil); got.body["status"] != "ready" {
		t.Fatalf("after the challenges: %s", got.text)
	}
	finalize := order.body["finalize"].(string)
	if got := c.post(finalize, c.csr("shop.ru")); got.status != 403 {
		t.Errorf("other names: %d %s", got.status, got.text)
	}
	got := c.post(finalize, c.csr("www.shop.ru", "shop.ru"))
	if got.status != 200 || got.body["status"] != "valid" {
		t.Fatalf("finalize: %d %s", got.status, got.text)
	}
	chain := c.post(got.body["certificate"].(string), nil)
	block, rest := pem.Decode([]byte(chain.text))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || len(rest) == 0 {
		t.Fatalf("the chain: %v %s", err, chain.text)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "www.shop.ru", Roots: ca.Roots(), CurrentTime: clock.Now()}); err != nil {
		t.Error(err)
	}
	ari := ca.Orders(id)[0].Certificate
	info := c.get(ca.URL() + "/acme/renewal-info/" + ari)
	window, _ := info.body["suggestedWindow"].(map[string]any)
	start, err := time.Parse(time.RFC3339, window["start"].(string))
	if err != nil || info.header.Get("Retry-After") != "21600" || start.Sub(leaf.NotBefore).Round(24*time.Hour) != 59*24*time.Hour {
		t.Errorf("renewal: %v %s", err, info.text)
	}
}

// TestScripts: validation and issuing fail as a script says, and are told as Boulder tells them.
func TestScripts(t *testing.T) {
	ca := boulder.New(boulder.Options{Clock: newClock().Now})
	c, id := enter(t, ca)
	ca.Script("dead.ru", boulder.Script{Validation: boulder.NewProblem(400, "dns", "DNS problem: NXDOMAIN looking up A for dead.ru - check that a DNS record exists for this domain")})
	ca.Script("caa.ru", boulder.Script{Issuing: boulder.NewProblem(403, "caa", "rechecking caa: CAA record for caa.ru prevents issuance")})
	dead := c.order("dead.ru")
	c.win(dead)
	a := c.post(ca.Orders(id)[0].Authorizations[0], nil)
	first := a.body["challenges"].([]any)[0].(map[string]any)
	if a.body["status"] != "invalid" || first["error"].(map[string]any)["detail"] != "DNS problem: NXDOMAIN looking up A for dead.ru - check that a DNS record exists for this domain" {
		t.Errorf("the authorization: %s", a.text)
	}
	if ca.Charged(id)["dead.ru"] != 1 || ca.Charges()[0].Reason != boulder.ChargedFailure {
		t.Errorf("charged %v", ca.Charges())
	}
	if again := c.post(first["url"].(string), struct{}{}); again.status != 400 {
		t.Errorf("a second try: %d %s", again.status, again.text)
	}
	caa := c.order("caa.ru")
	c.win(caa)
	got := c.post(caa.body["finalize"].(string), c.csr("caa.ru"))
	if got.kind != "caa" || got.problem != "Error finalizing order :: rechecking caa: CAA record for caa.ru prevents issuance" {
		t.Errorf("finalize: %d %s", got.status, got.text)
	}
	if order := c.post(caa.header.Get("Location"), nil); order.body["status"] != "invalid" || order.body["error"] == nil {
		t.Errorf("the order: %s", order.text)
	}
}

// TestMany: what the judges need is there quickly.
func TestMany(t *testing.T) {
	ca := boulder.New(boulder.Options{})
	c, id := enter(t, ca)
	three := ca.Populate(id, boulder.Names(3000, "hosting.ru"), 1, boulder.Pending)
	two := ca.Populate(id, boulder.Names(150, "shop.ru"), 2, boulder.Pending)
	ca.Expire(two[:10]...)
	ca.Set(two[10], boulder.Valid)
	if len(three) != 3000 || len(two) != 300 || len(ca.Authorizations(id)) != 3300 {
		t.Errorf("%d, %d, %d", len(three), len(two), len(ca.Authorizations(id)))
	}
	if got := c.get(two[3]); got.status != 404 {
		t.Errorf("expired: %d", got.status)
	}
	if got := c.get(two[10]); got.body["status"] != "valid" {
		t.Errorf("won: %s", got.text)
	}
}
