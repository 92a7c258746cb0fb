package account

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"domovoy/checks"
)

// TestOrdersBeforeCancelling shows why Orders reads all pages first: Pebble
// leaves invalid orders out of its pages of three, so a client that cancels
// between two pages misses orders.
func TestOrdersBeforeCancelling(t *testing.T) {
	p := newPebble(t, 0)
	c := p.register(newKeyFile(t))
	var want []string
	for n := range 20 {
		want = append(want, p.order(c, fmt.Sprintf("site%d.example", n)).URL)
	}
	ctx := within(t, time.Minute)
	list, err := c.Orders(ctx)
	if err != nil || list.None || list.Cut {
		t.Fatalf("%+v, %v", list, err)
	}
	slices.Sort(want)
	got := slices.Sorted(slices.Values(list.URLs))
	if !slices.Equal(got, want) {
		t.Errorf("listed %d orders, want %d", len(got), len(want))
	}
	found, err := c.Discover(ctx, Sources{})
	if err != nil || len(found.URLs) != 20 || len(found.Orders) != 0 || found.Hint != HintNone {
		t.Fatalf("found %d authorizations, %v", len(found.URLs), err)
	}
	for _, s := range found.URLs {
		if a, err := c.Deactivate(ctx, s.URL); err != nil || a.Status != checks.AuthorizationDeactivated {
			t.Errorf("%+v, %v", a, err)
		}
	}
	if list, err = c.Orders(ctx); err != nil || len(list.URLs) != 0 {
		t.Errorf("left are %v, %v", list.URLs, err)
	}
}

// TestOrderPages follows the links of pages that a CA may send.
func TestOrderPages(t *testing.T) {
	for _, c := range []struct {
		name string
		link map[string]string // by page
		want OrderList
	}{
		{"one page", nil, OrderList{URLs: []string{"/orders"}}},
		{"two, linked from the root", map[string]string{"/orders": `</orders/2>;rel="next"`}, OrderList{URLs: []string{"/orders", "/orders/2"}}},
		{"two, among other links", map[string]string{"/orders": `</dir>; rel="index", <?cursor=2>; title="x"; rel=next`}, OrderList{URLs: []string{"/orders", "/orders?cursor=2"}}},
		{"a circle", map[string]string{"/orders": `</b>;rel="next"`, "/b": `</orders>;rel="next"`}, OrderList{URLs: []string{"/orders", "/b"}, Cut: true}},
		{"a link that is none", map[string]string{"/orders": `/b;rel="next", <:%>;rel="next"`}, OrderList{URLs: []string{"/orders"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca := newCA(t)
			handle := func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Link", c.link[r.URL.RequestURI()])
				fmt.Fprintf(w, `{"orders":["%s%s","https://elsewhere.example/order/1"]}`, ca.server.URL, r.URL.RequestURI())
			}
			ca.mux.HandleFunc("/orders", handle)
			ca.mux.HandleFunc("/orders/", handle)
			ca.mux.HandleFunc("/b", handle)
			ca.mux.HandleFunc("/account", func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"status":"valid","orders":"%s/orders"}`, ca.server.URL)
			})
			list, err := ca.open().Orders(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i, u := range list.URLs {
				list.URLs[i] = u[len(ca.server.URL):]
			}
			if !slices.Equal(list.URLs, c.want.URLs) || list.Cut != c.want.Cut {
				t.Errorf("%+v, want %+v", list, c.want)
			}
		})
	}
}

// TestNoList: a CA like Let's Encrypt has no list of an account's orders.
func TestNoList(t *testing.T) {
	ca := newCA(t)
	ca.mux.HandleFunc("/account", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"valid"}`) })
	list, err := ca.open().Orders(t.Context())
	if err != nil || !list.None || len(list.URLs) > 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestDiscover combines a log with the CA: for orders known by their URL only,
// the CA returns the authorizations; URLs of other CAs are not requested.
func TestDiscover(t *testing.T) {
	p := newPebble(t, 0)
	mine, other := p.register(newKeyFile(t)), p.register(newKeyFile(t))
	listed, invalid, foreign := p.order(mine, "listed.example"), p.order(mine, "a.example", "b.example"), p.order(other, "c.example")
	ctx := within(t, time.Minute)
	if _, err := mine.Deactivate(ctx, invalid.Authorizations[0]); err != nil { // so Pebble's list does not contain it
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "acme.log")
	writeFile(t, log, fmt.Sprintf("Le_LinkOrder='%s'\nLe_LinkOrder='%s'\nLe_LinkOrder='%s/my-order/none'\n%s\n",
		invalid.URL, foreign.URL, p.server.URL, "https://elsewhere.example/acme/authz/1/2"), 0o600)
	found, err := mine.Discover(ctx, Sources{Logs: []string{log}})
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(append(slices.Clone(listed.Authorizations), invalid.Authorizations...)))
	if got := slices.Sorted(slices.Values(urlsOf(found.URLs))); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if found.Foreign != 1 || len(found.Orders) != 0 {
		t.Errorf("%+v", found)
	}
	keyless, err := p.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err = keyless.Discover(ctx, Sources{Logs: []string{log}})
	if err != nil || len(found.URLs) != 0 || len(found.Orders) != 3 {
		t.Errorf("without a key: %+v, %v", found, err)
	}
}

// fakeCA serves what a test registers on its mux, and nonces.
type fakeCA struct {
	t      *testing.T
	mux    *http.ServeMux
	server *httptest.Server
}

func newCA(t *testing.T) *fakeCA {
	t.Helper()
	ca := &fakeCA{t: t, mux: http.NewServeMux()}
	ca.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Replay-Nonce", "bm9uY2U")
		ca.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(ca.server.Close)
	ca.mux.HandleFunc("/directory", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"newNonce":"%[1]s/nonce","newAccount":"%[1]s/new-account","newOrder":"%[1]s/new-order","zufall":"https://community.example/t/random","meta":{}}`, ca.server.URL)
	})
	ca.mux.HandleFunc("/nonce", func(http.ResponseWriter, *http.Request) {})
	return ca
}

func (ca *fakeCA) open() *Client {
	ca.t.Helper()
	key, err := LoadKey(newKeyFile(ca.t))
	if err != nil {
		ca.t.Fatal(err)
	}
	c, err := Open(ca.t.Context(), Options{Directory: ca.server.URL + "/directory", HTTP: ca.server.Client(), Key: key, KID: ca.server.URL + "/account"})
	if err != nil {
		ca.t.Fatal(err)
	}
	return c
}
