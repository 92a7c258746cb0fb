package web

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"domovoy/checks"
	"domovoy/checks/pace"
)

// Ports are where HTTP and HTTPS are looked for.
type Ports struct {
	HTTP, HTTPS uint16 // zero: 80 and 443
}

// Lookup resolves the host of a redirect. A host without addresses gives
// none; an error means that nobody could tell.
type Lookup func(ctx context.Context, host string) (v4, v6 []netip.Addr, err error)

// Options say how to probe. The zero value of each field is a good default.
type Options struct {
	Ports     Ports
	Timeout   time.Duration           // of one dial, 10 s by default; a whole attempt may take twice as long
	Attempts  int                     // fresh connections to what failed once, 6 by default
	Pace      *pace.Keyed[netip.Addr] // of the connections to each address; nil: no limit
	Resolve   Lookup                  // nil: a redirect to another host could not be looked at
	Folder    string                  // the panel's challenge folder; empty: no file is placed
	Own       []netip.Addr            // our addresses; probed even when private or loopback
	UserAgent string                  // says who asks, with a contact
}

// Ask is what one look wants.
type Ask struct {
	Attempts int  // at once, without waiting for a failure: 1 by default
	Deep     bool // as many for every address of the name, not only for the first of each family
}

// Prober looks at the way to the challenge of names. It is safe for
// concurrent use.
type Prober struct {
	opts Options
}

// agent is sent where the configuration names no contact.
const agent = "Mozilla/5.0 (compatible; Domovoy certificate check)"

// Defaults of Boulder and of its number of validators today.
const (
	defaultTimeout  = 10 * time.Second
	defaultAttempts = 6
)

// New makes a Prober.
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
		opts.UserAgent = agent
	}
	return &Prober{opts: opts}
}

// Check finds what stands in the way to the challenge file of a name. p may be
// nil: nobody is asked. A name is asked at once as often as the CA would, where
// its orders fail or a person waits for the answer; else once, and again only
// if that fails.
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
		return p.Look(ctx, t.DNS, ask)
	}
	return c
}

// may reports whether an address may be connected to: the CA leaves reserved
// ones out, and a hostile redirect must not lead into our own network.
func (p *Prober) may(a netip.Addr) bool {
	return p.owns(a) || !reserved(a)
}

func (p *Prober) owns(a netip.Addr) bool { return slices.Contains(p.opts.Own, a) }

// Addresses of one family that are tried at most.
const (
	fewAddresses  = 4
	manyAddresses = 16
)

// usable picks the addresses of a name that a look goes to.
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
