package web

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"domovoy/checks"
)

// TestRules is table 2.1 of what Boulder does: one row, one rule. In each the
// name has the addresses given, and the answer is the codes found, with the
// rule and the CA's words where they tell more.
func TestRules(t *testing.T) {
	tests := []struct {
		name string
		at   []string
		set  func(s *stage)
		want string // codes, with severity when it is Info; "" is a healthy name
		says string
	}{
		{"healthy", []string{four}, func(s *stage) { s.serve(four, s.http, s.files) }, "", ""},
		{"healthy over both", []string{four, six}, func(s *stage) {
			s.serve(four, s.http, s.files)
			s.serve(six, s.http, s.files)
		}, "", ""},
		{"v6 refused, v4 good", []string{four, six}, func(s *stage) { s.serve(four, s.http, s.files) }, "web.ipv6(info)", "Connection refused"},
		{"v6 404, v4 good", []string{four, six}, func(s *stage) {
			s.serve(four, s.http, s.files)
			s.serve(six, s.http, http.NotFound)
		}, "web.ipv6", "404"},
		{"v6 reset, v4 good", []string{four, six}, func(s *stage) {
			s.serve(four, s.http, s.files)
			s.talk(six, s.http, reset)
		}, "web.ipv6", "Connection reset by peer"},
		{"v6 closes, v4 good", []string{four, six}, func(s *stage) {
			s.serve(four, s.http, s.files)
			s.talk(six, s.http, readAndClose)
		}, "web.ipv6", "Error getting validation data"},
		{"v6 good, v4 refused", []string{four, six}, func(s *stage) { s.serve(six, s.http, s.files) }, "web.refused(info)", ""},
		{"refused", []string{four}, func(*stage) {}, "web.refused", "Connection refused"},
		{"both refused", []string{four, six}, func(s *stage) { s.listen(six, "0").Close() }, "web.refused web.ipv6(info)", "Connection refused"},
		{"reset", []string{four}, func(s *stage) { s.talk(four, s.http, reset) }, "web.reset", "Connection reset by peer"},
		{"closed without a word", []string{four}, func(s *stage) { s.talk(four, s.http, readAndClose) }, "web.reset closed", ""},
		{"two A, the first dead", []string{another, four}, func(s *stage) { s.serve(four, s.http, s.files) }, "web.flapping", "Connection refused"},
		{"two A, the second dead", []string{four, another}, func(s *stage) { s.serve(four, s.http, s.files) }, "web.flapping", "Connection refused"},
		{"404", []string{four}, func(s *stage) { s.serve(four, s.http, http.NotFound) }, "web.notfound", "404"},
		{"403", []string{four}, func(s *stage) { s.serve(four, s.http, says(403, "no")) }, "web.forbidden", "403"},
		{"401", []string{four}, func(s *stage) { s.serve(four, s.http, says(401, "who")) }, "web.forbidden", "401"},
		{"503", []string{four}, func(s *stage) { s.serve(four, s.http, says(503, "later")) }, "web.error", "503"},
		{"203", []string{four}, func(s *stage) { s.serve(four, s.http, says(203, "ok")) }, "web.body status", "203"},
		{"204", []string{four}, func(s *stage) { s.serve(four, s.http, says(204, "")) }, "web.body status", "204"},
		{"another text", []string{four}, func(s *stage) { s.serve(four, s.http, says(200, "hello")) }, "web.body mismatch", "did not match"},
		{"a page", []string{four}, func(s *stage) { s.serve(four, s.http, says(200, strings.Repeat("x", 500))) }, "web.body toolong", "200"},
		{"ten megabytes", []string{four}, func(s *stage) { s.serve(four, s.http, says(200, strings.Repeat("x", 10<<20))) }, "web.body toolong", ""},
		{"HTTP/2 at once", []string{four}, func(s *stage) {
			s.talk(four, s.http, blurt("\x00\x00\x12\x04\x00\x00\x00\x00\x00"))
		}, "web.body http2", "HTTP/2 over HTTP"},
		{"another protocol", []string{four}, func(s *stage) { s.talk(four, s.http, blurt("220 mail.client.ru ESMTP\r\n")) }, "web.body nohttp", ""},
		{"TLS on port 80", []string{four}, func(s *stage) {
			s.serve(four, s.http, says(400, "<center>The plain HTTP request was sent to HTTPS port</center>"))
		}, "web.redirect plain", "400"},
		{"testcookie", []string{four}, func(s *stage) {
			s.serve(four, s.http, says(200, `<html><body><script type="text/javascript" src="/aes.js"></script>`))
		}, "web.forbidden cookie", ""},
		{"a firewall's page", []string{four}, func(s *stage) {
			s.serve(four, s.http, says(503, "<p>Application: acme-protocol</p>"))
		}, "web.forbidden blockpage", "503"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			tt.set(s)
			found := s.look(sight(tt.at...), Ask{})
			if got := summary(found); got != tt.want {
				t.Fatalf("found %q, want %q\n%s", got, tt.want, details(found))
			}
			if len(found) > 0 && !strings.Contains(found[0].Args["says"].(string), tt.says) {
				t.Errorf("the CA says %q, want %q", found[0].Args["says"], tt.says)
			}
		})
	}
}

// TestRedirects is what the CA follows and what it does not. The name has one
// IPv4 address; port 443 serves the files.
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
			if got := summary(s.look(sight(four), Ask{})); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// TestRedirectCount: the documents say 10, the code follows 11.
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
			if got := summary(s.look(sight(four), Ask{})); got != want {
				t.Errorf("found %q, want %q", got, want)
			}
		})
	}
}

// TestHTTPS is what stands at port 443 behind a redirect.
func TestHTTPS(t *testing.T) {
	tests := []struct {
		name string
		at   []string
		set  func(s *stage)
		want string
	}{
		{"refused", []string{four}, func(*stage) {}, "web.refused"},
		{"plain HTTP", []string{four}, func(s *stage) { s.talk(four, s.https, blurt("HTTP/1.1 400 Bad Request\r\n\r\n")) }, "web.redirect plain"},
		{"no TLS at all", []string{four}, func(s *stage) { s.talk(four, s.https, blurt("SSH-2.0-OpenSSH_9.2\r\n")) }, "web.redirect tls"},
		{"closed in the handshake", []string{four}, func(s *stage) { s.talk(four, s.https, readAndClose) }, "web.reset closed"},
		{"only TLS 1.1", []string{four}, func(s *stage) { s.oldTLS(four) }, "web.redirect tlsversion"},
		{"a handshake without a key", []string{four}, func(s *stage) {
			s.talk(four, s.https, func(c net.Conn) { tls.Server(c, &tls.Config{}).Handshake() })
		}, "web.redirect tls"},
		{"v6:443 refused, v4:443 good", []string{four, six}, func(s *stage) {
			s.serve(six, s.http, to(301, "https://client.ru$path"))
			s.serve(four, s.https, s.files)
		}, "web.ipv6"},
		{"v6:80 and v6:443 refused", []string{four, six}, func(s *stage) {
			s.listen(six, "0").Close()
			s.serve(four, s.https, s.files)
		}, "web.ipv6"},
		{"v6:443 and v4:443 refused", []string{four, six}, func(s *stage) {
			s.serve(six, s.http, to(301, "https://client.ru$path"))
		}, "web.refused web.ipv6(info)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.serve(four, s.http, to(301, "https://client.ru$path"))
			tt.set(s)
			found := s.look(sight(tt.at...), Ask{})
			if got := summary(found); got != tt.want {
				t.Errorf("found %q, want %q\n%s", got, tt.want, details(found))
			}
		})
	}
}

// TestRedirectHostWithoutFallback: the host of a redirect has a dead IPv6
// address, and there the CA does not turn to IPv4.
func TestRedirectHostWithoutFallback(t *testing.T) {
	s := newStage(t)
	s.listen(six, "0").Close()
	s.hosts["www.client.ru"] = addresses(four, six)
	s.serve(four, s.http, to(301, "https://www.client.ru$path"))
	s.serve(four, s.https, s.files)
	found := s.look(sight(four), Ask{})
	if got := summary(found); got != "web.ipv6" {
		t.Fatalf("found %q, want web.ipv6\n%s", got, details(found))
	}
	if f := found[0]; f.Args["address"] != six || f.Args["cause"] != "web.refused" || f.Args["says"] != "Connection refused" {
		t.Errorf("arguments %v", f.Args)
	}
}

// TestLoopThatIsIPv6 has the CA's own misleading words beside the cause.
func TestLoopThatIsIPv6(t *testing.T) {
	s := newStage(t)
	s.serve(six, s.http, to(301, "https://client.ru$path"))
	s.serve(four, s.http, to(301, "https://client.ru$path"))
	s.serve(four, s.https, s.files)
	found := s.look(sight(four, six), Ask{})
	if got := summary(found); got != "web.ipv6" {
		t.Fatalf("found %q, want web.ipv6\n%s", got, details(found))
	}
	a := found[0].Args
	if a["says"] != "Redirect loop detected" || a["address"] != six || a["port"] != int(number(s.https)) || a["cause"] != "web.loop" {
		t.Errorf("arguments %v", a)
	}
}

// summary writes findings as codes, each with its rule, or as information.
func summary(found []checks.Finding) string {
	var codes []string
	for _, f := range found {
		code := string(f.Code)
		if f.Severity == checks.Info {
			codes = append(codes, code+"(info)")
			continue
		}
		if rule, _ := f.Args["rule"].(string); rule != "" && f.Code != checks.WebFlapping && f.Code != checks.WebIPv6 {
			code += " " + rule
		}
		codes = append(codes, code)
	}
	return strings.Join(codes, " ")
}

func details(found []checks.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %v\n%s\n", f.Code, f.Args, f.Detail)
	}
	return b.String()
}
