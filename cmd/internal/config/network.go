package config

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// readAddress takes private and loopback addresses too, for panels behind NAT.
func readAddress(f field, v scalar) (any, *problem) {
	a, err := netip.ParseAddr(v.text)
	if err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() || a.Is4In6() {
		return nil, wrong("address", f.args(v))
	}
	return a, nil
}

// readURL takes the address of an API: no credentials, query or fragment.
func readURL(f field, v scalar) (any, *problem) {
	u, err := url.Parse(v.text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, wrong("url", f.args(v))
	}
	return v.text, nil
}

// readProxy takes the kinds of proxy that all our clients support; the WebSocket
// library supports http and socks5. Go lets the proxy resolve names with either
// scheme, so socks5h is the same as socks5. The value is a Secret because it may
// contain a password.
func readProxy(f field, v scalar) (any, *problem) {
	u, err := url.Parse(v.text)
	if err != nil || u.Hostname() == "" {
		return nil, wrong("proxy", nil)
	}
	if u.Scheme == "socks5h" {
		u.Scheme = "socks5"
	}
	if u.Scheme != "http" && u.Scheme != "socks5" {
		return nil, wrong("proxy", nil)
	}
	if _, has := u.User.Password(); has && v.raw == v.text {
		return nil, wrong("proxy.password", nil)
	}
	return NewSecret(u.String()), nil
}

// Default ports, of RFC 1035 (section 4.2) and RFC 3912.
const (
	dnsPort   = 53
	whoisPort = "43"
)

// readResolver takes an address, with or without a port. It refuses names, which
// would need another resolver.
func readResolver(f field, v scalar) (any, *problem) {
	server, err := netip.ParseAddrPort(v.text)
	if err != nil {
		inside, open := strings.CutPrefix(v.text, "[")
		inside, closed := strings.CutSuffix(inside, "]")
		addr, err := netip.ParseAddr(inside)
		// ::1:53 is a valid address, but is meant as [::1]:53.
		if err != nil || open != closed || open && addr.Is4() || !open && strings.HasSuffix(inside, ":53") {
			return nil, wrong("resolver", f.args(v))
		}
		server = netip.AddrPortFrom(addr, dnsPort)
	}
	addr := server.Addr().Unmap()
	if server.Port() == 0 || addr.IsUnspecified() || addr.IsMulticast() {
		return nil, wrong("resolver", f.args(v))
	}
	return netip.AddrPortFrom(addr, server.Port()), nil
}

// readListen takes the address to listen on, with its port. A name is refused: what
// it means to this host can change.
func readListen(f field, v scalar) (any, *problem) {
	text := v.text
	if strings.HasPrefix(text, ":") {
		text = "[::]" + text
	}
	at, err := netip.ParseAddrPort(text)
	if err != nil || at.Port() == 0 || at.Addr().IsMulticast() {
		return nil, wrong("listen", f.args(v))
	}
	return v.text, nil
}

// readServer takes the name or the address of a WHOIS server, with or without a
// port.
func readServer(f field, v scalar) (any, *problem) {
	server, ok := hostPort(v.text, whoisPort)
	if !ok {
		return nil, wrong("server", f.args(v))
	}
	return server, nil
}

// hostPort returns host:port of a name or an address, with or without a port of
// its own.
func hostPort(text, port string) (string, bool) {
	host := text
	if h, p, err := net.SplitHostPort(text); err == nil {
		host, port = h, p
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", false
	}
	if addr, err := netip.ParseAddr(host); err == nil && !addr.IsUnspecified() {
		return net.JoinHostPort(addr.String(), port), true
	}
	name, ok := hostName(host)
	return net.JoinHostPort(name, port), ok
}

// readDomain takes a name of at least two labels, in Unicode or A-label form.
func readDomain(f field, v scalar) (any, *problem) {
	name, ok := hostName(v.text)
	if !ok || !strings.Contains(name, ".") {
		return nil, wrong("domain", f.args(v))
	}
	return name, nil
}

// readTLD takes a top-level domain, in Unicode or A-label form.
func readTLD(key string) (string, *problem) {
	name, ok := hostName(key)
	if !ok || strings.Contains(name, ".") {
		return "", wrong("tld", map[string]any{"Name": printable(key)})
	}
	return name, nil
}

// maxName is the longest name in UTF-8, in bytes: 253 characters of up to four
// bytes. The time of a conversion grows with the square of the length.
const maxName = 4 * 253

// hostName returns a name in A-label form (RFC 5890), in lower case and without
// the final dot; a single label such as localhost is valid. A last label of
// digits only is a mistyped address (RFC 3696, section 2).
func hostName(text string) (string, bool) {
	if len(text) > maxName {
		return "", false
	}
	strict := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))
	name, err := strict.ToASCII(strings.TrimSuffix(text, "."))
	last := name[strings.LastIndex(name, ".")+1:]
	if err != nil || strings.Trim(last, "0123456789") == "" {
		return "", false
	}
	return name, true
}

// systemFile lists the resolvers of the system (resolv.conf(5)).
const systemFile = "/etc/resolv.conf"

// maxResolvers is how many of them the C library uses (MAXNS).
const maxResolvers = 3

// systemResolvers returns the resolvers that other programs on this host use. If
// the file is absent or has none, that is the one on this host.
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

// nameServers reads the nameserver lines of a resolv.conf and skips all others.
func nameServers(text io.Reader) []netip.AddrPort {
	var servers []netip.AddrPort
	lines := bufio.NewScanner(text) // a line above 64 KB ends the loop
	for lines.Scan() && len(servers) < maxResolvers {
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
