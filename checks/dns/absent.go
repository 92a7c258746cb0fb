package dns

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	mdns "github.com/miekg/dns"
)

// absent asks the servers themselves about a host of which the resolver says
// that it does not exist: a provider's resolver says so of all names when a bill
// is not paid, a filter of some, and a cache of what was registered a minute ago.
// It returns the zone without that name, which is the registry's or the domain's
// own; it is empty if its servers cannot be asked from here, but the resolver can
// ask them. Otherwise the error says why it is not known.
func (h hierarchy) absent(ctx context.Context, host string, kind uint16, a Answer) (delegation, error) {
	if len(h.options.Controls) == 0 {
		return delegation{}, nil
	}
	d, denied := h.descend(ctx, host, kind), false
	for _, s := range d.servers {
		switch {
		case s.state != serverGood:
		case s.said.Rcode != mdns.RcodeNameError:
			return delegation{}, fmt.Errorf("the resolver %s says that %s does not exist, but its servers know it: %s", a.Server, host, d)
		default:
			denied = true
		}
	}
	if denied {
		return d, nil
	}
	if err := h.reaches(ctx, d.zone); err != nil {
		return delegation{}, fmt.Errorf("the resolver %s says that %s does not exist, and its servers could not be asked from here: %w", a.Server, host, err)
	}
	return delegation{}, nil
}

// reaches returns an error unless the resolver shows that it can ask the servers
// of a zone: for a type that nobody uses, which is in no cache.
func (h hierarchy) reaches(ctx context.Context, zone string) error {
	q := Query{Name: zone, Type: unusedType()}
	r := h.again(ctx, q, h.ask(ctx, q)[0])
	if err := r.failure(); err != nil {
		return err
	}
	return denies(r, zone)
}

// denies returns an error if the resolver says that a zone does not exist that
// does.
func denies(r Result, zone string) error {
	if r.says(mdns.RcodeNameError) {
		return fmt.Errorf("the resolver %s does not know the zone %q: %s", r.Answer.Server, zone, r.Answer.line())
	}
	return nil
}

// unusedType returns a random type of those that are not assigned (RFC 6895
// section 3.1). Servers answer that there are no such records (RFC 3597), and no
// cache knows that beforehand.
func unusedType() uint16 { return uint16(0x8100 + rand.IntN(0x6f00)) } //nolint:gosec // it fits; nobody guesses it

// empty returns the servers of a host for which the resolver has no addresses,
// but those that the CA drops, and an error if the servers themselves have others.
func (h hierarchy) empty(ctx context.Context, host string, dropped []netip.Addr, a Answer) (delegation, error) {
	if len(h.options.Controls) == 0 {
		return delegation{}, nil
	}
	d := h.descend(ctx, host, mdns.TypeA)
	for _, kind := range []uint16{mdns.TypeA, mdns.TypeAAAA} {
		if kind != mdns.TypeA {
			h.askServers(ctx, d.servers, Query{Name: host, Type: kind})
		}
		for _, s := range d.servers {
			other := func(x netip.Addr) bool { return !slices.Contains(dropped, x) }
			if s.state == serverGood && (len(s.said.targets()) > 0 || slices.ContainsFunc(s.said.Addrs, other)) {
				return d, fmt.Errorf("the resolver %s has no address of %s, but its servers say: %s", a.Server, host, s.said.line())
			}
		}
	}
	return d, nil
}
