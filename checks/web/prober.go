// Package web follows the path to an http-01 challenge as the CA's validators
// do (RFC 8555 section 8.3).
//
// The rules are those of Boulder, Let's Encrypt's CA: the first AAAA record,
// else the first A; IPv4 after IPv6 only when a dial fails, and then from the
// first URL again; up to eleven redirects of four kinds; 128 bytes of body.
// What the CA would see decides the severity; other faults are added as
// findings of severity Info.
//
// One response proves little behind a load balancer, so a request that failed
// is repeated over new connections, and the pattern of failures is reported. If
// a name has several addresses of a family, the CA takes the first of the
// answer, which is a random one: if some fail and others do not, that is
// web.flapping with the pattern "address".
package web

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"domovoy/checks"
	"domovoy/checks/pace"
)

// Ports are the ports of HTTP and HTTPS.
type Ports struct {
	HTTP, HTTPS uint16 // zero: 80 and 443
}

// Lookup resolves the host of a redirect. A host without addresses returns
// none; an error means that it could not be resolved.
type Lookup func(ctx context.Context, host string) (v4, v6 []netip.Addr, err error)

// Options configures a Prober. The zero value of each field is a good default.
type Options struct {
	Ports      Ports
	Timeout    time.Duration           // of one dial, 10 s by default; a whole attempt may take twice as long
	Attempts   int                     // new connections after a failure, 6 by default
	Pace       *pace.Keyed[netip.Addr] // of the connections to each address; nil: no limit
	Resolve    Lookup                  // nil: a redirect to another host cannot be followed
	Challenges Challenges              // where files are placed; nil: none is
	Own        []netip.Addr            // our addresses; probed even when private or loopback
	UserAgent  string                  // names the program, with a contact; most requests add that they look as the CA's
}

// Ask says how thorough one probe is.
type Ask struct {
	Attempts int  // without waiting for a failure: 1 by default
	Deep     bool // as many for every address of the name, not only for the first of each family
}

// Prober checks the way to the challenge file of names. It is safe for
// concurrent use.
type Prober struct {
	opts   Options
	asCA   string        // User-Agent of requests that look as the CA's
	spread time.Duration // between the attempts of a series
}

// defaultAgent is the User-Agent if the configuration has no contact.
const defaultAgent = "Mozilla/5.0 (compatible; Domovoy certificate check)"

// likeCA makes a User-Agent one that contains the name of the CA's: rules of
// sites and firewalls allow or refuse requests by it. It stays honest about
// whose request it is.
func likeCA(agent string) string {
	const looks = "; looks as " + caAgent
	if inside, ok := strings.CutSuffix(agent, ")"); ok {
		return inside + looks + ")"
	}
	return agent + " (compatible" + looks + ")"
}

// agent returns the User-Agent of a request.
func (p *Prober) agent(stranger bool) string {
	if stranger {
		return p.opts.UserAgent
	}
	return p.asCA
}

// Defaults of Boulder and of its number of validators today.
const (
	defaultTimeout  = 10 * time.Second
	defaultAttempts = 6
)

// New returns a Prober.
func New(opts Options) *Prober {
	if opts.Ports.HTTP == 0 {
		opts.Ports.HTTP = 80
	}
	if opts.Ports.HTTPS == 0 {
		opts.Ports.HTTPS = 443
	}
	if opts.Timeout <= 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.Attempts <= 0 {
		opts.Attempts = defaultAttempts
	}
	if opts.UserAgent = checks.Clean(opts.UserAgent, 2*checks.WordLength); opts.UserAgent == "" {
		opts.UserAgent = defaultAgent
	}
	return &Prober{opts: opts, asCA: likeCA(opts.UserAgent), spread: opts.Timeout / 100}
}

// Check finds what stands in the way to the challenge file of a name. p may be
// nil: nothing is requested. If the name's orders fail or a person waits for
// the answer, as many requests are made as the CA has validators; else one, and
// more only if that fails.
func (p *Prober) Check() checks.Check {
	c := checks.Check{
		Name:  checks.WayCheck,
		Scope: checks.ScopeName,
		Live:  true,
		Codes: []checks.Code{checks.WebRefused, checks.WebTimeout, checks.WebReset, checks.WebForbidden, checks.WebError, checks.WebNotFound,
			checks.WebRedirect, checks.WebLoop, checks.WebBody, checks.WebFlapping, checks.WebIPv6},
		Needs: checks.Needs{Address: true},
	}
	if p == nil {
		return c
	}
	c.Run = func(ctx context.Context, t *checks.Target) ([]checks.Finding, error) {
		ask := Ask{Deep: t.Asked}
		if t.Asked || t.History != nil && t.History.Failures > 0 {
			ask.Attempts = p.opts.Attempts
		}
		return p.Follow(ctx, t.DNS, ask)
	}
	return c
}

// may reports whether an address may be connected to: the CA skips reserved
// ones, and a hostile redirect must not reach into our own network.
func (p *Prober) may(a netip.Addr) bool {
	return p.owns(a) || !checks.Reserved(a)
}

func (p *Prober) owns(a netip.Addr) bool { return slices.Contains(p.opts.Own, a) }

// Maximum numbers of addresses of one family that are tried.
const (
	fewAddresses  = 4
	manyAddresses = 16
)

// usable selects the addresses of a name that a probe connects to.
func (p *Prober) usable(s checks.NameInfo, all []netip.Addr, deep bool) []netip.Addr {
	most := fewAddresses
	if deep {
		most = manyAddresses
	}
	var picked []netip.Addr
	for _, a := range all {
		ours := s.Points != checks.PointsPartly || p.owns(a)
		if ours && p.may(a) && len(picked) < most {
			picked = append(picked, a)
		}
	}
	return picked
}

// underTLD reports whether a host's last label is a top-level domain of IANA.
// It is checked with another label before it, because the list has some TLDs
// only by the names below them ("*.ck").
func underTLD(host string) bool {
	label := host[strings.LastIndexByte(host, '.')+1:]
	_, icann := checks.PublicSuffix("any." + label)
	return icann && label != ""
}
