package web

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"domovoy/checks"
)

// maxRedirects is how many the CA's code follows; its documents say 10.
const maxRedirects = 11

// maxPath is the longest path of a redirect, in bytes.
const maxPath = 2000

// followed are the redirects that the CA follows, and turnedAway the one that
// its client would but that it refuses. Any other status is an answer.
var (
	followed   = [...]int{301, 302, 307, 308}
	turnedAway = 303
)

// redirects reports whether an answer sends its client elsewhere. Without a
// Location it is only an answer.
func redirects(a answer) bool {
	return a.location != "" && (a.status == turnedAway || slices.Contains(followed[:], a.status))
}

// refusal is a redirect that the CA does not follow.
func refusal(rule, says string) *fault {
	return &fault{code: checks.WebRedirect, rule: rule, says: says}
}

// next works out where an answer redirects to, by the CA's rules that need no
// look at the DNS.
func (w *walk) next(from *url.URL, a answer) (*url.URL, *fault) {
	if w.redirects >= maxRedirects {
		return nil, refusal("count", "Too many redirects")
	}
	w.redirects++
	if a.status == turnedAway {
		return nil, refusal("code", "received disallowed redirect status code")
	}
	to, err := from.Parse(a.location)
	if err != nil {
		return nil, refusal("location", "Error getting validation data")
	}
	to.Host, to.User, to.Fragment = strings.ToLower(to.Host), nil, ""
	if f := w.target(to); f != nil {
		return nil, f
	}
	if len(to.Path) > maxPath {
		return nil, refusal("path", "Redirect target too long")
	}
	if slices.Contains(w.seen, to.String()) {
		return nil, loop(from, to, a)
	}
	w.seen = append(w.seen, to.String())
	return to, nil
}

// loop is a redirect back. One that leads to the page itself and sets a
// cookie wants the cookie back, which the CA never sends.
func loop(from, to *url.URL, a answer) *fault {
	f := &fault{code: checks.WebLoop, says: "Redirect loop detected"}
	if a.cookie && from.Host == to.Host && from.Path == to.Path && from.Scheme == to.Scheme {
		f.code, f.rule = checks.WebForbidden, ruleCookie
	}
	return f
}

// target checks scheme, port and host of a redirect.
func (w *walk) target(to *url.URL) *fault {
	if to.Scheme != "http" && to.Scheme != "https" {
		return refusal("scheme", "Invalid protocol scheme in redirect target")
	}
	if _, ok := w.port(to); !ok {
		return refusal("port", "Invalid port in redirect target. Only ports 80 and 443 are supported")
	}
	host := to.Hostname()
	if host == "" || strings.ContainsFunc(to.Host, outsideASCII) {
		return refusal("host", "Invalid empty host in redirect target")
	}
	if strings.HasSuffix(host, ".well-known") {
		return refusal("slash", "Invalid host in redirect target. Check webserver config for missing '/' in redirect target.")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if !w.prober.may(addr) {
			return refusal("reserved", "Invalid host in redirect target")
		}
		return nil
	}
	if !underTLD(host) {
		return refusal("tld", "Invalid host in redirect target, must end in IANA registered TLD")
	}
	return nil
}

// outsideASCII finds what no host in a request may hold.
func outsideASCII(r rune) bool { return r <= ' ' || r > '~' }

// port is where a URL leads. The ports 80 and 443 stand for those that are
// configured, and may be named by either number.
func (w *walk) port(u *url.URL) (uint16, bool) {
	ports := w.prober.opts.Ports
	if u.Port() == "" {
		if u.Scheme == "https" {
			return ports.HTTPS, true
		}
		return ports.HTTP, true
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case err != nil:
		return 0, false
	case n == 80 || n == uint64(ports.HTTP):
		return ports.HTTP, true
	case n == 443 || n == uint64(ports.HTTPS):
		return ports.HTTPS, true
	}
	return 0, false
}
