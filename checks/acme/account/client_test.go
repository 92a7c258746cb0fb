package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"domovoy/checks"
)

// TestBadNonces makes concurrent requests to a CA that rejects every third
// valid nonce.
func TestBadNonces(t *testing.T) {
	p := newPebble(t, 30)
	c := p.register(newKeyFile(t))
	var names []string
	for n := range 60 {
		names = append(names, fmt.Sprintf("site%d.example", n))
	}
	order := p.order(c, names...)
	ctx := within(t, time.Minute)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < len(order.Authorizations); i += 8 {
				u := order.Authorizations[i]
				if a, err := c.Deactivate(ctx, u); err != nil || a.Status != checks.AuthorizationDeactivated {
					t.Errorf("%+v, %v", a, err)
				}
				if a, err := c.Read(ctx, u); err != nil || a.Status != checks.AuthorizationDeactivated {
					t.Errorf("%+v, %v", a, err)
				}
			}
		})
	}
	group.Wait()
}

// TestNonceNeverTaken: after a number of rejected nonces the request fails with
// the reason.
func TestNonceNeverTaken(t *testing.T) {
	ca := newCA(t)
	var asked atomic.Int32
	ca.mux.HandleFunc("/authz/1", func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		problem(w, 400, `{"type":"urn:ietf:params:acme:error:badNonce","detail":"JWS has an invalid anti-replay nonce"}`)
	})
	_, err := ca.open().Read(t.Context(), ca.server.URL+"/authz/1")
	var p *Problem
	if !errors.As(err, &p) || p.Type != typeBadNonce || asked.Load() != maxNonceTries {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

// TestAnswers checks what an answer means for an authorization. In each case
// one request is made.
func TestAnswers(t *testing.T) {
	const expires = `"expires":"2026-11-28T10:00:00Z"`
	const identifier = `"identifier":{"type":"dns","value":"Shop.example"}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   checks.AuthorizationStatus // empty: an error
	}{
		{"pending", 200, `{"status":"pending",` + identifier + `,` + expires + `}`, checks.AuthorizationPending},
		{"valid", 200, `{"status":"valid",` + identifier + `}`, checks.AuthorizationValid},
		{"a date that is none", 200, `{"status":"pending",` + identifier + `,"expires":"soon"}`, checks.AuthorizationPending},
		{"revoked", 200, `{"status":"revoked",` + identifier + `}`, checks.AuthorizationRevoked},
		{"Boulder: expired", 404, `{"type":"urn:ietf:params:acme:error:malformed","detail":"Expired authorization"}`, checks.AuthorizationExpired},
		{"Boulder: unknown", 404, `{"type":"urn:ietf:params:acme:error:malformed","detail":"No such authorization"}`, checks.AuthorizationGone},
		{"Boulder: another account's", 403, `{"type":"urn:ietf:params:acme:error:unauthorized","detail":"Account ID doesn't match ID for authorization"}`, checks.AuthorizationForeign},
		{"no body, 404", 404, ``, checks.AuthorizationGone},
		{"no body, 403", 403, ``, checks.AuthorizationForeign},
		{"the account was deactivated", 403, `{"type":"urn:ietf:params:acme:error:unauthorized","detail":"Unable to validate JWS :: Account is not valid, has status \"deactivated\""}`, ""},
		{"a firewall's page", 403, `<html><title>Access denied</title>`, ""},
		{"a page that is not there", 404, `<html><title>404 Not Found</title>`, ""},
		{"a login page", 200, `<html><title>Welcome</title>`, ""},
		{"a status that nobody knows", 200, `{"status":"dancing"}`, ""},
		{"JSON of something else", 200, `[1,2]`, ""},
		{"a redirect", 302, ``, ""},
		{"too many requests", 429, `{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many"}`, ""},
		{"the CA's fault", 500, `{"type":"urn:ietf:params:acme:error:serverInternal","detail":"oops"}`, ""},
		{"the balancer's fault", 503, `<html><h1>Service busy</h1></html>`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca := newCA(t)
			var asked atomic.Int32
			ca.mux.HandleFunc("/authz/1", func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.Header().Set("Location", "https://elsewhere.example/")
				if strings.HasPrefix(c.body, "<") {
					w.Header().Set("Content-Type", "text/html")
					w.WriteHeader(c.status)
					fmt.Fprint(w, c.body)
					return
				}
				problem(w, c.status, c.body)
			})
			client := ca.open()
			read, err := client.Read(t.Context(), ca.server.URL+"/authz/1")
			if read.Status != c.want || (err != nil) != (c.want == "") {
				t.Errorf("%+v, %v; want %q", read, err, c.want)
			}
			if c.want == "" {
				var p *Problem
				if !errors.As(err, &p) || p.Status != c.status {
					t.Errorf("%v is not a problem of status %d", err, c.status)
				}
			}
			if strings.Contains(c.body, "identifier") && read.Name != "shop.example" {
				t.Errorf("the name is %q", read.Name)
			}
			if asked.Load() != 1 {
				t.Errorf("asked %d times", asked.Load())
			}
		})
	}
}

// TestWithoutKeyAtLetsEncrypt reads by GET, as Let's Encrypt still allows.
func TestWithoutKeyAtLetsEncrypt(t *testing.T) {
	ca := newCA(t)
	ca.mux.HandleFunc("GET /authz/1", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") != "domovoy/test" || r.ContentLength > 0 {
			t.Errorf("asked with %v", r.Header)
		}
		fmt.Fprint(w, `{"status":"pending","identifier":{"type":"dns","value":"shop.example"}}`)
	})
	c, err := Open(t.Context(), Options{Directory: ca.server.URL + "/directory", HTTP: ca.server.Client(), UserAgent: "domovoy/test"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.Read(t.Context(), ca.server.URL+"/authz/1")
	if err != nil || a.Status != checks.AuthorizationPending || c.key != nil || c.AccountURL() != "" {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestDirectories: answers that are not valid directories.
func TestDirectories(t *testing.T) {
	ca := newCA(t)
	ca.mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	ca.mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `<html><title>Hello</title>`) })
	ca.mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
				return
			}
		}
	})
	for _, directory := range []string{"", "directory", "ftp://ca.example/", "https://me:secret@ca.example/",
		ca.server.URL + "/empty", ca.server.URL + "/page", ca.server.URL + "/none", ca.server.URL + "/endless"} {
		_, err := Open(t.Context(), Options{Directory: directory, HTTP: ca.server.Client()})
		if err == nil {
			t.Errorf("%q is taken for a directory", directory)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells a password: %v", err)
		}
	}
}

// TestContext ends a request in progress.
func TestContext(t *testing.T) {
	ca := newCA(t)
	begun := make(chan struct{})
	ca.mux.HandleFunc("/authz/1", func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		io.Copy(io.Discard, r.Body) // so that the server notices that the client closes
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // an empty answer could arrive before the client has closed its side
	})
	c := ca.open()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	go func() {
		<-begun
		cancel()
	}()
	if _, err := c.Read(ctx, ca.server.URL+"/authz/1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func problem(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}
