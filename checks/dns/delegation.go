package dns

import (
	"net/netip"
	"strings"

	mdns "github.com/miekg/dns"
)

// Limits for following delegations from the registry to the servers of a name.
const (
	maxCuts    = 4
	maxServers = 8 // of one zone that are asked
	maxParents = 2 // of the registry's zone that are asked
)

// delegate is a server of a delegation and the result of asking it.
type delegate struct {
	name   string
	addr   netip.Addr // invalid: the name has no address
	hidden bool       // its addresses could not be looked up
	state  serverAnswer
	said   Answer
}

// delegation is a zone and the servers to which it is delegated.
type delegation struct {
	zone    string
	servers []delegate
}

// names returns the names of the servers.
func (d delegation) names() []string {
	names := make([]string, 0, len(d.servers))
	for _, s := range d.servers {
		names = append(names, s.name)
	}
	return names
}

// lame reports whether every server was asked and none serves the zone (RFC
// 9499 section 7). A server that could not be asked might serve it.
func (d delegation) lame() bool {
	for _, s := range d.servers {
		switch s.state {
		case serverGood, serverReferral, serverFailing, serverUnasked:
			return false
		}
	}
	return len(d.servers) > 0
}

// below returns the delegation of the first referral. Servers that refer
// elsewhere, such as to the root, do not know the zone.
func (d delegation) below(host string) delegation {
	for i := range d.servers {
		s := &d.servers[i]
		if s.state != serverUnaware {
			continue
		}
		if next := s.said.referral(d.zone, host); next.zone != "" {
			s.state = serverReferral
			return next
		}
	}
	return delegation{}
}

// referral returns the delegation towards host that the answer refers to, if it
// is below zone, with the addresses that came with it.
func (a Answer) referral(zone, host string) delegation {
	var d delegation
	for _, rr := range a.Authority {
		ns, ok := rr.(*mdns.NS)
		if !ok {
			continue
		}
		owner := undot(ns.Hdr.Name)
		if owner == zone || !within(owner, zone) || !within(host, owner) || len(d.servers) == maxServers {
			continue
		}
		d.zone = owner
		d.servers = append(d.servers, delegate{name: undot(ns.Ns), addr: a.glue(ns.Ns)})
	}
	return d
}

// glue returns the address of a server, IPv4 first; invalid if the answer has
// none.
func (a Answer) glue(name string) (found netip.Addr) {
	for _, rr := range a.Extra {
		if !strings.EqualFold(rr.Header().Name, name) {
			continue
		}
		switch rr := rr.(type) {
		case *mdns.A:
			found, _ = netip.AddrFromSlice(rr.A.To4())
			return found
		case *mdns.AAAA:
			found, _ = netip.AddrFromSlice(rr.AAAA)
		}
	}
	return found
}
