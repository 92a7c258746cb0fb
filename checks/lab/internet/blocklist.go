package internet

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// Blocklist describes a DNS blocklist (RFC 5782).
type Blocklist struct {
	Origin string       // the zone of the list
	Listed []netip.Addr // answered with 127.0.0.2 and a reason
	Error  netip.Addr   // answered to every question instead: 127.255.255.252 typo, .254 public resolver, .255 volume; zero: the list works
	Empty  bool         // even the test points are missing: a list that was shut down
}

// Zone writes the list as a zone. Test points are 127.0.0.2 listed and
// 127.0.0.1 not (section 5), for IPv6 ::ffff:7f00:2 and ::ffff:7f00:1.
func (b Blocklist) Zone() Zone {
	z := Zone{Origin: b.Origin}
	if b.Error.IsValid() {
		z.Text = fmt.Sprintf("* A %s\n* TXT \"error: see the terms of use\"\n", b.Error)
		return z
	}
	listed := b.Listed
	if !b.Empty {
		listed = append([]netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("::ffff:7f00:2")}, listed...)
	}
	for _, addr := range listed {
		z.Text += fmt.Sprintf("%[1]s A 127.0.0.2\n%[1]s TXT \"%[2]s is listed, see https://%[3]s/%[2]s\"\n", reversed(addr), addr, b.Origin)
	}
	return z
}

// reversed is an address as a blocklist is asked for it: octets or nibbles, last one first (RFC 5782 section 2.1 and 2.4).
func reversed(addr netip.Addr) string {
	name, err := dns.ReverseAddr(addr.String())
	if addr.Is4In6() { // the library takes it for IPv4
		var nibbles []string
		for _, octet := range addr.As16() {
			nibbles = append([]string{fmt.Sprintf("%x.%x", octet&15, octet>>4)}, nibbles...)
		}
		return strings.Join(nibbles, ".")
	}
	if err != nil {
		return "invalid"
	}
	name, _, _ = strings.Cut(name, "in-addr.arpa.")
	name, _, _ = strings.Cut(name, "ip6.arpa.")
	return strings.TrimSuffix(name, ".")
}
