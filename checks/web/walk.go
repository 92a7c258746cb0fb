package web

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"domovoy/checks"
)

// family restricts which addresses a walk may use.
type family int8

const (
	anyFamily family = iota // as the CA: IPv6 first
	onlyV4
)

// route is how a walk begins: at first, then, should a dial fail, once more
// at fallback.
type route struct {
	first    netip.Addr
	fallback netip.Addr // invalid: none
	family   family
}

// Hop is one request of a walk.
type Hop struct {
	URL      string
	Address  netip.AddrPort
	Status   int    // zero: no answer came
	Server   string // the header; may be empty
	Location string // where it redirects to; may be empty
	Trouble  string // the CA's words, when the walk could not go on from here
}

// attempt is one walk from the first URL to its end.
type attempt struct {
	hops     []Hop
	fault    *fault // nil: the CA would be content
	fellBack *Hop   // the dial that made it turn to IPv4; nil: none
	took     time.Duration
	body     []byte // the beginning of the last answer
	err      error  // could not look
}

// passed reports whether the CA would have been content.
func (a attempt) passed() bool { return a.err == nil && a.fault == nil }

// last is where the walk ended. It exists unless nothing could be looked at.
func (a attempt) last() Hop {
	if len(a.hops) == 0 {
		return Hop{}
	}
	return a.hops[len(a.hops)-1]
}

// walk is the state of one attempt.
type walk struct {
	prober    *Prober
	host      string
	challenge challenge
	route     route
	left      time.Duration // of the time that the CA would take
	hops      []Hop
	fellBack  *Hop
	seen      []string // URLs, over a fallback too, as the CA remembers them
	redirects int
	signs     signs
}

// walk makes one attempt along a route.
func (p *Prober) walk(ctx context.Context, host string, c challenge, r route, s signs) attempt {
	w := &walk{prober: p, host: host, challenge: c, route: r, left: 2 * p.opts.Timeout, signs: s}
	start := &url.URL{Scheme: "http", Host: host, Path: c.path()}
	w.seen = []string{start.String()}
	a, f, err := w.follow(ctx, start, r.first)
	if err == nil && f != nil && f.dial && r.fallback.IsValid() {
		hop := w.hops[len(w.hops)-1]
		w.fellBack = &hop
		a, f, err = w.follow(ctx, start, r.fallback)
	}
	return attempt{hops: w.hops, fault: f, fellBack: w.fellBack, took: 2*p.opts.Timeout - w.left, body: a.body, err: err}
}

// follow asks at one address and goes on wherever the CA would.
func (w *walk) follow(ctx context.Context, at *url.URL, addr netip.Addr) (answer, *fault, error) {
	for {
		a, f, err := w.visit(ctx, at, addr)
		if err != nil || f != nil {
			return a, w.trouble(f), err
		}
		if !redirects(a) {
			return a, w.trouble(judge(at, a, w.challenge)), nil
		}
		to, f := w.next(at, a)
		if f != nil {
			return a, w.trouble(f), nil
		}
		addr, f, err = w.resolve(ctx, to.Hostname())
		if f != nil || err != nil {
			return a, w.trouble(f), err
		}
		at = to
	}
}

// trouble notes a fault with the hop that it ended.
func (w *walk) trouble(f *fault) *fault {
	if f != nil && len(w.hops) > 0 {
		w.hops[len(w.hops)-1].Trouble = f.says
	}
	return f
}

// resolve picks the address for a redirect's host. The name itself stays
// where the look is pointed at; the CA asks again and gets the same.
func (w *walk) resolve(ctx context.Context, host string) (netip.Addr, *fault, error) {
	if host == w.host {
		return w.route.first, nil, nil
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr, nil, nil
	}
	if w.prober.opts.Resolve == nil {
		return netip.Addr{}, nil, fmt.Errorf("following a redirect to %s: %w", checks.Clean(host, checks.WordLength), errNoResolver)
	}
	v4, v6, err := w.prober.opts.Resolve(ctx, host)
	if err != nil {
		return netip.Addr{}, nil, fmt.Errorf("following a redirect to %s: %w", checks.Clean(host, checks.WordLength), err)
	}
	if addr := w.pick(v4, v6); addr.IsValid() {
		return addr, nil, nil
	}
	return netip.Addr{}, &fault{code: checks.WebRedirect, rule: "noaddress",
		says: "No valid IP addresses found for " + checks.Clean(host, checks.WordLength)}, nil
}

var errNoResolver = errors.New("no resolver is configured")

// pick takes the first address that the CA would use, or the first of the
// family that the walk is bound to.
func (w *walk) pick(v4, v6 []netip.Addr) netip.Addr {
	var best netip.Addr
	for _, a := range append(v6[:len(v6):len(v6)], v4...) {
		a = a.Unmap()
		if !w.prober.may(a) {
			continue
		}
		if !best.IsValid() || w.route.family == onlyV4 && !best.Is4() && a.Is4() {
			best = a
		}
	}
	return best
}
