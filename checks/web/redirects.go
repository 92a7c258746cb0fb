package web

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"domovoy/checks"
)

// family restricts which addresses an attempt may use.
type family int8

const (
	anyFamily family = iota // as the CA: IPv6 first
	onlyV4
)

// route is where an attempt begins: at the address first and, if a dial fails,
// once more at fallback.
type route struct {
	first    netip.Addr
	fallback netip.Addr // invalid: none
	family   family
	stranger bool // the request does not look like the CA's
}

// Hop is one request of an attempt.
type Hop struct {
	URL      string
	Address  netip.AddrPort
	Status   int    // zero: no response
	Server   string // the Server header; may be empty
	Location string // redirect target; may be empty
	Trouble  string // the CA's message if the attempt ended here
}

// attempt is the requests from the first URL to the last, with the result.
type attempt struct {
	hops     []Hop
	fault    *fault // nil: the CA would accept it
	fellBack *Hop   // the dial that made it fall back to IPv4; nil: none
	took     time.Duration
	body     []byte // the beginning of the last response
	err      error  // the attempt could not be made
}

// passed reports whether the CA would accept the result.
func (a attempt) passed() bool { return a.err == nil && a.fault == nil }

// last returns the last hop. It exists unless no request could be made.
func (a attempt) last() Hop {
	if len(a.hops) == 0 {
		return Hop{}
	}
	return a.hops[len(a.hops)-1]
}

// redirectChain is the state of one attempt: a request, and those that redirects lead to.
type redirectChain struct {
	prober    *Prober
	host      string
	challenge challenge
	route     route
	left      time.Duration // remaining time of an attempt of the CA
	hops      []Hop
	fellBack  *Hop
	seen      []string // requested URLs, also from before a fallback, as the CA remembers them
	redirects int
	signs     signs
}

// attempt makes one attempt along a route.
func (p *Prober) attempt(ctx context.Context, host string, c challenge, r route, s signs) attempt {
	chain := &redirectChain{prober: p, host: host, challenge: c, route: r, left: 2 * p.opts.Timeout, signs: s}
	start := &url.URL{Scheme: "http", Host: host, Path: c.path()}
	chain.seen = []string{start.String()}
	a, f, err := chain.follow(ctx, start, r.first)
	if err == nil && f != nil && f.dial && r.fallback.IsValid() {
		hop := chain.hops[len(chain.hops)-1]
		chain.fellBack = &hop
		a, f, err = chain.follow(ctx, start, r.fallback)
	}
	took := 2*p.opts.Timeout - chain.left
	if err == nil && f == nil && took >= p.opts.Timeout {
		f = chain.trouble(&fault{code: checks.WebTimeout, rule: ruleDeadline,
			says: "During secondary validation: Timeout after connect (your server may be slow or overloaded)"})
	}
	return attempt{hops: chain.hops, fault: f, fellBack: chain.fellBack, took: took, body: a.body, err: err}
}

// follow requests a URL at one address and follows redirects as the CA would.
func (chain *redirectChain) follow(ctx context.Context, at *url.URL, addr netip.Addr) (answer, *fault, error) {
	for {
		a, f, err := chain.ask(ctx, at, addr)
		if err != nil || f != nil {
			return a, chain.trouble(f), err
		}
		if !redirects(a) {
			return a, chain.trouble(judge(at, a, chain.challenge)), nil
		}
		to, f := chain.next(at, a)
		if f != nil {
			return a, chain.trouble(f), nil
		}
		addr, f, err = chain.resolve(ctx, to.Hostname())
		if f != nil || err != nil {
			return a, chain.trouble(f), err
		}
		at = to
	}
}

// trouble records a fault in the last hop.
func (chain *redirectChain) trouble(f *fault) *fault {
	if f != nil && len(chain.hops) > 0 {
		chain.hops[len(chain.hops)-1].Trouble = f.says
	}
	return f
}

// resolve returns the address for a redirect's host. For the probed name itself
// that is the address being probed: the CA resolves it again and gets the same
// answer.
func (chain *redirectChain) resolve(ctx context.Context, host string) (netip.Addr, *fault, error) {
	if host == chain.host {
		return chain.route.first, nil, nil
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr, nil, nil
	}
	if chain.prober.opts.Resolve == nil {
		return netip.Addr{}, nil, fmt.Errorf("following a redirect to %s: %w", checks.Clean(host, checks.WordLength), errNoResolver)
	}
	v4, v6, err := chain.prober.opts.Resolve(ctx, host)
	if err != nil {
		return netip.Addr{}, nil, fmt.Errorf("following a redirect to %s: %w", checks.Clean(host, checks.WordLength), err)
	}
	if addr := chain.pick(v4, v6); addr.IsValid() {
		return addr, nil, nil
	}
	return netip.Addr{}, &fault{code: checks.WebRedirect, rule: "noaddress",
		says: "No valid IP addresses found for " + checks.Clean(host, checks.WordLength)}, nil
}

var errNoResolver = errors.New("no resolver is configured")

// pick returns the first address that the CA would use, or the first of the
// family that the attempt is restricted to.
func (chain *redirectChain) pick(v4, v6 []netip.Addr) netip.Addr {
	var best netip.Addr
	for _, a := range append(v6[:len(v6):len(v6)], v4...) {
		a = a.Unmap()
		if !chain.prober.may(a) {
			continue
		}
		if !best.IsValid() || chain.route.family == onlyV4 && !best.Is4() && a.Is4() {
			best = a
		}
	}
	return best
}

// maxRedirects is how many redirects the CA's code follows; its documents say
// 10.
const maxRedirects = 11

// maxPath is the longest path of a redirect, in bytes.
const maxPath = 2000

// followed are the redirects that the CA follows; turnedAway is one that Go's
// client would follow and the CA refuses. Any other status is a final response.
var (
	followed   = [...]int{301, 302, 307, 308}
	turnedAway = 303
)

// redirects reports whether a response is a redirect. Without a Location it is
// a final response.
func redirects(a answer) bool {
	return a.location != "" && (a.status == turnedAway || slices.Contains(followed[:], a.status))
}

// refusal is the fault for a redirect that the CA does not follow.
func refusal(rule, says string) *fault {
	return &fault{code: checks.WebRedirect, rule: rule, says: says}
}

// next returns the target of a redirect. It applies those of the CA's rules
// that need no DNS lookup.
func (chain *redirectChain) next(from *url.URL, a answer) (*url.URL, *fault) {
	if chain.redirects >= maxRedirects {
		return nil, refusal("count", "Too many redirects")
	}
	chain.redirects++
	if a.status == turnedAway {
		return nil, refusal("code", "received disallowed redirect status code")
	}
	to, err := from.Parse(a.location)
	if err != nil {
		return nil, refusal("location", "Error getting validation data")
	}
	to.Host, to.User, to.Fragment = strings.ToLower(to.Host), nil, ""
	if f := chain.target(to); f != nil {
		return nil, f
	}
	if len(to.Path) > maxPath {
		return nil, refusal("path", "Redirect target too long")
	}
	if slices.Contains(chain.seen, to.String()) {
		return nil, loop(from, to, a)
	}
	chain.seen = append(chain.seen, to.String())
	return to, nil
}

// loop is the fault for a redirect back. A redirect to the page itself that
// sets a cookie requires the cookie, which the CA never sends.
func loop(from, to *url.URL, a answer) *fault {
	f := &fault{code: checks.WebLoop, says: "Redirect loop detected"}
	if a.cookie && from.Host == to.Host && from.Path == to.Path && from.Scheme == to.Scheme {
		f.code, f.rule = checks.WebForbidden, ruleCookie
	}
	return f
}

// target checks the scheme, port and host of a redirect.
func (chain *redirectChain) target(to *url.URL) *fault {
	if to.Scheme != "http" && to.Scheme != "https" {
		return refusal("scheme", "Invalid protocol scheme in redirect target")
	}
	if _, ok := chain.port(to); !ok {
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
		if !chain.prober.may(addr) {
			return refusal("reserved", "Invalid host in redirect target")
		}
		return nil
	}
	if !underTLD(host) {
		return refusal("tld", "Invalid host in redirect target, must end in IANA registered TLD")
	}
	return nil
}

// outsideASCII reports whether a host in a request must not contain r.
func outsideASCII(r rune) bool { return r <= ' ' || r > '~' }

// port returns the port to connect to for a URL. The ports 80 and 443 are
// replaced by the configured ones; a URL may contain either number.
func (chain *redirectChain) port(u *url.URL) (uint16, bool) {
	ports := chain.prober.opts.Ports
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
