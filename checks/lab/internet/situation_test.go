package internet_test

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"domovoy/checks/lab/internet"
)

// seenFromOutside are the codes of the contract that can be a verdict from
// checks from outside, of the panel's files, or of the CA's texts.
func seenFromOutside() []string {
	return strings.Fields(`ok unknown panel.nocertificate
		dns.unregistered dns.undelegated dns.nxdomain dns.noaddress dns.elsewhere dns.partly dns.proxied dns.ipv6
		dns.servfail dns.dnssec dns.lame dns.caa dns.caabroken
		web.refused web.timeout web.reset web.notfound web.forbidden web.error web.redirect web.loop web.body
		web.flapping web.ipv6 web.blocked
		cert.expired cert.overdue cert.name cert.keymismatch cert.missing cert.notinstalled cert.untrusted cert.notyet
		ca.unauthorized ca.connection ca.dns ca.caa ca.remote ca.ratelimited ca.paused ca.blocked ca.rejected
		ca.internal ca.unreachable ca.client ca.flaky`)
}

func TestSituationsCoverTheContract(t *testing.T) {
	seen, names := map[string]int{}, map[string]bool{}
	for _, s := range internet.Situations() {
		if names[s.Name] {
			t.Errorf("%q stands twice", s.Name)
		}
		names[s.Name] = true
		seen[s.Want]++
		if !slices.Contains(seenFromOutside(), s.Want) {
			t.Errorf("%q: no code %q", s.Name, s.Want)
		}
		if s.Rule == "" {
			t.Errorf("%q: taken from nowhere", s.Name)
		}
	}
	for _, code := range seenFromOutside() {
		if seen[code] == 0 {
			t.Errorf("no situation is %s", code)
		}
	}
	if len(names) < 70 {
		t.Errorf("only %d situations", len(names))
	}
	t.Logf("%d situations, %d codes", len(names), len(seen))
}

// TestSituationsPlay starts each situation, and checks what all of them have.
func TestSituationsPlay(t *testing.T) {
	for _, s := range internet.Situations() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			l := play(t, s)
			if l.Domain == "" || l.Resolver == "" || len(l.Panel.Addresses) == 0 || l.Panel.ACME.Directory == "" {
				t.Errorf("facts are missing: %+v", l.Panel)
			}
			if _, err := os.Stat(l.Panel.ACME.CAFile); err != nil {
				t.Error(err)
			}
			_, err := os.Stat(cmp.Or(l.Panel.Certificate, "none"))
			if gone := s.Want == "cert.missing" || s.Want == "panel.nocertificate"; gone != errors.Is(err, os.ErrNotExist) {
				t.Errorf("the certificate's file: %v", err)
			}
		})
	}
}

func play(t *testing.T, s internet.Situation) *internet.Lab {
	t.Helper()
	l, err := s.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// TestSituationsAreSo checks DNS and web of some situations without a
// diagnosis.
func TestSituationsAreSo(t *testing.T) {
	for _, tt := range []struct{ name, a, caa, web string }{
		{"all is well", "NOERROR A=127.80.0.10", "NOERROR", "200 words"},
		{"a free name in .ru", "NXDOMAIN", "NXDOMAIN", ""},
		{"servers that do not answer", "SERVFAIL EDE=22", "SERVFAIL EDE=22", ""},
		{"a signature that is over", "SERVFAIL EDE=7", "SERVFAIL EDE=7", ""},
		{"no address", "NOERROR", "NOERROR", ""},
		{"one address of two is ours", "NOERROR A=127.80.0.10 A=93.184.216.34", "NOERROR", ""},
		{"CAA allows dns-01 only", "NOERROR A=127.80.0.10", `NOERROR CAA=0 issue "letsencrypt.org; validationmethods=dns-01"`, "200 words"},
		{"CAA not implemented", "NOERROR A=127.80.0.10", "SERVFAIL EDE=22", "200 words"},
		{"CAA of the name overrules its parent's", "NOERROR A=127.80.0.10", `NOERROR CAA=0 issue "letsencrypt.org"`, "200 words"},
		{"port 80 is closed", "NOERROR A=127.80.0.10", "NOERROR", "refused"},
		{"a reset after the request", "NOERROR A=127.80.0.10", "NOERROR", "reset"},
		{"hung up after the request", "NOERROR A=127.80.0.10", "NOERROR", "hung up"},
		{"another folder than the panel's", "NOERROR A=127.80.0.10", "NOERROR", "404"},
		{"a byte order mark before the words", "NOERROR A=127.80.0.10", "NOERROR", "200 \ufeffwords"},
		{"to a host without its slash", "NOERROR A=127.80.0.10", "NOERROR", "301 https://client.ru.well-known/acme-challenge/probe"},
		{"a cookie is wanted", "NOERROR A=127.80.0.10", "NOERROR", "302 http://client.ru/.well-known/acme-challenge/probe"},
		{"a closed resolver", "REFUSED", "REFUSED", "200 words"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := internet.Situations()
			l := play(t, all[slices.IndexFunc(all, func(s internet.Situation) bool { return s.Name == tt.name })])
			if got := withoutSOA(ask(t, l.Resolver, l.Domain, dns.TypeA)); got != tt.a {
				t.Errorf("A: %s, want %s", got, tt.a)
			}
			if got := withoutSOA(ask(t, l.Resolver, l.Domain, dns.TypeCAA)); got != tt.caa {
				t.Errorf("CAA: %s, want %s", got, tt.caa)
			}
			if got := probe(t, l); tt.web != "" && got != tt.web {
				t.Errorf("http-01: %s, want %s", got, tt.web)
			}
		})
	}
}

func withoutSOA(m *dns.Msg) string {
	m.Ns = nil
	return say(m)
}

// probe places a file as a panel does, and requests it once from our address.
func probe(t *testing.T, l *internet.Lab) string {
	t.Helper()
	if err := os.WriteFile(l.Panel.Challenges+"/probe", []byte("words"), 0o600); err != nil {
		t.Fatal(err)
	}
	response, body, err := visit(t, l.Web, l.Panel.Addresses[0].String(), "http://"+l.Domain+internet.ChallengePath+"probe", nil)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, io.EOF):
		return "hung up"
	case err != nil:
		return err.Error()
	case response.StatusCode == http.StatusOK:
		return "200 " + body
	}
	return strings.TrimSpace(strconv.Itoa(response.StatusCode) + " " + response.Header.Get("Location"))
}
