package config

import (
	"bufio"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// systemFile is where the system names its resolvers (resolv.conf(5)).
const systemFile = "/etc/resolv.conf"

// mostResolvers is how many of them the system itself asks (MAXNS).
const mostResolvers = 3

// systemResolvers are those that every other program here asks. A file that is
// not there, or names none, means the one on this host.
func systemResolvers(file string) []netip.AddrPort {
	var servers []netip.AddrPort
	if f, err := os.Open(file); err == nil {
		servers = nameServers(f)
		_ = f.Close() // it was only read
	}
	if len(servers) == 0 {
		servers = []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), dnsPort)}
	}
	return servers
}

// nameServers reads the nameserver lines of a resolv.conf, whatever else there
// is in it.
func nameServers(text io.Reader) []netip.AddrPort {
	var servers []netip.AddrPort
	lines := bufio.NewScanner(text) // a longer line than it takes ends the reading
	for lines.Scan() && len(servers) < mostResolvers {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		addr, err := netip.ParseAddr(words[1])
		if server := netip.AddrPortFrom(addr.Unmap(), dnsPort); err == nil && !addr.IsUnspecified() && !slices.Contains(servers, server) {
			servers = append(servers, server)
		}
	}
	return servers
}
