package panel

import (
	"net/netip"
	"testing"

	"domovoy/checks"
	"domovoy/checks/acme"
)

// Whose address the CA's text names, and who acts, by the text alone.
func TestWhoActsByTheText(t *testing.T) {
	addrs := func(texts ...string) (list []netip.Addr) {
		for _, text := range texts {
			list = append(list, netip.MustParseAddr(text))
		}
		return list
	}
	cdn := func(a netip.Addr) string {
		if netip.MustParsePrefix("104.16.0.0/13").Contains(a) {
			return "Cloudflare"
		}
		return ""
	}
	public := Places{Addresses: addrs("203.0.113.10", "2001:db8::10"), Proxy: cdn}
	inner := Places{Addresses: addrs("10.0.0.5"), Proxy: cdn}
	const page = "Invalid response from http://client.ru/.well-known/acme-challenge/x: "
	const fetching = "Fetching http://client.ru/.well-known/acme-challenge/x: "
	for _, tt := range []struct {
		text   string
		places Places
		place  any
		who    checks.Who
	}{
		{"203.0.113.10: " + page + "404", public, "ours", checks.Us},
		{"203.0.113.10: " + page + "503", public, "ours", checks.Us},
		{"2001:db8::10: " + page + "404", public, "ours", checks.Us},
		{"203.0.113.11: " + page + "404", public, "ours", checks.Us}, // of the site
		{"203.0.113.10: " + fetching + "Timeout during connect (likely firewall problem)", public, "ours", checks.Us},
		{"203.0.113.10: " + fetching + "remote error: tls: handshake failure", public, "ours", checks.Us},
		{"203.0.113.10: " + fetching + "Redirect loop detected", public, "ours", checks.Customer},
		{"198.51.100.7: " + page + "404", public, "elsewhere", checks.Customer},
		{"198.51.100.7: " + fetching + "Connection refused", public, "elsewhere", checks.Customer},
		{"198.51.100.7: " + fetching + "remote error: tls: handshake failure", public, "elsewhere", checks.Customer},
		{"198.51.100.7: " + page + "404", Places{}, "elsewhere", checks.Customer}, // the site has addresses
		{"198.51.100.7: " + page + "404", inner, "elsewhere", checks.Customer},
		{page + "404", public, nil, checks.Customer},
		{"104.16.1.1: " + page + "526", public, "proxy", checks.Customer},
		{"104.16.1.1: " + page + "525", public, "proxy", checks.Customer},
		{"104.16.1.1: " + page + "521", public, "proxy", checks.Us},
		{"104.16.1.1: " + page + "522", public, "proxy", checks.Us},
		{"104.16.1.1: " + page + "403", public, "proxy", checks.Customer},
		{page + "526", Places{}, "proxy", checks.Customer}, // the status is Cloudflare's own
		{"During secondary validation: 104.16.1.1: " + page + "403", public, "proxy", checks.Customer},
		{"During secondary validation: 203.0.113.10: " + fetching + "Timeout during connect (likely firewall problem)", public, "ours", checks.Us},
		{"During secondary validation: DNS problem: query timed out looking up A for client.ru", public, nil, checks.Customer},
		{"During secondary validation: While processing CAA for client.ru: CAA record for client.ru prevents issuance", public, nil, checks.Customer},
		{"DNS problem: SERVFAIL looking up A for client.ru", public, nil, checks.Customer},
		{"DNS problem: networking error looking up A for client.ru", public, nil, checks.CA},
		{"DNS problem: NXDOMAIN looking up TXT for _acme-challenge.client.ru", public, nil, checks.Us},
		{"No TXT record found at _acme-challenge.client.ru", public, nil, checks.Us},
		{"No TXT record found for DNS-PERSIST-01 challenge", public, nil, checks.Us},
		{`203.0.113.10: Cannot negotiate ALPN protocol "acme-tls/1" for tls-alpn-01 challenge`, public, nil, checks.Us},
		{"urn:ietf:params:acme:error:unauthorized :: something new", public, nil, checks.Us},
		{"Error finalizing order :: OCSP must-staple extension is no longer available", public, nil, checks.Us},
	} {
		x := checks.Subject{Site: &checks.Site{Name: "client.ru", Addresses: addrs("203.0.113.11")},
			History: &checks.History{Failures: 1, Last: checks.LastTry{Outcome: checks.OutcomeFailed, Time: noon, Text: tt.text}}}
		found, err := Issuing(acme.NewClassifier(), tt.places).Run(t.Context(), &checks.Target{Now: noon, Subject: x})
		if err != nil || len(found) != 1 {
			t.Fatalf("%q: %v, %v", tt.text, found, err)
		}
		if f := found[0]; f.Who() != tt.who || f.Args["place"] != tt.place {
			t.Errorf("%q: %s acts, place %v; want %s, %v: %v", tt.text, f.Who(), f.Args["place"], tt.who, tt.place, f.Args)
		}
		if record := found[0].Args["record"]; found[0].Args["challenge"] == "dns-persist-01" && record != "_validation-persist.client.ru" {
			t.Errorf("the record is %v", record)
		}
	}
}

// A panel behind a NAT knows none of the addresses under which the CA sees it.
func TestNoAddressIsForeignBehindNAT(t *testing.T) {
	args := checks.Args{"address": "198.51.100.7"}
	Places{}.place(args, &checks.Site{Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("100.64.3.1")}})
	if args["place"] != nil {
		t.Errorf("%v", args)
	}
}
