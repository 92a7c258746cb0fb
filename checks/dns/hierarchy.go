package dns

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// hierarchy asks the servers of a domain and of the zones above it directly,
// which alone shows whether a resolver says what they say.
type hierarchy struct {
	*conversation
	registered string // the domain below the public suffix
}

// hierarchy is that of the looked-up name itself.
func (l *nameLookup) hierarchy() hierarchy { return hierarchy{l.conversation, l.name.registered} }

// delegation is where descend ends, if that is the domain itself or below it. It
// is empty if the registry's servers could not be asked from here.
func (h hierarchy) delegation(ctx context.Context, host string, kind uint16) delegation {
	d := h.descend(ctx, host, kind)
	if !within(d.zone, h.registered) {
		return delegation{}
	}
	return d
}

// descend asks authoritative servers for a name, from the registry's down one
// zone cut after another, until one answers with authority or none can be used.
// It returns the last zone with what its servers said; it is empty if the
// registry has no servers that are known.
func (h hierarchy) descend(ctx context.Context, host string, kind uint16) delegation {
	d := h.registry(ctx)
	for range maxCuts {
		q := Query{Name: host, Type: kind}
		if !within(d.zone, h.registered) {
			q.Type = mdns.TypeNS // the registry refers to other servers whatever the type
		}
		h.askServers(ctx, d.servers, q)
		below := d.below(host)
		if below.zone == "" {
			break
		}
		d = below
		h.resolveServers(ctx, &d)
	}
	return d
}

// registry returns the closest zone above the registered domain that has name
// servers: not every public suffix is a zone.
func (h hierarchy) registry(ctx context.Context) delegation {
	for zone := parent(h.registered); ; zone = parent(zone) {
		r := h.ask(ctx, Query{Name: zone, Type: mdns.TypeNS})[0]
		if names := r.Answer.NameServers(); len(names) > 0 {
			d := delegation{zone: zone}
			for _, n := range names[:min(len(names), maxParents)] {
				d.servers = append(d.servers, delegate{name: n})
			}
			h.resolveServers(ctx, &d)
			return d
		}
		if zone == "" || r.Err != nil {
			return delegation{}
		}
	}
}

// resolveServers looks up addresses of the servers that came without glue. IPv6 is used
// only if there is no IPv4 address: not every host has IPv6.
func (h hierarchy) resolveServers(ctx context.Context, d *delegation) {
	for _, kind := range []uint16{mdns.TypeA, mdns.TypeAAAA} {
		var queries []Query
		var open []*delegate
		for i := range d.servers {
			if s := &d.servers[i]; !s.addr.IsValid() {
				open = append(open, s)
				queries = append(queries, Query{Name: s.name, Type: kind})
			}
		}
		if len(open) == 0 {
			return
		}
		for i, r := range h.ask(ctx, queries...) {
			if r.looked() != nil || r.says(mdns.RcodeServerFailure) {
				open[i].hidden = true // a server without an address would be the zone's fault, a failed question is not
			} else if len(r.Answer.Addrs) > 0 {
				open[i].addr = r.Answer.Addrs[0]
			}
		}
	}
}

// askServers asks all servers concurrently.
func (h hierarchy) askServers(ctx context.Context, servers []delegate, q Query) {
	var all sync.WaitGroup
	for i := range servers {
		s := &servers[i]
		if !s.addr.IsValid() && s.hidden {
			continue // its addresses could not be looked up
		}
		if !s.addr.IsValid() || !h.options.Reserved && reserved(s.addr) {
			s.state = serverAddressless
			continue
		}
		all.Go(func() {
			var err error
			s.said, err = h.resolver.AskAt(ctx, netip.AddrPortFrom(s.addr, h.options.Port), q)
			s.state = judge(s.said, err)
		})
	}
	all.Wait()
}

// confirmed returns the delegation of a host if the servers themselves fail for
// a question for which the resolver fails: with none of them does the question
// have an answer. If they could not be asked, another resolver that fails, too,
// confirms it as well, and the delegation is empty. Otherwise the error says
// why it is not known.
func (h hierarchy) confirmed(ctx context.Context, host string, kind uint16, a Answer) (delegation, error) {
	d := h.delegation(ctx, host, kind)
	asked := len(d.servers) > 0
	for _, s := range d.servers {
		if s.state == serverGood || s.state == serverReferral {
			return d, fmt.Errorf("the resolver %s fails for %s, but its servers answer: %s", a.Server, host, d)
		}
		asked = asked && s.state != serverUnasked
	}
	if asked {
		return d, nil
	}
	q := Query{Name: host, Type: kind}
	if r := h.askOther(ctx, []Query{q}, a.Server)[0]; r.says(mdns.RcodeServerFailure) && r.Answer.Server != a.Server {
		return delegation{}, nil
	}
	return d, fmt.Errorf("the resolver %s fails for %s, and its servers could not be asked from here", a.Server, host)
}

// registryAnswers returns an error if the servers of the name's own top-level
// domain cannot be reached by the resolver: then a failure below it says nothing
// about the name. Some registries answer for names that do not exist, so any
// answer will do.
func (h hierarchy) registryAnswers(ctx context.Context) error {
	tld := h.registered[strings.LastIndexByte(h.registered, '.')+1:]
	if h.options.Controls != nil && len(h.options.Controls) == 0 {
		return nil
	}
	q := Query{Name: random(tld), Type: mdns.TypeA}
	if err := h.again(ctx, q, h.ask(ctx, q)[0]).failure(); err != nil {
		return &checks.Blindness{Cause: checks.BlindRegistry, TLD: tld, Err: err}
	}
	return nil
}
