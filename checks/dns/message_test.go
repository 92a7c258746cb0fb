package dns

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	mdns "github.com/miekg/dns"
)

func TestPackIsWhatTheLibraryReads(t *testing.T) {
	for _, name := range []string{"client.ru", "Client.RU.", "_acme-challenge.client.ru", "", "."} {
		msg, question, err := pack(nil, Query{Name: name, Type: mdns.TypeTXT})
		if err != nil {
			t.Fatal(err)
		}
		m := new(mdns.Msg)
		if err := m.Unpack(msg); err != nil {
			t.Fatal(err)
		}
		if got, want := m.Question[0].Name, mdns.CanonicalName(name); got != want || m.Question[0].Qtype != mdns.TypeTXT || msg[question-1] != mdns.ClassINET {
			t.Errorf("%q: asked %v, want %s", name, m.Question, want)
		}
	}
}

func TestNamesThatCannotBeAskedFor(t *testing.T) {
	for _, name := range []string{"a..b", ".a", strings.Repeat("a", 64) + ".ru", strings.Repeat("abc.", 70) + "ru", `a\.b.ru`} {
		if _, _, err := pack(nil, Query{Name: name}); err == nil {
			t.Errorf("%q was packed", name)
		}
	}
}

// message is an encoded answer with one record of each kind that parse keeps.
func message(t testing.TB) ([]byte, int) {
	t.Helper()
	query, question, err := pack(nil, Query{Name: "client.ru", Type: mdns.TypeA})
	if err != nil {
		t.Fatal(err)
	}
	q := new(mdns.Msg)
	if err := q.Unpack(query); err != nil {
		t.Fatal(err)
	}
	m := reply(q, "client.ru. 60 IN CNAME web.hoster.com.", "web.hoster.com. 60 IN A 192.0.2.1", "web.hoster.com. 60 IN AAAA 2001:db8::1",
		`client.ru. 60 IN TXT "text"`, `client.ru. 60 IN CAA 0 issue "letsencrypt.org"`, "client.ru. 60 IN NS ns.client.ru.")
	m.Ns = reply(q, "client.ru. 60 IN SOA ns. root. 1 2 3 4 5").Answer
	m.Extra = reply(q, "ns.client.ru. 60 IN A 192.0.2.2").Answer
	m.SetEdns0(1232, true)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &mdns.EDNS0_EDE{InfoCode: 7, ExtraText: "why"}, &mdns.EDNS0_NSID{Code: mdns.EDNS0NSID})
	m.Compress = true
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b, question
}

func TestParseKeepsEverySection(t *testing.T) {
	a, err := parse(message(t))
	if err != nil || len(a.Addrs) != 1 || len(a.Records) != 4 || len(a.Extra) != 1 || a.Zone != "client.ru" || a.Primary != "ns" || len(a.Errors) != 1 {
		t.Errorf("%+v, error %v", a, err)
	}
}

// Every proper prefix of an answer is an error, never a partial answer.
func TestParseRefusesACutMessage(t *testing.T) {
	msg, question := message(t)
	for n := range msg {
		if a, err := parse(msg[:n], question); err == nil {
			t.Errorf("%d bytes of %d: %+v", n, len(msg), a)
		}
	}
}

func FuzzParse(f *testing.F) {
	msg, question := message(f)
	f.Add(msg)
	f.Add(msg[:len(msg)-4])
	f.Add(bytes.Repeat([]byte{0xc0, 0x0c}, 100))
	f.Fuzz(func(t *testing.T, msg []byte) {
		a, err := parse(msg, question)
		if err != nil {
			return
		}
		if n := len(a.Addrs) + len(a.Records) + len(a.Authority) + len(a.Extra); n > maxKept {
			t.Errorf("%d records kept", n)
		}
		shown := a.line() + a.reason() + nameList(a.NameServers()) + a.pointer() + last(a.targets())
		if strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Errorf("shown as %q", shown)
		}
		_ = a.referral("ru", "www.client.ru").String()
	})
}
