package dns

import (
	"net/netip"
	"testing"

	mdns "github.com/miekg/dns"

	"domovoy/checks/lab/internet"
)

func TestAddressesOfARedirectsHost(t *testing.T) {
	type rule struct {
		kind uint16
		as   internet.Behaviour
	}
	for name, tt := range map[string]struct {
		rules  []rule
		v4, v6 int
		fails  bool
	}{
		"both":               {nil, 1, 1, false},
		"AAAA not answered":  {[]rule{{mdns.TypeAAAA, drop}}, 0, 0, true},
		"A not answered":     {[]rule{{mdns.TypeA, drop}}, 0, 0, true},
		"AAAA fails":         {[]rule{{mdns.TypeAAAA, servfail}}, 1, 0, false},
		"A fails":            {[]rule{{mdns.TypeA, servfail}}, 0, 1, false},
		"both fail":          {[]rule{{mdns.TypeA, servfail}, {mdns.TypeAAAA, servfail}}, 0, 0, false},
		"CAA not answered":   {[]rule{{mdns.TypeCAA, drop}}, 1, 1, false},
		"the resolver fails": {[]rule{{0, servfail}}, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			d, in := world(t, client("@ A "+foreignV4, "@ AAAA "+foreignV6))
			for _, r := range tt.rules {
				if r.kind == 0 { // the servers would answer
					d.Resolve("client.ru", internet.Any, r.as)
					continue
				}
				d.Serve("client.ru", r.kind, r.as)
			}
			v4, v6, err := in.Addresses(t.Context(), "client.ru")
			if len(v4) != tt.v4 || len(v6) != tt.v6 || (err != nil) != tt.fails {
				t.Errorf("%v, %v, error %v", v4, v6, err)
			}
			if d.Asked("client.ru", mdns.TypeCAA) > 0 {
				t.Error("more was asked than addresses")
			}
		})
	}
}

func TestAddressesOfNoName(t *testing.T) {
	in := NewInspector(resolver(t, Options{Servers: []netip.AddrPort{silent(t)}}), InspectorOptions{})
	if _, _, err := in.Addresses(t.Context(), "a..b"); err == nil {
		t.Error("no error")
	}
}

// A host of which one family cannot be looked up is not a host without
// addresses.
func TestAddressesHalfKnown(t *testing.T) {
	d, in := world(t, client("@ A "+foreignV4))
	d.Resolve("client.ru", mdns.TypeA, servfail)
	if v4, v6, err := in.Addresses(t.Context(), "client.ru"); err == nil {
		t.Errorf("%v, %v, no error", v4, v6)
	}
}
