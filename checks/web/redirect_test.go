package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"domovoy/checks"
)

// TestRedirects checks which redirects the CA follows. The name has one IPv4
// address; port 443 serves the files.
func TestRedirects(t *testing.T) {
	tests := []struct {
		name string
		to   http.HandlerFunc
		want string
	}{
		{"301 to https", to(301, "https://client.ru$path"), ""},
		{"302", to(302, "https://client.ru$path"), ""},
		{"307", to(307, "https://client.ru$path"), ""},
		{"308", to(308, "https://client.ru$path"), ""},
		{"capitals", to(301, "HTTPS://Client.RU$path"), ""},
		{"port named", to(301, "https://client.ru:443$path"), ""},
		{"another host", to(301, "https://www.client.ru$path"), ""},
		{"an address of ours", to(301, "https://127.0.0.1$path"), ""},
		{"303", to(303, "https://client.ru$path"), "web.redirect code"},
		{"300", to(300, "https://client.ru$path"), "web.redirect code"},
		{"no location", says(301, ""), "web.redirect code"},
		{"bad location", to(301, "https://client.ru:%zz/"), "web.redirect location"},
		{"port 8443", to(301, "https://client.ru:8443$path"), "web.redirect port"},
		{"ftp", to(301, "ftp://client.ru$path"), "web.redirect scheme"},
		{"empty host", to(301, "https:///x"), "web.redirect host"},
		{"missing slash", to(301, "https://client.ru.well-known/acme-challenge/x"), "web.redirect slash"},
		{"no TLD", to(301, "https://intranet$path"), "web.redirect tld"},
		{"a TLD of nobody", to(301, "https://client.corp$path"), "web.redirect tld"},
		{"a TLD known by names below it", to(301, "https://www.ck/x"), "web.redirect noaddress"},
		{"private address", to(301, "http://10.0.0.1$path"), "web.redirect reserved"},
		{"somebody's loopback", to(301, "http://127.0.0.7$path"), "web.redirect reserved"},
		{"host at a private address", to(301, "http://inner.client.ru$path"), "web.redirect noaddress"},
		{"no such host", to(301, "https://gone.client.ru$path"), "web.redirect noaddress"},
		{"long path", to(301, "https://client.ru/"+strings.Repeat("a", 2000)), "web.redirect path"},
		{"a path just short enough", to(301, "https://client.ru/"+strings.Repeat("a", 1999)), "web.notfound"},
		{"to itself", to(302, "http://client.ru$path"), "web.loop"},
		{"to itself with a cookie", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Set-Cookie", "BPC=1")
			to(302, "http://client.ru$path")(w, r)
		}, "web.forbidden cookie"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.hosts["www.client.ru"] = addresses(four)
			s.hosts["inner.client.ru"] = addresses("10.0.0.1")
			s.serve(four, s.http, tt.to)
			s.serve(four, s.https, s.files)
			if got := summary(s.look(nameAt(four), Ask{})); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// TestRedirectCount: the CA's documents say 10, its code follows 11.
func TestRedirectCount(t *testing.T) {
	for n, want := range map[int]string{10: "", 11: "", 12: "web.redirect count"} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := newStage(t)
			s.serve(four, s.http, func(w http.ResponseWriter, r *http.Request) {
				var done int
				fmt.Sscan(r.URL.Query().Get("n"), &done)
				if done == n {
					s.files(w, r)
					return
				}
				to(302, fmt.Sprintf("$path?n=%d", done+1))(w, r)
			})
			if got := summary(s.look(nameAt(four), Ask{})); got != want {
				t.Errorf("found %q, want %q", got, want)
			}
		})
	}
}

// TestRedirectHostWithoutFallback: the host of a redirect has a dead IPv6
// address, and the CA does not fall back to IPv4 there.
func TestRedirectHostWithoutFallback(t *testing.T) {
	s := newStage(t)
	s.listen(six, "0").Close()
	s.hosts["www.client.ru"] = addresses(four, six)
	s.serve(four, s.http, to(301, "https://www.client.ru$path"))
	s.serve(four, s.https, s.files)
	found := s.look(nameAt(four), Ask{})
	if got := summary(found); got != "web.ipv6" {
		t.Fatalf("found %q, want web.ipv6\n%s", got, details(found))
	}
	if f := found[0]; f.Args["address"] != six || f.Args["cause"] != "web.refused" || f.Args["says"] != "Connection refused" {
		t.Errorf("arguments %v", f.Args)
	}
}

// TestRedirectHostSeenInPart: if the host of a redirect could not be looked up for
// the second attempt over IPv4 alone, the first tells; if not for the first, it is
// not known whether IPv6 is the cause.
func TestRedirectHostSeenInPart(t *testing.T) {
	for blind, want := range map[int]string{1: "web.refused", 2: "web.ipv6"} {
		s := newStage(t)
		s.listen(six, "0").Close()
		s.hosts["www.client.ru"] = addresses(four, six)
		lookups := 0 // three by the CA's way, then three over IPv4, one after the other
		s.opts.Resolve = func(ctx context.Context, host string) (v4, v6 []netip.Addr, err error) {
			if lookups++; lookups == 3+blind {
				return nil, nil, errors.New("no answer")
			}
			return s.resolve(ctx, host)
		}
		s.opts.Attempts = 3
		s.serve(four, s.http, to(301, "https://www.client.ru$path"))
		s.serve(four, s.https, s.files)
		found, err := New(s.opts).Follow(t.Context(), nameAt(four), Ask{Attempts: 3})
		if err == nil || len(found) != 1 || string(found[0].Code) != want || (found[0].Severity > checks.Info) != (want == "web.ipv6") {
			t.Errorf("lookup %d fails: found %+v, error %v", blind, found, err)
		}
	}
}

// TestLoopThatIsIPv6 reports the CA's own misleading message beside the cause.
func TestLoopThatIsIPv6(t *testing.T) {
	s := newStage(t)
	s.serve(six, s.http, to(301, "https://client.ru$path"))
	s.serve(four, s.http, to(301, "https://client.ru$path"))
	s.serve(four, s.https, s.files)
	found := s.look(nameAt(four, six), Ask{})
	if got := summary(found); got != "web.ipv6" {
		t.Fatalf("found %q, want web.ipv6\n%s", got, details(found))
	}
	a := found[0].Args
	if a["says"] != "Redirect loop detected" || a["address"] != six || a["port"] != int(number(s.https)) || a["cause"] != "web.loop" {
		t.Errorf("arguments %v", a)
	}
}
