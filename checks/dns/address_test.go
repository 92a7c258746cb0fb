package dns

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

const ownV4, ownV6, foreignV4, foreignV6 = "203.0.113.10", "2001:db8::10", "93.184.216.34", "2606:2800:220:1::1"

func ours() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr(ownV4), netip.MustParseAddr(ownV6)}
}

// world starts a small internet with zones.
func world(t *testing.T, zones ...internet.Zone) (*internet.DNS, *Inspector) {
	t.Helper()
	d, err := internet.StartDNS(zones...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, inspector(t, d, d.Addr())
}

// client is the customer's zone with the given records.
func client(lines ...string) internet.Zone {
	return internet.Zone{Origin: "client.ru", Text: strings.Join(lines, "\n")}
}

// args selects the arguments that a row of a table compares.
func args(f checks.Finding, keys ...string) checks.Args {
	a := checks.Args{}
	for _, k := range keys {
		if v, ok := f.Args[k]; ok {
			a[k] = v
		}
	}
	return a
}

func TestWhereANamePoints(t *testing.T) {
	for name, tt := range map[string]struct {
		records []string
		points  checks.Pointing
		codes   []checks.Code
	}{
		"A":                  {[]string{"@ A " + ownV4}, checks.PointsOurs, nil},
		"A and AAAA":         {[]string{"@ A " + ownV4, "@ AAAA " + ownV6}, checks.PointsOurs, nil},
		"AAAA alone":         {[]string{"@ AAAA " + ownV6}, checks.PointsOurs, nil},
		"foreign A":          {[]string{"@ A " + foreignV4}, checks.PointsElsewhere, []checks.Code{checks.DNSElsewhere}},
		"foreign AAAA alone": {[]string{"@ AAAA " + foreignV6}, checks.PointsElsewhere, []checks.Code{checks.DNSElsewhere}},
		"two A":              {[]string{"@ A " + ownV4, "@ A " + foreignV4}, checks.PointsPartly, []checks.Code{checks.DNSPartly}},
		"stray AAAA":         {[]string{"@ A " + ownV4, "@ AAAA " + foreignV6}, checks.PointsPartly, []checks.Code{checks.DNSIPv6}},
		"one AAAA of two":    {[]string{"@ A " + ownV4, "@ AAAA " + foreignV6, "@ AAAA " + ownV6}, checks.PointsPartly, []checks.Code{checks.DNSIPv6}},
		"AAAA ours, A not":   {[]string{"@ A " + foreignV4, "@ AAAA " + ownV6}, checks.PointsPartly, []checks.Code{checks.DNSPartly}},
		"both families partly": {
			[]string{"@ A " + ownV4, "@ A " + foreignV4, "@ AAAA " + foreignV6}, checks.PointsPartly,
			[]checks.Code{checks.DNSIPv6, checks.DNSPartly},
		},
		"a private A beside ours":       {[]string{"@ A " + ownV4, "@ A 10.1.2.3"}, checks.PointsOurs, nil},
		"a unique local AAAA beside A":  {[]string{"@ A " + ownV4, "@ AAAA fd00::1234"}, checks.PointsOurs, nil},
		"AAAA :: beside A":              {[]string{"@ A " + ownV4, "@ AAAA ::"}, checks.PointsOurs, nil},
		"a link-local AAAA beside A":    {[]string{"@ A " + ownV4, "@ AAAA fe80::1"}, checks.PointsOurs, nil},
		"a documentation AAAA beside":   {[]string{"@ A " + ownV4, "@ AAAA 2001:db8::bad"}, checks.PointsOurs, nil},
		"shared space beside a foreign": {[]string{"@ A 100.64.0.1", "@ A " + foreignV4}, checks.PointsElsewhere, []checks.Code{checks.DNSElsewhere}},
		"only private":                  {[]string{"@ A 10.1.2.3", "@ AAAA fd00::1"}, checks.PointsNowhere, []checks.Code{checks.DNSNoAddress}},
		"only of documentation":         {[]string{"@ A 198.51.100.7"}, checks.PointsElsewhere, []checks.Code{checks.DNSElsewhere}},
		"only 0.0.0.0":                  {[]string{"@ A 0.0.0.0"}, checks.PointsNowhere, []checks.Code{checks.DNSNoAddress}},
		"only 127.0.0.1":                {[]string{"@ A 127.0.0.1"}, checks.PointsNowhere, []checks.Code{checks.DNSNoAddress}},
		"none":                          {[]string{"@ MX 10 mail"}, checks.PointsNowhere, []checks.Code{checks.DNSNoAddress}},
		"CDN":                           {[]string{"@ A 127.90.0.1", "@ A 127.90.0.2"}, checks.PointsProxied, []checks.Code{checks.DNSProxied}},
		"CDN and foreign":               {[]string{"@ A 127.90.0.1", "@ A " + foreignV4}, checks.PointsElsewhere, []checks.Code{checks.DNSElsewhere}},
	} {
		t.Run(name, func(t *testing.T) {
			_, in := world(t, client(tt.records...))
			sight, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
			if err != nil || sight.Points != tt.points {
				t.Errorf("points %d, want %d; error %v", sight.Points, tt.points, err)
			}
			var codes []checks.Code
			for _, f := range found {
				codes = append(codes, f.Code)
			}
			if diff := cmp.Diff(tt.codes, codes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// served is the customer's zone on name servers in a domain; empty: its own.
func served(ns string, lines ...string) internet.Zone {
	z := client(lines...)
	if ns != "" {
		z.NS = []string{"a." + ns, "b." + ns}
	}
	return z
}

func TestToWhomItPoints(t *testing.T) {
	for name, tt := range map[string]struct {
		zone internet.Zone
		ptr  string
		code checks.Code
		want checks.Args
	}{
		"by PTR":    {served("", "@ A "+foreignV4), "vds7.hoster.com", checks.DNSElsewhere, checks.Args{"network": "hoster.com", "ptr": "vds7.hoster.com"}},
		"not by NS": {served("ns.hoster.com", "@ A "+foreignV4), "", checks.DNSElsewhere, checks.Args{}}, // the zone may be on our own servers
		"by CNAME":  {served("", "@ CNAME shops.builder.com."), "", checks.DNSElsewhere, checks.Args{"network": "builder.com", "cname": "shops.builder.com"}},
		"by nothing": {served("", "@ A "+foreignV4), "", checks.DNSElsewhere,
			checks.Args{}},
		"by its own PTR":         {served("", "@ A "+foreignV4), "www.client.ru", checks.DNSElsewhere, checks.Args{"ptr": "www.client.ru"}},
		"Cloudflare by range":    {served("", "@ A 127.90.0.1"), "", checks.DNSProxied, checks.Args{"network": "Cloudflare", "proxy": "Cloudflare"}},
		"Cloudflare by CNAME":    {served("", "@ CNAME client.ru.cdn.cloudflare.net."), "", checks.DNSProxied, checks.Args{"network": "Cloudflare", "proxy": "Cloudflare", "cname": "client.ru.cdn.cloudflare.net"}},
		"Cloudflare's DNS alone": {served("ns.cloudflare.com", "@ A "+foreignV4), "", checks.DNSElsewhere, checks.Args{}},
		"DDoS-Guard by NS and PTR": {served("ddos-guard.net", "@ A "+foreignV4), "node7.ddos-guard.net", checks.DNSProxied,
			checks.Args{"network": "DDoS-Guard", "proxy": "DDoS-Guard", "ptr": "node7.ddos-guard.net"}},
		"a hostile PTR": {served("", "@ A "+foreignV4), `\027[31m<b>.hoster.com`, checks.DNSElsewhere, checks.Args{}},
	} {
		t.Run(name, func(t *testing.T) {
			d, in := world(t, tt.zone, internet.Zone{Origin: "builder.com", Text: "shops A " + foreignV4},
				internet.Zone{Origin: "cloudflare.net", Text: "client.ru.cdn A " + foreignV4})
			if tt.ptr != "" {
				if err := d.Reverse(netip.MustParseAddr(foreignV4), tt.ptr); err != nil {
					t.Fatal(err)
				}
			}
			_, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
			if err != nil || len(found) != 1 || found[0].Code != tt.code {
				t.Fatalf("%+v, error %v", found, err)
			}
			if diff := cmp.Diff(tt.want, args(found[0], "network", "proxy", "ptr", "cname")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWithoutAddressesOfOursOnlyAProxyCanBeTold(t *testing.T) {
	_, in := world(t, client("@ A "+foreignV4, "cdn A 127.91.0.1"))
	for name, want := range map[string]checks.Pointing{"client.ru": checks.PointsUnknown, "cdn.client.ru": checks.PointsProxied} {
		sight, _, err := in.Inspect(t.Context(), Question{Name: name})
		if err != nil || sight.Points != want {
			t.Errorf("%s: points %d, error %v", name, sight.Points, err)
		}
	}
}

// A question without an answer is an error; what other answers showed is kept.
func TestWhatWasSeenIsKept(t *testing.T) {
	drop := internet.Behaviour{Drop: true}
	for name, tt := range map[string]struct {
		kind   uint16
		points checks.Pointing
		codes  int
	}{
		"A":    {mdns.TypeA, checks.PointsUnknown, 0},
		"AAAA": {mdns.TypeAAAA, checks.PointsUnknown, 1}, // it may point to us
		"CAA":  {mdns.TypeCAA, checks.PointsElsewhere, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d, in := world(t, client("@ A "+foreignV4))
			d.Resolve("client.ru", tt.kind, drop)
			sight, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
			if !errors.Is(err, ErrTimeout) || sight.Points != tt.points || len(found) != tt.codes {
				t.Errorf("points %d, findings %+v, error %v", sight.Points, found, err)
			}
		})
	}
}

func TestManyAddressesAreCutShort(t *testing.T) {
	var lines []string
	for a, n := netip.MustParseAddr("93.184.1.1"), 0; n < 60; a, n = a.Next(), n+1 {
		lines = append(lines, "@ A "+a.String())
	}
	_, in := world(t, client(lines...))
	sight, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
	if err != nil || len(sight.V4) != 60 || len(found) != 1 {
		t.Fatalf("%d addresses, findings %+v, error %v", len(sight.V4), found, err)
	}
	if list := found[0].Args["addresses"].(string); strings.Count(list, ",") != maxListed || !strings.HasSuffix(list, "…") || found[0].Args["count"] != 60 {
		t.Errorf("%q, count %v", list, found[0].Args["count"])
	}
}
