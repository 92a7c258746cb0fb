package config

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var panelName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func readName(f field, v scalar) (any, *problem) {
	if !panelName.MatchString(v.text) || len(v.text) > 63 {
		return nil, wrong("name", f.args(v))
	}
	return v.text, nil
}

// readZone takes a name of the IANA time zone database.
func readZone(f field, v scalar) (any, *problem) {
	zone, err := time.LoadLocation(v.text)
	if err != nil {
		return nil, wrong("zone", f.args(v))
	}
	return zone, nil
}

// readPath takes absolute paths only: run starts in the folder of systemd's
// choice, ask in the one its user happens to be in.
func readPath(f field, v scalar) (any, *problem) {
	if !filepath.IsAbs(v.text) || strings.ContainsAny(v.text, "\n\x00") {
		return nil, wrong("path", f.args(v))
	}
	return filepath.Clean(v.text), nil
}

// readAddress takes private and loopback addresses too: panels behind NAT.
func readAddress(f field, v scalar) (any, *problem) {
	a, err := netip.ParseAddr(v.text)
	if err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() || a.Is4In6() {
		return nil, wrong("address", f.args(v))
	}
	return a, nil
}

func readURL(f field, v scalar) (any, *problem) {
	u, err := url.Parse(v.text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, wrong("url", f.args(v))
	}
	return v.text, nil
}

// readProxy takes what both messengers' libraries can go through: the one for
// WebSockets knows http and socks5. Go resolves names at the proxy either way,
// so socks5h means the same. It is a Secret because of its password.
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
