package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Ports of RFC 1035 section 4.2 and of RFC 3912, where the file names none.
const (
	dnsPort   = 53
	whoisPort = "43"
)

// readResolver takes an address, with or without a port. Names are refused:
// nobody could resolve them.
func readResolver(f field, v scalar) (any, *problem) {
	server, err := netip.ParseAddrPort(v.text)
	if err != nil {
		inside, open := strings.CutPrefix(v.text, "[")
		inside, closed := strings.CutSuffix(inside, "]")
		addr, err := netip.ParseAddr(inside)
		// ::1:53 is an address too, and never the one that was meant.
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

// readServer takes a host by name or address, with or without a port.
func readServer(f field, v scalar) (any, *problem) {
	host, port := v.text, whoisPort
	if h, p, err := net.SplitHostPort(v.text); err == nil {
		host, port = h, p
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, wrong("server", f.args(v))
	}
	if addr, err := netip.ParseAddr(host); err == nil && !addr.IsUnspecified() {
		return net.JoinHostPort(addr.String(), port), nil
	}
	name, ok := hostName(host)
	if !ok {
		return nil, wrong("server", f.args(v))
	}
	return net.JoinHostPort(name, port), nil
}

// readDomain takes a name of two labels or more, in either form.
func readDomain(f field, v scalar) (any, *problem) {
	name, ok := hostName(v.text)
	if !ok || !strings.Contains(name, ".") {
		return nil, wrong("domain", f.args(v))
	}
	return name, nil
}

// readTLD takes a top-level domain in either form.
func readTLD(key string) (string, *problem) {
	name, ok := hostName(key)
	if !ok || strings.Contains(name, ".") {
		return "", wrong("tld", map[string]any{"Name": shown(key)})
	}
	return name, nil
}

// maxName is more than any name takes in UTF-8: 253 characters of up to four
// bytes. Converting takes time by the square of it.
const maxName = 4 * 253

// hostName gives the A-label form (RFC 5890), lower case and without the
// root's dot; one label is enough, as in localhost. A last label of digits
// alone is a mistyped address, never a name (RFC 3696, section 2).
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

// readSettings takes full paths with the wildcards of path.Match.
func readSettings(f field, v scalar) (any, *problem) {
	_, err := filepath.Match(v.text, "")
	if err != nil || !filepath.IsAbs(v.text) || strings.ContainsAny(v.text, "\n\x00") || strings.HasSuffix(v.text, "/") ||
		slices.Contains(strings.Split(v.text, "/"), "..") {
		return nil, wrong("settings", f.args(v))
	}
	return filepath.Clean(v.text), nil
}

// readLog takes the full path of an access log; one * stands for the domain.
func readLog(f field, v scalar) (any, *problem) {
	switch {
	case strings.Count(v.text, "*") > 1:
		return nil, wrong("log.stars", f.args(v))
	case !filepath.IsAbs(v.text), strings.ContainsAny(v.text, "\n\x00"), strings.HasSuffix(v.text, "/"),
		slices.Contains(strings.Split(v.text, "/"), ".."):
		return nil, wrong("log", f.args(v))
	}
	return filepath.Clean(v.text), nil
}
