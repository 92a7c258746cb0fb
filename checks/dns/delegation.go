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

// broken finds out why a resolver fails for a name: it fails for all names; the
// signatures are invalid (the same question without validation is answered);
// the servers that the zone is delegated to do not serve it; or another reason.
func (l *nameLookup) broken(ctx context.Context, kind uint16, a Answer) {
	said := l.ask(ctx, Query{Name: l.name.host, Type: kind, CD: true}, Query{Type: mdns.TypeNS})
	unchecked, root := said[0], said[1]
	if err := root.looked(); err != nil || root.Answer.Rcode != mdns.RcodeSuccess {
		l.fail(err)
		l.fail(fmt.Errorf("the resolver %s fails for the root, too: it says nothing of %s", root.Answer.Server, l.name.host))
		return
	}
	args := checks.Args{"reason": a.reason(), "type": mdns.TypeToString[kind], "domain": l.name.registered}
	if len(a.Errors) > 0 {
		args["ede"] = int(a.Errors[0].Code)
	}
	if err := unchecked.looked(); err != nil {
		l.fail(err) // signatures or servers: not known
		return
	}
	if answered := unchecked.Answer.Rcode != mdns.RcodeServerFailure; answered && a.unreached() {
		l.fail(fmt.Errorf("the servers of %s answered only when asked again", l.name.host))
		return
	} else if answered {
		l.bogus(ctx, kind, a, args)
		return
	}
	d := l.delegation(ctx, kind)
	if len(d.servers) > 0 {
		args["zone"], args["servers"] = d.zone, d.String()
	}
	if d.lame() {
		l.info.Register = true // a domain that was left looks the same
		l.find(checks.DNSLame, args)
		return
	}
	l.find(checks.DNSServFail, args)
}

// bogus reports a name that resolves without validation only. Where the
// resolver did not give the signatures as the reason, the question is asked
// once more, because servers that failed for a moment look the same.
func (l *nameLookup) bogus(ctx context.Context, kind uint16, a Answer, args checks.Args) {
	if len(a.Errors) == 0 {
		again := l.ask(ctx, Query{Name: l.name.host, Type: kind})[0]
		if err := again.looked(); err != nil {
			l.fail(err)
			return
		}
		if !again.says(mdns.RcodeServerFailure) {
			l.fail(fmt.Errorf("the servers of %s answered only when asked again", l.name.host))
			return
		}
	}
	l.find(checks.DNSDNSSEC, args)
}

// unreached reports that the resolver names the network, and no signature, as
// why it failed (RFC 8914 sections 4.23 and 4.24).
func (a Answer) unreached() bool {
	network := false
	for _, e := range a.Errors {
		switch e.Code {
		case mdns.ExtendedErrorCodeNoReachableAuthority, mdns.ExtendedErrorCodeNetworkError:
			network = true
		default:
			return false
		}
	}
	return network
}

// Bounds of a walk from the registry down to the servers of a name.
const (
	maxCuts    = 4
	maxServers = 8 // asked of one zone
	maxParents = 2 // asked of the registry's zone
)

// delegate is a server of a delegation, with what came of asking it.
type delegate struct {
	name   string
	addr   netip.Addr // may be invalid: the name has none
	hidden bool       // its addresses could not be looked up
	state  serverAnswer
	said   Answer
}

// delegation is a zone with the servers it is delegated to.
type delegation struct {
	zone    string
	servers []delegate
}

// lame reports that every server was asked and not one serves the zone
// (RFC 9499 section 7). One that could not be asked may be the one that does.
func (d delegation) lame() bool {
	for _, s := range d.servers {
		switch s.state {
		case serverGood, serverReferral, serverFailing, serverUnasked:
			return false
		}
	}
	return len(d.servers) > 0
}

// delegation asks the servers themselves for the name, from the registry's
// servers down one zone cut after the other, until some answer with authority
// or none can be used. It is empty if the registry's own servers could not be
// asked from here.
func (l *nameLookup) delegation(ctx context.Context, kind uint16) delegation {
	d := l.registry(ctx)
	for range maxCuts {
		l.interview(ctx, d.servers, kind)
		below := d.below(l.name.host)
		if below.zone == "" {
			break
		}
		d = below
		l.settle(ctx, &d)
	}
	if !within(d.zone, l.name.registered) {
		return delegation{}
	}
	return d
}

// registry is the closest zone above the registered domain that has servers:
// not every public suffix is a zone.
func (l *nameLookup) registry(ctx context.Context) delegation {
	for zone := parent(l.name.registered); ; zone = parent(zone) {
		r := l.ask(ctx, Query{Name: zone, Type: mdns.TypeNS})[0]
		if names := r.Answer.NameServers(); len(names) > 0 {
			d := delegation{zone: zone}
			for _, n := range names[:min(len(names), maxParents)] {
				d.servers = append(d.servers, delegate{name: n})
			}
			l.settle(ctx, &d)
			return d
		}
		if zone == "" || r.Err != nil {
			return delegation{}
		}
	}
}

// settle finds addresses for the servers that came without. IPv6 is taken
// only where there is nothing else: not every host has it.
func (l *nameLookup) settle(ctx context.Context, d *delegation) {
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
		for i, r := range l.ask(ctx, queries...) {
			if err := r.looked(); err != nil {
				open[i].hidden = true
			} else if len(r.Answer.Addrs) > 0 {
				open[i].addr = r.Answer.Addrs[0]
			}
		}
	}
}

// interview asks all servers at once for the name.
func (l *nameLookup) interview(ctx context.Context, servers []delegate, kind uint16) {
	var all sync.WaitGroup
	for i := range servers {
		s := &servers[i]
		if !s.addr.IsValid() && s.hidden {
			continue // unlooked
		}
		if !s.addr.IsValid() || !l.options.Reserved && reserved(s.addr) {
			s.state = serverAddressless
			continue
		}
		all.Go(func() {
			var err error
			s.said, err = l.resolver.AskAt(ctx, netip.AddrPortFrom(s.addr, l.options.Port), Query{Name: l.name.host, Type: kind})
			s.state = judge(s.said, err)
		})
	}
	all.Wait()
}

// below is the zone further down that the first referral leads to. Servers
// that refer somewhere else, as to the root, are not aware of the zone.
func (d delegation) below(host string) delegation {
	for i := range d.servers {
		s := &d.servers[i]
		if s.state != serverUnaware {
			continue
		}
		if next := s.said.referral(d.zone, host); next.zone != "" {
			s.state = serverReferral
			return next
		}
	}
	return delegation{}
}

// referral reads a delegation towards host from below a zone, with the
// addresses that came along.
func (a Answer) referral(zone, host string) delegation {
	var d delegation
	for _, rr := range a.Authority {
		ns, ok := rr.(*mdns.NS)
		if !ok {
			continue
		}
		owner := undot(ns.Hdr.Name)
		if owner == zone || !within(owner, zone) || !within(host, owner) || len(d.servers) == maxServers {
			continue
		}
		d.zone = owner
		d.servers = append(d.servers, delegate{name: undot(ns.Ns), addr: a.glue(ns.Ns)})
	}
	return d
}

// glue is the address of a server, IPv4 first; invalid if none came along.
func (a Answer) glue(name string) (found netip.Addr) {
	for _, rr := range a.Extra {
		if !strings.EqualFold(rr.Header().Name, name) {
			continue
		}
		switch rr := rr.(type) {
		case *mdns.A:
			found, _ = netip.AddrFromSlice(rr.A.To4())
			return found
		case *mdns.AAAA:
			found, _ = netip.AddrFromSlice(rr.AAAA)
		}
	}
	return found
}
