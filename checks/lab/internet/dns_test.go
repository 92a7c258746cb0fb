package internet_test

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"domovoy/checks/lab/internet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func startDNS(t *testing.T, zones ...internet.Zone) *internet.DNS {
	t.Helper()
	d, err := internet.StartDNS(zones...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// ask sends one question as a bot's resolver does.
func ask(t *testing.T, server, name string, qtype uint16, change ...func(*dns.Msg)) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype).SetEdns0(1232, false)
	for _, c := range change {
		c(m)
	}
	answer, _, err := (&dns.Client{Timeout: 5 * time.Second}).ExchangeContext(t.Context(), m, server)
	if err != nil {
		t.Fatalf("asking %s for %s: %v", server, name, err)
	}
	return answer
}

func withoutChecking(m *dns.Msg) { m.CheckingDisabled = true }

// say formats an answer on one line: its rcode, records and EDE.
func say(m *dns.Msg) string {
	parts := []string{dns.RcodeToString[m.Rcode]}
	for _, rr := range m.Answer {
		parts = append(parts, dns.TypeToString[rr.Header().Rrtype]+"="+strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	for _, rr := range m.Ns {
		parts = append(parts, "("+dns.TypeToString[rr.Header().Rrtype]+" "+rr.Header().Name+")")
	}
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if ede, ok := o.(*dns.EDNS0_EDE); ok {
				parts = append(parts, "EDE="+strconv.Itoa(int(ede.InfoCode)))
			}
		}
	}
	return strings.Join(parts, " ")
}

func TestResolverAnswers(t *testing.T) {
	d := startDNS(t,
		internet.Zone{Origin: "client.ru", Text: "@ A 203.0.113.10\nwww CNAME client.ru.\nfar CNAME other.com.\ngone CNAME nothing.client.ru.\n" +
			"*.wild A 203.0.113.11\nbelow.empty A 203.0.113.12\n@ CAA 0 issue \"letsencrypt.org\"\n"},
		internet.Zone{Origin: "other.com", Text: "@ A 198.51.100.1\n"},
		internet.Zone{Origin: "cf.ru", NS: []string{"ada.ns.cloudflare.com", "bob.ns.cloudflare.com"}, Text: "@ A 203.0.113.13\n"},
		internet.Zone{Origin: "refused.ru", Temper: internet.Refusing},
		internet.Zone{Origin: "silent.ru", Temper: internet.Silent},
		internet.Zone{Origin: "dead.ru", Temper: internet.Dead},
		internet.Zone{Origin: "failing.ru", Temper: internet.Failing},
		internet.Zone{Origin: "half.ru", NS: []string{"ns1.half.ru", "ns2.half.ru"}, Servers: []netip.Addr{internet.Server(internet.Silent), internet.Server(internet.Sound)}, Text: "@ A 203.0.113.14\n"},
		internet.Zone{Origin: "expired.ru", Bogus: 7, Text: "@ A 203.0.113.15\n"},
		internet.Blocklist{Origin: "bl.example.org", Listed: []netip.Addr{netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("2001:db8::1")}}.Zone(),
		internet.Blocklist{Origin: "over.example.org", Error: netip.MustParseAddr("127.255.255.255")}.Zone(),
	)
	if err := d.Reverse(netip.MustParseAddr("203.0.113.10"), "vds10.hoster.ru"); err != nil {
		t.Fatal(err)
	}
	for _, qtype := range []uint16{dns.TypeCAA, dns.TypeTXT} {
		d.Serve("half.ru", qtype, internet.Behaviour{Rcode: dns.RcodeNotImplemented})
	}
	d.Resolve("other.com", dns.TypeCAA, internet.Behaviour{Rcode: dns.RcodeFormatError})
	d.Serve("other.com", dns.TypeNS, internet.Behaviour{Rcode: dns.RcodeNameError})
	tests := []struct {
		name  string
		qtype uint16
		want  string
	}{
		{"client.ru", dns.TypeA, "NOERROR A=203.0.113.10"},
		{"CLIENT.ru", dns.TypeA, "NOERROR A=203.0.113.10"},
		{"client.ru", dns.TypeAAAA, "NOERROR (SOA client.ru.)"},
		{"client.ru", dns.TypeNS, "NOERROR NS=ns1.client.ru."},
		{"client.ru", dns.TypeCAA, `NOERROR CAA=0 issue "letsencrypt.org"`},
		{"www.client.ru", dns.TypeA, "NOERROR CNAME=client.ru. A=203.0.113.10"},
		{"far.client.ru", dns.TypeA, "NOERROR CNAME=other.com. A=198.51.100.1"},
		{"gone.client.ru", dns.TypeA, "NXDOMAIN CNAME=nothing.client.ru. (SOA client.ru.)"},
		{"no.client.ru", dns.TypeA, "NXDOMAIN (SOA client.ru.)"},
		{"free.ru", dns.TypeA, "NXDOMAIN (SOA ru.)"},
		{"a.b.wild.client.ru", dns.TypeA, "NOERROR A=203.0.113.11"},
		{"empty.client.ru", dns.TypeA, "NOERROR (SOA client.ru.)"},
		{"x.nosuchtld", dns.TypeA, "NXDOMAIN (SOA .)"},
		{"cf.ru", dns.TypeNS, "NOERROR NS=ada.ns.cloudflare.com. NS=bob.ns.cloudflare.com."},
		{"ada.ns.cloudflare.com", dns.TypeA, "NOERROR A=127.53.0.10"},
		{"refused.ru", dns.TypeA, "SERVFAIL EDE=22"},
		{"silent.ru", dns.TypeA, "SERVFAIL EDE=22"},
		{"dead.ru", dns.TypeNS, "SERVFAIL EDE=22"},
		{"failing.ru", dns.TypeA, "SERVFAIL EDE=22"},
		{"half.ru", dns.TypeA, "NOERROR A=203.0.113.14"},
		{"half.ru", dns.TypeCAA, "SERVFAIL EDE=22"},
		{"expired.ru", dns.TypeA, "SERVFAIL EDE=7"},
		{"other.com", dns.TypeCAA, "FORMERR"},
		{"other.com", dns.TypeNS, "NXDOMAIN (SOA other.com.)"},
		{"10.113.0.203.in-addr.arpa", dns.TypePTR, "NOERROR PTR=vds10.hoster.ru."},
		{"10.113.0.203.bl.example.org", dns.TypeA, "NOERROR A=127.0.0.2"},
		{"2.0.0.127.bl.example.org", dns.TypeA, "NOERROR A=127.0.0.2"},
		{"1.0.0.127.bl.example.org", dns.TypeA, "NXDOMAIN (SOA bl.example.org.)"},
		{"2.0.0.0.0.0.f.7.f.f.f.f." + strings.Repeat("0.", 20) + "bl.example.org", dns.TypeA, "NOERROR A=127.0.0.2"},
		{"1." + strings.Repeat("0.", 23) + "8.b.d.0.1.0.0.2.bl.example.org", dns.TypeA, "NOERROR A=127.0.0.2"},
		{"1.2.3.4.over.example.org", dns.TypeA, "NOERROR A=127.255.255.255"},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+dns.TypeToString[tt.qtype], func(t *testing.T) {
			if diff := cmp.Diff(tt.want, say(ask(t, d.Addr(), tt.name, tt.qtype))); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := say(ask(t, d.Addr(), "expired.ru", dns.TypeA, withoutChecking)); got != "NOERROR A=203.0.113.15" {
		t.Errorf("checking disabled: %s", got)
	}
	if got := d.Asked("expired.ru", dns.TypeA); got != 2 {
		t.Errorf("expired.ru was asked %d times, want 2", got)
	}
}

// TestDelegation follows delegations from the registry, as a search for lame
// servers does.
func TestDelegation(t *testing.T) {
	d := startDNS(t,
		internet.Zone{Origin: "client.ru", Text: "@ A 203.0.113.10\n"},
		internet.Zone{Origin: "lame.ru", Temper: internet.Refusing},
		internet.Zone{Origin: "silent.ru", NS: []string{"ns1.hoster.com"}, Temper: internet.Silent},
	)
	port := strconv.Itoa(d.Port())
	registry := ask(t, d.Addr(), "ru", dns.TypeNS)
	host := registry.Answer[0].(*dns.NS).Ns
	at := net.JoinHostPort(ask(t, d.Addr(), host, dns.TypeA).Answer[0].(*dns.A).A.String(), port)
	for _, tt := range []struct{ name, want string }{
		{"client.ru", "NOERROR (NS client.ru.)"},
		{"lame.ru", "NOERROR (NS lame.ru.)"},
		{"deep.silent.ru", "NOERROR (NS silent.ru.)"},
		{"free.ru", "NXDOMAIN (SOA ru.)"},
		{"client.com", "NXDOMAIN (SOA com.)"},
	} {
		if got := say(ask(t, at, tt.name, dns.TypeA)); got != tt.want {
			t.Errorf("%s at its registry: %s, want %s", tt.name, got, tt.want)
		}
	}
	glue := ask(t, at, "lame.ru", dns.TypeA).Extra[0].(*dns.A).A.String()
	if got := say(ask(t, net.JoinHostPort(glue, port), "lame.ru", dns.TypeA)); got != "REFUSED" {
		t.Errorf("the lame server itself: %s", got)
	}
	answer := ask(t, net.JoinHostPort(internet.Server(internet.Sound).String(), port), "client.ru", dns.TypeA)
	if got := say(answer); got != "NOERROR A=203.0.113.10" || !answer.Authoritative {
		t.Errorf("the right server: %s, authoritative %v", got, answer.Authoritative)
	}
	m := new(dns.Msg).SetQuestion("silent.ru.", dns.TypeA)
	_, _, err := (&dns.Client{Timeout: 50 * time.Millisecond}).ExchangeContext(t.Context(), m, net.JoinHostPort(internet.Server(internet.Silent).String(), port))
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		t.Errorf("the silent server: %v, want a timeout", err)
	}
}

func TestResolversOfEveryTemper(t *testing.T) {
	d := startDNS(t, internet.Zone{Origin: "client.ru", Text: "@ A 203.0.113.10\n"})
	for temper, want := range map[internet.Temper]string{
		internet.Sound:    "NOERROR A=203.0.113.10",
		internet.Refusing: "REFUSED", internet.Failing: "SERVFAIL",
	} {
		if got := say(ask(t, d.Resolver(temper), "client.ru", dns.TypeA)); got != want {
			t.Errorf("temper %d: %s, want %s", temper, got, want)
		}
	}
	for _, temper := range []internet.Temper{internet.Silent, internet.Dead} {
		m := new(dns.Msg).SetQuestion("client.ru.", dns.TypeA)
		if answer, _, err := (&dns.Client{Timeout: 50 * time.Millisecond}).ExchangeContext(t.Context(), m, d.Resolver(temper)); err == nil {
			t.Errorf("temper %d answered: %s", temper, say(answer))
		}
	}
}

// TestNoiseComesFirst reads the raw datagrams: three wrong ones, then the right
// one. A client that compares only the id would accept the second.
func TestNoiseComesFirst(t *testing.T) {
	d := startDNS(t, internet.Zone{Origin: "client.ru", Text: "@ A 203.0.113.10\n"})
	conn, err := dns.DialTimeout("udp", d.Resolver(internet.Noisy), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	question := new(dns.Msg).SetQuestion("client.ru.", dns.TypeA)
	if err := conn.WriteMsg(question); err != nil {
		t.Fatal(err)
	}
	var right []bool
	for range 4 {
		m, err := conn.ReadMsg()
		if err != nil {
			t.Fatal(err)
		}
		right = append(right, m.Id == question.Id && m.Question[0] == question.Question[0])
	}
	if diff := cmp.Diff([]bool{false, false, false, true}, right); diff != "" {
		t.Error(diff)
	}
}

func TestBehaviours(t *testing.T) {
	d := startDNS(t, internet.Zone{Origin: "client.ru", Text: "@ A 203.0.113.1\n@ A 203.0.113.2\n@ TXT late\n" +
		"big TXT " + strings.Repeat("x", 200) + "\n"})
	gate := make(chan struct{})
	d.Resolve("client.ru", dns.TypeA, internet.Behaviour{Rotate: true})
	d.Resolve("big.client.ru", internet.Any, internet.Behaviour{Truncate: true})
	d.Resolve("client.ru", dns.TypeTXT, internet.Behaviour{Wait: gate})
	first, second := say(ask(t, d.Addr(), "client.ru", dns.TypeA)), say(ask(t, d.Addr(), "client.ru", dns.TypeA))
	if first == second {
		t.Errorf("the addresses do not rotate: %s", first)
	}
	cut := ask(t, d.Addr(), "big.client.ru", dns.TypeTXT)
	if !cut.Truncated || len(cut.Answer) != 0 {
		t.Errorf("not truncated: %s", say(cut))
	}
	m := new(dns.Msg).SetQuestion("big.client.ru.", dns.TypeTXT)
	whole, _, err := (&dns.Client{Net: "tcp"}).ExchangeContext(t.Context(), m, d.Addr())
	if err != nil || whole.Truncated || len(whole.Answer) != 1 {
		t.Errorf("over TCP: %v %v", whole, err)
	}
	answered := make(chan *dns.Msg)
	go func() { answered <- ask(t, d.Addr(), "client.ru", dns.TypeTXT) }()
	select {
	case <-answered:
		t.Error("answered before the gate was open")
	default:
	}
	close(gate)
	if got := say(<-answered); got != `NOERROR TXT="late"` {
		t.Error(got)
	}
}

func TestZonesThatCannotBe(t *testing.T) {
	for name, z := range map[string]internet.Zone{
		"no zone file": {Origin: "client.ru", Text: "@ A nowhere\n"},
		"out of zone":  {Origin: "client.ru", Text: "other.ru. A 203.0.113.1\n"},
		"no server":    {Origin: "client.ru", Servers: []netip.Addr{netip.MustParseAddr("203.0.113.1")}},
		"not paired":   {Origin: "client.ru", NS: []string{"ns1.a.ru", "ns2.a.ru"}, Servers: []netip.Addr{internet.Server(internet.Sound)}},
	} {
		if d, err := internet.StartDNS(z); err == nil {
			t.Errorf("%s: accepted", name)
			_ = d.Close()
		}
	}
}
