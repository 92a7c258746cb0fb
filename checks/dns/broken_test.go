package dns

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

func TestWhyThereIsNoName(t *testing.T) {
	zone := client("@ A "+ownV4, "old CNAME gone.client.ru.", "moved CNAME shop.free.ru.")
	for name, tt := range map[string]struct {
		codes    int
		register bool
		want     checks.Args
	}{
		"shop.client.ru":  {1, false, checks.Args{"domain": "client.ru"}},
		"old.client.ru":   {1, false, checks.Args{"domain": "client.ru", "target": "gone.client.ru"}},
		"moved.client.ru": {1, false, checks.Args{"domain": "client.ru", "target": "shop.free.ru"}},
		"free.ru":         {1, true, checks.Args{"domain": "free.ru", "register": true}},
		"www.free.ru":     {1, true, checks.Args{"domain": "free.ru", "register": true}},
		"*.free.ru":       {1, true, checks.Args{"domain": "free.ru", "register": true}},
		"*.client.ru":     {0, false, nil}, // a wildcard need not exist
	} {
		t.Run(name, func(t *testing.T) {
			_, in := world(t, zone)
			sight, found, err := in.Inspect(t.Context(), Question{Name: name, Ours: ours()})
			if err != nil || len(found) != tt.codes || sight.Register != tt.register || sight.Points != checks.PointsNowhere {
				t.Fatalf("%+v, findings %+v, error %v", sight, found, err)
			}
			if tt.codes == 1 {
				if diff := cmp.Diff(tt.want, args(found[0], "domain", "target", "register")); diff != "" || found[0].Code != checks.DNSNXDomain {
					t.Errorf("%s %s", found[0].Code, diff)
				}
			}
		})
	}
}

func TestWhyServersFail(t *testing.T) {
	at := func(tempers ...internet.Temper) internet.Zone {
		z := internet.Zone{Origin: "client.ru", Text: "@ A " + ownV4}
		for i, temper := range tempers {
			z.NS = append(z.NS, "ns"+string(rune('1'+i))+".client.ru")
			z.Servers = append(z.Servers, internet.Server(temper))
		}
		return z
	}
	for name, tt := range map[string]struct {
		zone     internet.Zone
		code     checks.Code
		register bool
		servers  string
	}{
		"refusing": {at(internet.Refusing), checks.DNSLame, true, "ns1.client.ru: REFUSED"},
		"silent and dead": {at(internet.Silent, internet.Dead), checks.DNSLame, true,
			"ns1.client.ru: timeout, ns2.client.ru: connection refused"},
		"failing": {at(internet.Failing, internet.Refusing), checks.DNSServFail, false,
			"ns1.client.ru: SERVFAIL, ns2.client.ru: REFUSED"},
	} {
		t.Run(name, func(t *testing.T) {
			_, in := world(t, tt.zone)
			sight, found, err := in.Inspect(t.Context(), Question{Name: "www.client.ru", Ours: ours()})
			if err != nil || len(found) != 1 || found[0].Code != tt.code || sight.Register != tt.register {
				t.Fatalf("%+v, findings %+v, error %v", sight, found, err)
			}
			if found[0].Args["servers"] != tt.servers || found[0].Args["zone"] != "client.ru" {
				t.Errorf("servers %v of zone %v", found[0].Args["servers"], found[0].Args["zone"])
			}
		})
	}
}

// A zone on our own name servers is ours to mend; nothing is said of whose other
// servers are.
func TestZonesOnOurOwnServers(t *testing.T) {
	lame := internet.Zone{Origin: "client.ru", Text: "@ A " + ownV4, NS: []string{"ns1.client.ru", "ns2.client.ru"},
		Servers: []netip.Addr{internet.Server(internet.Refusing), internet.Server(internet.Silent)}}
	failing := internet.Zone{Origin: "client.ru", Text: "@ A " + ownV4, Temper: internet.Failing}
	bogus := internet.Zone{Origin: "client.ru", Text: "@ A " + ownV4, Bogus: 7}
	for name, tt := range map[string]struct {
		zone internet.Zone
		ours []netip.Addr
		code checks.Code
		who  checks.Who
		own  any
	}{
		"one of two is ours and refuses": {lame, []netip.Addr{internet.Server(internet.Refusing)}, checks.DNSLame, checks.Us, "ns1.client.ru"},
		"both are ours":                  {lame, lame.Servers, checks.DNSLame, checks.Us, "ns1.client.ru, ns2.client.ru"},
		"others refuse":                  {lame, nil, checks.DNSLame, checks.Customer, nil},
		"ours fails":                     {failing, []netip.Addr{internet.Server(internet.Failing)}, checks.DNSServFail, checks.Us, "ns1.client.ru"},
		"another fails":                  {failing, nil, checks.DNSServFail, checks.Customer, nil},
		"ours serves an old signature":   {bogus, []netip.Addr{internet.Server(internet.Sound)}, checks.DNSDNSSEC, checks.Us, "ns1.client.ru"},
		"another serves an old one":      {bogus, nil, checks.DNSDNSSEC, checks.Customer, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, in := world(t, tt.zone)
			_, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: append(ours(), tt.ours...)})
			if err != nil || len(found) != 1 || found[0].Code != tt.code {
				t.Fatalf("findings %+v, error %v", found, err)
			}
			if f := found[0]; f.Who() != tt.who || f.Args[checks.OwnArg] != tt.own {
				t.Errorf("%s acts, own %v; want %s, %v", f.Who(), f.Args[checks.OwnArg], tt.who, tt.own)
			}
		})
	}
}

// Whose servers a healthy zone has is asked only if the CA's last text is about
// DNS.
func TestWhoKeepsAHealthyZone(t *testing.T) {
	for text, want := range map[string]string{
		"During secondary validation: DNS problem: query timed out looking up A for client.ru": "ns1.client.ru",
		"DNS problem: SERVFAIL looking up CAA for client.ru":                                   "ns1.client.ru",
		"203.0.113.10: Invalid response: 404":                                                  "",
	} {
		d, in := world(t, client("@ A "+ownV4))
		target := checks.Target{DNS: checks.NameInfo{Name: "client.ru"}, Subject: checks.Subject{Site: &checks.Site{Name: "client.ru"},
			History: &checks.History{Last: checks.LastTry{Outcome: checks.OutcomeFailed, Text: text}}}}
		found, err := in.Check(append(ours(), internet.Server(internet.Sound)), "").Run(t.Context(), &target)
		if err != nil || len(found) > 0 || target.DNS.Own != want {
			t.Errorf("%s: %q, findings %v, error %v; want %q", text, target.DNS.Own, found, err, want)
		}
		if asked := d.Asked("client.ru", mdns.TypeNS); want == "" && asked > 0 {
			t.Errorf("%s: %d questions for name servers", text, asked)
		}
	}
}

// A zone below the registered domain may be a delegation of its own.
func TestALameZoneFurtherDown(t *testing.T) {
	_, in := world(t, client("@ A "+ownV4), internet.Zone{Origin: "shop.client.ru", Text: "@ A " + ownV4, Temper: internet.Refusing})
	_, found, err := in.Inspect(t.Context(), Question{Name: "www.shop.client.ru", Ours: ours()})
	if err != nil || len(found) != 1 || found[0].Code != checks.DNSLame || found[0].Args["zone"] != "shop.client.ru" {
		t.Errorf("findings %+v, error %v", found, err)
	}
}

// If the registry's servers cannot be asked from here, nothing confirms that
// the name's servers fail: it may be the resolver.
func TestUnreachableRegistryIsNotKnown(t *testing.T) {
	_, in := world(t, internet.Zone{Origin: "client.ru", Temper: internet.Refusing})
	in.options.Port = closedPort(t).Port()
	_, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
	if err == nil || len(found) != 0 {
		t.Errorf("findings %+v, error %v", found, err)
	}
}

func TestServersOnPrivateAddressesAreNotAsked(t *testing.T) {
	h := hierarchy{conversation: &conversation{Inspector: &Inspector{options: InspectorOptions{Port: 53}}}}
	servers := []delegate{{name: "ns1", addr: netip.MustParseAddr("127.0.0.1")}, {name: "ns2", addr: netip.MustParseAddr("10.0.0.1")}, {name: "ns3"}}
	h.askServers(t.Context(), servers, Query{Type: mdns.TypeA}) // would panic if it sent a question: there is no resolver
	if d := (delegation{servers: servers}); !d.lame() || d.String() != "ns1: no address, ns2: no address, ns3: no address" {
		t.Errorf("%v, lame %v", d, d.lame())
	}
}

func TestBrokenSignaturesCarryTheReason(t *testing.T) {
	_, in := world(t, internet.Zone{Origin: "client.ru", Text: "@ A " + ownV4, Bogus: 7})
	_, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
	if err != nil || len(found) != 1 || found[0].Code != checks.DNSDNSSEC || found[0].Args["ede"] != 7 {
		t.Fatalf("findings %+v, error %v", found, err)
	}
	if why := found[0].Args["reason"].(string); !strings.HasPrefix(why, "EDE 7 (Signature Expired): ") {
		t.Errorf("reason %q", why)
	}
}

func TestHostileReasonsAreHarmless(t *testing.T) {
	a := Answer{Errors: []ExtendedError{{Code: 0, Text: "\x1b[31m\u202eevil\n" + strings.Repeat("x", 5000)}}}
	if why := a.reason(); len(why) > 2*maxText || strings.ContainsAny(why, "\x1b\u202e\n") {
		t.Errorf("%q", why)
	}
}
