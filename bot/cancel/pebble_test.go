package cancel_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	pebbleca "github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"domovoy/bot/cancel"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/acme/account"
	"domovoy/checks/lab/boulder"
)

// pebble is Let's Encrypt's CA for tests, with an account and its client.
// Unlike Boulder it lists orders, answers no GET and has no limits.
type pebble struct {
	*testing.T
	front  http.Handler
	key    string // its file
	client *account.Client
	bot    *engine.Engine
}

// at is its URL for clients: there is no socket.
const at = "https://pebble.test"

// RoundTrip passes a request to it as a server would.
func (p *pebble) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host, in.TLS = r.URL.RequestURI(), r.URL.Host, &tls.ConnectionState{}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	out := httptest.NewRecorder()
	p.front.ServeHTTP(out, in)
	return out.Result(), r.Context().Err()
}

func (p *pebble) http() *http.Client { return &http.Client{Transport: p} }

// inPebble runs a test in virtual time, with a Pebble in this process. Tests
// must not respond to a challenge: for those of a canceled authorization Pebble
// deadlocks (v2.10.1).
func inPebble(t *testing.T, test func(p *pebble)) {
	t.Helper()
	for name, value := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "5", "PEBBLE_AUTHZREUSE": "0"} {
		t.Setenv(name, value)
	}
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	issuer := pebbleca.New(quiet, store, "", "ecdsa", 0, 1, map[string]pebbleca.Profile{"default": {Description: "default"}})
	front := wfe.New(quiet, store, va.New(quiet, 1, 1, false, "", store), issuer, []string{"pebble.example"}, true, false, 0, 0)
	handler := front.Handler()
	synctest.Test(t, func(t *testing.T) {
		p := &pebble{T: t, front: handler}
		p.register()
		p.open()
		test(p)
	})
}

func (p *pebble) directory() string { return at + wfe.DirectoryPath }

// register creates an account (RFC 8555 section 7.3), with its key in a file.
func (p *pebble) register() {
	p.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p.must(err)
	der, err := x509.MarshalECPrivateKey(key)
	p.must(err)
	o := &office{T: p.T, folder: p.TempDir()}
	p.key = o.file("account.key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})))
	url := at + "/sign-me-up"
	for range 20 { // some nonces are refused
		head, err := p.send(http.MethodHead, at+"/nonce-plz", nil)
		p.must(err)
		options := (&jose.SignerOptions{EmbedJWK: true}).WithHeader("url", url).WithHeader("nonce", head.Header.Get("Replay-Nonce"))
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
		p.must(err)
		jws, err := signer.Sign([]byte(`{"termsOfServiceAgreed":true}`))
		p.must(err)
		answer, err := p.send(http.MethodPost, url, []byte(jws.FullSerialize()))
		p.must(err)
		if answer.StatusCode == http.StatusCreated {
			loaded, err := account.LoadKey(p.key)
			p.must(err)
			p.client, err = account.Open(p.Context(), account.Options{Directory: p.directory(), HTTP: p.http(), Key: loaded})
			p.must(err)
			return
		}
	}
	p.Fatal("no account is made")
}

func (p *pebble) send(method, url string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(p.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/jose+json")
	request.Header.Set("User-Agent", "test")
	answer, err := p.http().Do(request)
	if err == nil {
		err = answer.Body.Close()
	}
	return answer, err
}

func (p *pebble) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// open creates an engine with the account.
func (p *pebble) open() {
	p.Helper()
	account := cancel.LocalAccount{Directory: p.directory(), HTTP: p.http(), UserAgent: "test", KeyFile: p.key}
	ca := &watch.CA{Directory: p.directory(), Cap: 5000, Account: account}
	p.bot = enginetest.New(p, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: enginetest.NewPanel(), CA: ca}}})
	enginetest.Read(p, p.bot)
}

// At a CA that lists an account's orders no log is needed: all pages of the
// list are read before anything is canceled. The price is not known.
func TestCancelAtPebble(t *testing.T) {
	inPebble(t, func(p *pebble) {
		for _, name := range boulder.Names(150, "client.example") {
			for range 2 {
				_, err := p.client.ProbeOrder(p.Context(), []string{name})
				p.must(err)
			}
		}
		o := &office{T: p.T, bot: p.bot}
		plan := o.planned("all")
		if plan.Pending != 300 || plan.Gone != 0 || plan.Valid != 0 || plan.Known || plan.Price != 300 {
			p.Fatalf("the plan has %d pending, %d valid, %d gone, the price %d, known: %v", plan.Pending, plan.Valid, plan.Gone, plan.Price, plan.Known)
		}
		began := time.Now()
		r := o.confirmed(plan.ID)
		if r.Deactivated != 300 || r.Skipped+r.Failed != 0 {
			p.Errorf("%d deactivated, %d skipped, %d failed", r.Deactivated, r.Skipped, r.Failed)
		}
		p.Logf("300 cancelled in %s", time.Since(began).Round(time.Second))
		for _, a := range plan.Authorizations {
			is, err := p.client.Read(p.Context(), a.URL)
			if err != nil || is.Status != checks.AuthorizationDeactivated {
				p.Errorf("%s is %s, %v", a.URL, is.Status, err)
			}
		}
		if again := o.planned("all"); again.Pending != 0 || again.ID != "" {
			p.Errorf("afterwards the plan is %+v", again)
		}
	})
}

// Only authorizations of the requested domain are planned, with its wildcard,
// which is a name of its own; an order's other names are not.
func TestPlanAtPebble(t *testing.T) {
	inPebble(t, func(p *pebble) {
		for _, names := range [][]string{{"a.example", "b.example"}, {"shop.ru", "*.shop.ru", "other.example"}, {"c.example"}} {
			_, err := p.client.ProbeOrder(p.Context(), names)
			p.must(err)
		}
		o := &office{T: p.T, bot: p.bot}
		plan := o.planned("shop.ru")
		var domains []string
		for _, a := range plan.Authorizations {
			domains = append(domains, a.Domain)
		}
		if slices.Sort(domains); fmt.Sprint(domains) != "[*.shop.ru shop.ru]" {
			p.Errorf("the plan of shop.ru has %q", domains)
		}
		o.confirmed(plan.ID)
		if rest := o.planned("all"); rest.Pending != 3 { // the list does not contain invalid orders, so their pending authorizations are missing
			p.Errorf("afterwards %d are found", rest.Pending)
		}
	})
}
