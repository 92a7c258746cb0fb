package dns

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// broken finds out why a resolver fails for a name, whatever it is asked again:
// it fails for all names of the registry; or the signatures are invalid (the
// same question without validation is answered); or the servers that the zone
// is delegated to do not serve it; or they fail. What the servers themselves do
// not confirm is not known.
func (l *nameLookup) broken(ctx context.Context, kind uint16, a Answer) {
	if err := l.registryAnswers(ctx); err != nil {
		l.fail(err)
		return
	}
	unchecked := l.ask(ctx, Query{Name: l.name.host, Type: kind, CD: true})[0]
	args := checks.Args{"reason": a.reason(), "type": mdns.TypeToString[kind], "domain": l.name.registered}
	if len(a.Errors) > 0 {
		args["ede"] = int(a.Errors[0].Code)
	}
	if err := unchecked.looked(); err != nil {
		l.fail(err) // signatures or servers: not known which
		return
	}
	if unchecked.Answer.Rcode == mdns.RcodeServerFailure {
		l.unserved(ctx, kind, a, args)
		return
	}
	if err := l.signed(ctx, a); err != nil {
		l.fail(err)
		return
	}
	l.find(checks.DNSDNSSEC, args)
}

// unserved judges a name for which the resolver fails even without validation:
// by its servers, asked directly.
func (l *nameLookup) unserved(ctx context.Context, kind uint16, a Answer, args checks.Args) {
	d, err := l.confirmed(ctx, l.name.host, kind, a)
	if err != nil {
		l.fail(err)
		return
	}
	if len(d.servers) > 0 {
		args["zone"], args["servers"] = d.zone, d.String()
		for _, s := range d.servers {
			l.park([]string{s.name})
		}
	}
	if d.lame() {
		l.info.Register, l.info.Delegated = true, true // an expired domain looks the same
		l.find(checks.DNSLame, args)
		return
	}
	l.find(checks.DNSServFail, args)
}

// confirmed returns the delegation of a host if the servers themselves fail for
// a question for which the resolver fails: with none of them does the question
// have an answer. If they could not be asked, another resolver that fails, too,
// confirms it as well, and the delegation is empty. Otherwise the error says
// why it is not known.
func (l *nameLookup) confirmed(ctx context.Context, host string, kind uint16, a Answer) (delegation, error) {
	d := l.delegation(ctx, host, kind)
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
	if r := l.askOther(ctx, []Query{q}, a.Server)[0]; r.says(mdns.RcodeServerFailure) && r.Answer.Server != a.Server {
		return delegation{}, nil
	}
	return d, fmt.Errorf("the resolver %s fails for %s, and its servers could not be asked from here", a.Server, host)
}

// signed returns an error unless the resolver can have failed because of
// signatures: it says so itself (RFC 8914 section 4), or the zone is signed. A
// temporary failure of the servers or of the resolver looks the same.
func (l *nameLookup) signed(ctx context.Context, a Answer) error {
	if slices.ContainsFunc(a.Errors, signature) {
		return nil
	}
	if a.unreached() {
		return fmt.Errorf("the servers of %s answered only when asked again", l.name.host)
	}
	ds := l.ask(ctx, Query{Name: l.name.registered, Type: mdns.TypeDS, CD: true})[0]
	if err := ds.looked(); err != nil {
		return err
	}
	if !slices.ContainsFunc(ds.Answer.Records, func(rr mdns.RR) bool { return rr.Header().Rrtype == mdns.TypeDS }) {
		return fmt.Errorf("the resolver %s fails for %s, which is not signed, and answers when it does not validate", a.Server, l.name.host)
	}
	return nil
}

// signature reports whether an extended error is about DNSSEC.
func signature(e ExtendedError) bool {
	return e.Code >= mdns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm && e.Code <= mdns.ExtendedErrorCodeUnsupportedDSDigestType ||
		e.Code >= mdns.ExtendedErrorCodeDNSSECIndeterminate && e.Code <= mdns.ExtendedErrorCodeNSECMissing
}

// unreached reports whether the resolver says that it failed because of the
// network, not because of a signature (RFC 8914 sections 4.23 and 4.24).
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

// Limits for following delegations from the registry to the servers of a name.
const (
	maxCuts    = 4
	maxServers = 8 // of one zone that are asked
	maxParents = 2 // of the registry's zone that are asked
)

// delegate is a server of a delegation and the result of asking it.
type delegate struct {
	name   string
	addr   netip.Addr // invalid: the name has no address
	hidden bool       // its addresses could not be looked up
	state  serverAnswer
	said   Answer
}

// delegation is a zone and the servers to which it is delegated.
type delegation struct {
	zone    string
	servers []delegate
}

// lame reports whether every server was asked and none serves the zone (RFC
// 9499 section 7). A server that could not be asked might serve it.
func (d delegation) lame() bool {
	for _, s := range d.servers {
		switch s.state {
		case serverGood, serverReferral, serverFailing, serverUnasked:
			return false
		}
	}
	return len(d.servers) > 0
}

// delegation asks authoritative servers for a name, from the registry's down
// one zone cut after another, until one answers with authority or none can be
// used. It is empty if the registry's servers could not be asked from here.
func (l *nameLookup) delegation(ctx context.Context, host string, kind uint16) delegation {
	d := l.registry(ctx)
	for range maxCuts {
		q := Query{Name: host, Type: kind}
		if !within(d.zone, l.name.registered) {
			q.Type = mdns.TypeNS // the registry refers to other servers whatever the type
		}
		l.askServers(ctx, d.servers, q)
		below := d.below(host)
		if below.zone == "" {
			break
		}
		d = below
		l.resolveServers(ctx, &d)
	}
	if !within(d.zone, l.name.registered) {
		return delegation{}
	}
	return d
}

// registry returns the closest zone above the registered domain that has name
// servers: not every public suffix is a zone.
func (l *nameLookup) registry(ctx context.Context) delegation {
	for zone := parent(l.name.registered); ; zone = parent(zone) {
		r := l.ask(ctx, Query{Name: zone, Type: mdns.TypeNS})[0]
		if names := r.Answer.NameServers(); len(names) > 0 {
			d := delegation{zone: zone}
			for _, n := range names[:min(len(names), maxParents)] {
				d.servers = append(d.servers, delegate{name: n})
			}
			l.resolveServers(ctx, &d)
			return d
		}
		if zone == "" || r.Err != nil {
			return delegation{}
		}
	}
}

// resolveServers looks up addresses of the servers that came without glue. IPv6 is used
// only if there is no IPv4 address: not every host has IPv6.
func (l *nameLookup) resolveServers(ctx context.Context, d *delegation) {
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
			if r.looked() != nil || r.says(mdns.RcodeServerFailure) {
				open[i].hidden = true // a server without an address would be the zone's fault, a failed question is not
			} else if len(r.Answer.Addrs) > 0 {
				open[i].addr = r.Answer.Addrs[0]
			}
		}
	}
}

// askServers asks all servers concurrently.
func (l *nameLookup) askServers(ctx context.Context, servers []delegate, q Query) {
	var all sync.WaitGroup
	for i := range servers {
		s := &servers[i]
		if !s.addr.IsValid() && s.hidden {
			continue // its addresses could not be looked up
		}
		if !s.addr.IsValid() || !l.options.Reserved && reserved(s.addr) {
			s.state = serverAddressless
			continue
		}
		all.Go(func() {
			var err error
			s.said, err = l.resolver.AskAt(ctx, netip.AddrPortFrom(s.addr, l.options.Port), q)
			s.state = judge(s.said, err)
		})
	}
	all.Wait()
}

// below returns the delegation of the first referral. Servers that refer
// elsewhere, such as to the root, do not know the zone.
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

// referral returns the delegation towards host that the answer refers to, if it
// is below zone, with the addresses that came with it.
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

// glue returns the address of a server, IPv4 first; invalid if the answer has
// none.
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
