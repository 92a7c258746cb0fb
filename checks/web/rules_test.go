package web

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestRules checks Boulder's rules, one a row: the addresses of the name, and
// the expected codes, with the rule and the CA's message where they differ.
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
		{"a page of 404 that breaks off", []string{four}, func(s *stage) {
			s.talk(four, s.http, blurt("HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nnot"))
		}, "web.notfound", "404"},
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
			found := s.look(nameAt(tt.at...), Ask{})
			if got := summary(found); got != tt.want {
				t.Fatalf("found %q, want %q\n%s", got, tt.want, details(found))
			}
			if len(found) > 0 && !strings.Contains(found[0].Args["says"].(string), tt.says) {
				t.Errorf("the CA says %q, want %q", found[0].Args["says"], tt.says)
			}
		})
	}
}

// TestHTTPS covers servers on port 443 behind a redirect.
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
			found := s.look(nameAt(tt.at...), Ask{})
			if got := summary(found); got != tt.want {
				t.Errorf("found %q, want %q\n%s", got, tt.want, details(found))
			}
		})
	}
}
