package registry

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/openrdap/rdap"

	"domovoy/checks"
)

const (
	tciDelegated   = "% TCI Whois Service.\r\n\r\ndomain:        SHOP.RU\r\nnserver:       ns1.example.\r\nstate:         REGISTERED, DELEGATED, VERIFIED\r\nregistrar:     RU-CENTER-RU\r\ncreated:       2001-01-01T00:00:00Z\r\npaid-till:     2027-03-01T21:00:00Z\r\nfree-date:     2027-04-02\r\nsource:        TCI\r\n"
	tciUndelegated = "domain:        SHOP.RU\nstate:         REGISTERED, NOT DELEGATED, VERIFIED\npaid-till:     2026-11-13T21:00:00Z\nfree-date:     2026-12-14\n"
	tciFree        = "% TCI Whois Service.\n\nNo entries found for the selected source(s).\n\nLast updated on 2026-11-21\n"
	tciQuota       = "You have exceeded allowed connection rate.\n"
)

func at(text string) time.Time { return day(text) }

func TestParseWhois(t *testing.T) {
	tests := []struct {
		name, text string
		want       Registration
		err        error
	}{
		{"delegated", tciDelegated, Registration{Domain: "shop.ru", State: Delegated, PaidTill: at("2027-03-01T21:00:00Z"), FreeDate: at("2027-04-02"), Registrar: "RU-CENTER-RU", NameServers: []string{"ns1.example"}, Verified: true, Servers: true}, nil},
		{"unpaid", tciUndelegated, Registration{Domain: "shop.ru", State: Undelegated, PaidTill: at("2026-11-13T21:00:00Z"), FreeDate: at("2026-12-14"), Verified: true}, nil},
		{"free", tciFree, Registration{Domain: "shop.ru", State: Free}, nil},
		{"quota is no answer", tciQuota, Registration{}, ErrQuota},
		{"empty is no answer", "", Registration{}, ErrUnclear},
		{"another domain", strings.ReplaceAll(tciDelegated, "SHOP.RU", "OTHER.RU"), Registration{}, ErrUnclear},
		{"no state", "domain: SHOP.RU\n", Registration{}, ErrUnclear},
		{"garbage", "\x00\xff<html>", Registration{}, ErrUnclear},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseWhois([]byte(tt.text), "shop.ru", zone{dated: true})
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); err == nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

// whois answers each question with the given text, and counts them.
func whois(t *testing.T, answer func(question string) string) (address string, asked func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	n := make(chan int, 1)
	n <- 0
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			question, _ := bufio.NewReader(conn).ReadString('\n')
			n <- <-n + 1
			fmt.Fprint(conn, answer(strings.TrimSpace(question)))
			_ = conn.Close()
		}
	}()
	return l.Addr().String(), func() int { c := <-n; n <- c; return c }
}

func TestAskByWhois(t *testing.T) {
	address, asked := whois(t, func(q string) string { return strings.ReplaceAll(tciDelegated, "SHOP.RU", strings.ToUpper(q)) })
	r := New(Options{Whois: map[string]string{"ru": address, "xn--p1ai": address}})
	for range 3 {
		got, err := r.Ask(t.Context(), "www.shop.ru")
		if err != nil || got.Domain != "shop.ru" || got.State != Delegated {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if n := asked(); n != 1 {
		t.Errorf("asked %d times, want once: answers are kept", n)
	}
	if got, err := r.Ask(t.Context(), "xn--e1afmkfd.xn--p1ai"); err != nil || got.State != Delegated {
		t.Errorf("an IDN name: %+v, %v", got, err)
	}
}

func TestQuotaIsLeftAlone(t *testing.T) {
	address, asked := whois(t, func(string) string { return tciQuota })
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	r := New(Options{Whois: map[string]string{"ru": address}, Now: func() time.Time { return now }})
	for range 3 {
		if _, err := r.Ask(t.Context(), "shop.ru"); !errors.Is(err, ErrQuota) {
			t.Fatalf("error %v, want the quota", err)
		}
	}
	if n := asked(); n != 1 {
		t.Errorf("asked %d times while the registry had enough", n)
	}
	now = now.Add(firstPause + time.Second)
	_, _ = r.Ask(t.Context(), "shop.ru")
	if n := asked(); n != 2 {
		t.Errorf("asked %d times after the pause, want 2", n)
	}
}

func TestPaceIsKept(t *testing.T) {
	address, asked := whois(t, func(q string) string { return tciFree })
	r := New(Options{Whois: map[string]string{"ru": address}, Rate: 5})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // the limit is reached: 5 a minute
	defer cancel()
	failed := 0
	for i := range 8 {
		if _, err := r.Ask(ctx, fmt.Sprintf("free%d.ru", i)); err != nil {
			failed++
		}
	}
	if asked() != 5 || failed != 3 {
		t.Errorf("%d questions and %d refusals, want 5 and 3", asked(), failed)
	}
}

func TestNamesWithoutARegistry(t *testing.T) {
	r := New(Options{})
	for _, name := range []string{"shop.msk.ru", "me.github.io"} {
		if _, err := r.Ask(t.Context(), name); !errors.Is(err, ErrNoRegistry) {
			t.Errorf("%s: %v, want no registry", name, err)
		}
	}
}

func TestAskByRDAP(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   State
		err    error
	}{
		{"delegated", 200, `{"objectClassName":"domain","ldhName":"SHOP.COM","status":["active"],"nameservers":[{"objectClassName":"nameserver","ldhName":"ns1.example"}],"events":[{"eventAction":"expiration","eventDate":"2027-01-02T03:04:05Z"}]}`, Delegated, nil},
		{"on hold", 200, `{"objectClassName":"domain","ldhName":"shop.com","status":["client hold"],"nameservers":[{"objectClassName":"nameserver","ldhName":"ns1.example"}]}`, Undelegated, nil},
		{"free", 404, `{"errorCode":404}`, Free, nil},
		{"quota", 429, ``, "", ErrQuota},
		{"another domain", 200, `{"objectClassName":"domain","ldhName":"other.com"}`, "", ErrUnclear},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/rdap+json")
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			}))
			defer server.Close()
			got, err := New(Options{RDAP: server.URL}).Ask(t.Context(), "shop.com")
			if !errors.Is(err, tt.err) || got.State != tt.want {
				t.Errorf("%q, %v; want %q, %v", got.State, err, tt.want, tt.err)
			}
		})
	}
}

func TestGarbageAndSilenceAreNoAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	if got, err := New(Options{RDAP: server.URL}).Ask(t.Context(), "shop.com"); err == nil {
		t.Errorf("garbage was taken for %+v", got)
	}
	server.Close()
	if got, err := New(Options{RDAP: server.URL}).Ask(t.Context(), "shop.com"); err == nil {
		t.Errorf("a dead server was taken for %+v", got)
	}
}

// A registry that redirects to an address inside of our network is not followed
// there, whatever the environment's proxy is; one that redirects within the
// configured server is.
func TestRDAPStaysOutside(t *testing.T) {
	var inside atomic.Int64
	secret := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Add(1) }))
	defer secret.Close()
	t.Setenv("HTTP_PROXY", secret.URL)
	t.Setenv("http_proxy", secret.URL)
	for _, to := range []string{"http://registry.example/domain/shop.com", secret.URL + "/domain/shop.com", strings.Replace(secret.URL, "127.0.0.1", "localhost", 1), "http://[::ffff:127.0.0.1]:" + secret.URL[strings.LastIndexByte(secret.URL, ':')+1:] + "/"} {
		server := httptest.NewServer(http.RedirectHandler(to, http.StatusFound))
		if got, err := New(Options{RDAP: server.URL}).Ask(t.Context(), "shop.com"); err == nil {
			t.Errorf("redirected to %s: %+v", to, got)
		}
		server.Close()
	}
	if n := inside.Load(); n > 0 {
		t.Errorf("%d requests reached a server inside", n)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/domain/shop.com" {
			http.Redirect(w, r, "/moved/domain/shop.com", http.StatusMovedPermanently)
			return
		}
		w.Header().Set("Content-Type", "application/rdap+json")
		fmt.Fprint(w, `{"objectClassName":"domain","ldhName":"shop.com","nameservers":[{"objectClassName":"nameserver","ldhName":"ns1.example"}]}`)
	}))
	defer server.Close()
	if got, err := New(Options{RDAP: server.URL}).Ask(t.Context(), "shop.com"); err != nil || got.State != Delegated {
		t.Errorf("redirected within the server: %+v, %v", got, err)
	}
	circle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }))
	defer circle.Close()
	if got, err := New(Options{RDAP: circle.URL}).Ask(t.Context(), "shop.com"); err == nil {
		t.Errorf("redirected in a circle: %+v", got)
	}
}

// domShop makes answers about dom.com and others those about shop.ru.
var domShop = strings.NewReplacer("dom.com", "shop.ru", "DOM.COM", "SHOP.RU", "dom.org", "shop.ru", "dom.kz", "shop.ru", "dom.by", "shop.ru", "dom.ua", "shop.ru", "dom.de", "shop.ru", "dom.eu", "shop.ru", "dom.io", "shop.ru")

func FuzzParseWhois(f *testing.F) {
	for _, seed := range []string{tciDelegated, tciUndelegated, tciFree, tciQuota} {
		f.Add([]byte(seed))
	}
	for _, form := range []string{answerCOM, answerORG, answerKZ, answerBY, answerUA, answerDE, answerEU, oldIO} {
		f.Add([]byte(domShop.Replace(form)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, undated := range []bool{false, true} {
			if answer, err := parseWhois(text, "shop.ru", zone{undated: undated}); err == nil && answer.State == "" {
				t.Error("an answer without a state")
			}
		}
		answer, err := parseWhois(text, "shop.ru", zone{dated: true})
		if err == nil && answer.State == "" {
			t.Error("an answer without a state")
		}
		if len([]rune(answer.Registrar)) > checks.WordLength+1 {
			t.Error("foreign words are not bounded")
		}
	})
}

// Text inside a record is not a statement of the registry.
func TestARegisteredDomainIsNotFree(t *testing.T) {
	text := strings.Replace(tciDelegated, "registrar:", "org:           No entries found for you LLC\nregistrar:", 1)
	if answer, err := parseWhois([]byte(text), "shop.ru", zone{dated: true}); err != nil || answer.State != Delegated {
		t.Errorf("%+v, error %v", answer, err)
	}
}

// A web server that does not speak RDAP returns 404 for everything.
func TestAWebPageDoesNotSayThatADomainIsFree(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<h1>404 Not Found</h1>")
	}))
	defer server.Close()
	if got, err := New(Options{RDAP: server.URL}).Ask(t.Context(), "shop.com"); !errors.Is(err, ErrUnclear) || got.State != "" {
		t.Errorf("%q, error %v", got.State, err)
	}
}

// When the registry refuses, callers that are waiting do not ask it, and
// answers that others received meanwhile are used.
func TestTheLineEndsWithTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{Rate: 1})
		e := endpoint{zone: zone{limit: Limit{1, time.Minute}}, key: "tci"}
		if err := r.turn(t.Context(), e, patient); err != nil {
			t.Fatal(err)
		}
		second := make(chan error)
		go func() { second <- r.turn(t.Context(), e, patient) }()
		synctest.Wait()
		_ = r.learn(t.Context(), checks.RegistryUse{Registry: "tci"}, "shop.ru", Registration{}, ErrQuota)
		if err := <-second; !errors.Is(err, ErrQuota) {
			t.Errorf("the second in line asks all the same: %v", err)
		}
	})
}

func FuzzRDAP(f *testing.F) {
	f.Add([]byte(`{"objectClassName":"domain","ldhName":"shop.com","status":["client hold"],"nameservers":[{"objectClassName":"nameserver","ldhName":"ns1.example"}],"events":[{"eventAction":"expiration","eventDate":"2027-01-02T03:04:05Z"}],"entities":[{"objectClassName":"entity","roles":["registrar"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","A registrar"]]]}]}`))
	f.Add([]byte(`{"objectClassName":"domain","ldhName":"shop.com","entities":[{"roles":["registrar"],"vcardArray":[]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		object, err := rdap.NewDecoder(text).Decode()
		if err != nil {
			return
		}
		answer, err := registration(object, "shop.com")
		if err == nil && answer.State == "" {
			t.Error("an answer without a state")
		}
		if n := len([]rune(answer.Registrar)); n > checks.WordLength+1 || strings.ContainsAny(answer.Registrar, "\x00\n\x1b\u202e\u061c\u0085") {
			t.Errorf("foreign words: %q", answer.Registrar)
		}
	})
}

// An answer that says "free" must be whole and must be one: a cut one or a web
// page may say anything.
func TestFreeIsSaidByAWholeAnswerOnly(t *testing.T) {
	for name, text := range map[string]string{
		"cut after the words":   "% TCI Whois Service.\n\nNo entries found",
		"cut after the line":    "% TCI Whois Service.\n\nNo entries found for the selected source(s).\n",
		"a web page":            "<html><body>\nNo entries found for the selected source(s).\n\nLast updated on 2026-11-21\n</body></html>",
		"words within a line":   "% Busy: no entries found in the cache, ask later\n\nLast updated on 2026-11-21\n",
		"nothing":               "",
		"a page of the network": "HTTP/1.1 302 Found\r\nLocation: http://pay.example/\r\n\r\n",
	} {
		if got, err := parseWhois([]byte(text), "shop.ru", zone{dated: true}); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got, err := parseWhois([]byte(tciFree), "shop.ru", zone{dated: true}); err != nil || got.State != Free {
		t.Errorf("a whole answer: %+v, %v", got, err)
	}
}

// A registry that says "free" of a domain to which the top-level domain
// delegates is not believed, and that is said.
func TestFreeAgainstTheDNS(t *testing.T) {
	address, _ := whois(t, func(string) string { return tciFree })
	c := New(Options{Whois: map[string]string{"ru": address}}).Check()
	for _, delegated := range []bool{false, true} {
		found, err := c.Run(t.Context(), &checks.Target{Asked: true, DNS: checks.NameInfo{Name: "shop.ru", Register: true, Delegated: delegated}})
		if len(found) == 1 == delegated || errors.Is(err, ErrContrary) != delegated {
			t.Errorf("delegated %v: found %+v, error %v", delegated, found, err)
		}
	}
}
