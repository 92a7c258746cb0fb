package dns

import (
	"context"
	"net/netip"
	"slices"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// addresses judges the answers to A and AAAA. It returns false if the name does
// not exist or its zone does not work, so that further questions would not
// help.
//
// As in Boulder, a failure of the servers for one family does not matter while
// the other has addresses. But if *our* question got no answer, something stays
// unknown.
func (l *nameLookup) addresses(ctx context.Context, a, aaaa Result) bool {
	errA, err6 := a.looked(), aaaa.looked()
	l.fail(errA)
	l.fail(err6)
	if errA == nil {
		l.info.V4 = a.Answer.Addrs
	}
	if err6 == nil {
		l.info.V6 = aaaa.Answer.Addrs
	}
	ignored := l.ignore(slices.Concat(a.Answer.targets(), aaaa.Answer.targets()))
	none := len(l.info.V4)+len(l.info.V6) == 0
	switch {
	case none && a.says(mdns.RcodeServerFailure):
		l.broken(ctx, mdns.TypeA, a.Answer)
		return false
	case none && a.says(mdns.RcodeNameError):
		return l.gone(ctx, mdns.TypeA, a.Answer)
	case errA != nil, none && err6 != nil:
		return true
	case none && aaaa.says(mdns.RcodeNameError): // the name has no records of any type (RFC 8020)
		return l.gone(ctx, mdns.TypeAAAA, aaaa.Answer)
	case none && aaaa.says(mdns.RcodeServerFailure):
		l.broken(ctx, mdns.TypeAAAA, aaaa.Answer)
		return false
	case none:
		l.nowhere(ctx, a.Answer, ignored)
		return true
	}
	before := len(l.found)
	l.family(ctx, mdns.TypeA, a)
	l.family(ctx, mdns.TypeAAAA, aaaa)
	why := l.found[before:]
	l.found = l.found[:before:before]
	l.point(ctx, slices.Concat(a.Answer.targets(), aaaa.Answer.targets()))
	if a.says(mdns.RcodeServerFailure) {
		l.found = append(l.found, why...)
	}
	return true
}

// family finds out why one family fails while the other has addresses. The CA
// uses those, and only visitors without the family are affected. But if it is
// not the servers that fail, the family's addresses are not known.
func (l *nameLookup) family(ctx context.Context, kind uint16, r Result) {
	if !r.says(mdns.RcodeServerFailure) {
		return
	}
	before, register := len(l.found), l.info.Register
	l.broken(ctx, kind, r.Answer)
	l.makeInfo(before)
	l.info.Register = register
}

// nowhere reports a name without addresses, or with none that the CA would
// connect to. A wildcard alias need not have any.
func (l *nameLookup) nowhere(ctx context.Context, a Answer, ignored []netip.Addr) {
	l.info.Points = checks.PointsNowhere
	l.park(a.primaries())
	if l.name.wildcard {
		return
	}
	host, above := l.end(a)
	d, err := above.empty(ctx, host, ignored, a)
	if err != nil {
		l.unseen(err)
		return
	}
	l.park(l.own(d))
	l.find(checks.DNSNoAddress, checks.Args{
		"target": last(a.targets()), "parking": l.info.Parking, "addresses": addressList(ignored), "reserved": len(ignored) > 0,
	})
}

// end returns the name at the end of a chain of CNAMEs, and the servers above it.
func (l *nameLookup) end(a Answer) (host string, above hierarchy) {
	if target := last(a.targets()); target != "" {
		return target, hierarchy{l.conversation, checks.RegisteredDomain(target)}
	}
	return l.name.host, l.hierarchy()
}

// own returns the names of the servers of a delegation that is the domain's own.
func (l *nameLookup) own(d delegation) []string {
	if !within(d.zone, l.name.registered) {
		return nil
	}
	return d.names()
}

// unseen records that the resolver's answer about the name is not true: where it
// points is not known.
func (l *nameLookup) unseen(err error) {
	l.fail(err)
	l.info.Points, l.info.Register = checks.PointsUnknown, false
}

// ignore removes the addresses that the CA drops before it connects, such as
// private ones, and returns them. Ours and those of known networks stay,
// wherever they are, and all of a name that is an alias of a CDN's. Addresses of
// documentation stay if there are no others: they stand for another host.
func (l *nameLookup) ignore(targets []string) (ignored []netip.Addr) {
	cdn := func(t string) bool { return l.options.Ranges.suffix(kindCNAME, t) != "" }
	if len(l.question.Ours) == 0 || slices.ContainsFunc(targets, cdn) {
		return nil
	}
	usable := func(all []netip.Addr) (kept []netip.Addr) {
		for _, a := range all {
			if reserved(a) && !l.ours(a) && l.options.Ranges.Owner(a) == "" {
				ignored = append(ignored, a)
			} else {
				kept = append(kept, a)
			}
		}
		return kept
	}
	v4, v6 := usable(l.info.V4), usable(l.info.V6)
	if len(v4)+len(v6) == 0 && slices.ContainsFunc(ignored, documentation) {
		return nil
	}
	l.info.V4, l.info.V6 = v4, v6
	return ignored
}

// documentation reports whether an address is of a range for examples (RFC 5737,
// RFC 3849).
func documentation(a netip.Addr) bool {
	return slices.ContainsFunc([]string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"}, func(p string) bool {
		return netip.MustParsePrefix(p).Contains(a)
	})
}

// gone reports a name that does not exist: its zone lacks it, or its domain is
// not in the registry's zone, and only the registry knows why. What the servers
// themselves deny is not known.
func (l *nameLookup) gone(ctx context.Context, kind uint16, a Answer) bool {
	l.info.Points = checks.PointsNowhere
	zone, target := a.Zone, last(a.targets())
	l.park(a.primaries())
	switch {
	case target != "": // the name exists, the target of its CNAME does not
	case zone != "" && within(zone, l.name.registered):
	case l.name.host == l.name.registered:
		l.info.Register = true
	default:
		r := l.settled(ctx, []Query{{Name: l.name.registered, Type: mdns.TypeSOA}})[0]
		l.fail(r.failure())
		l.info.Register = l.info.Register || r.says(mdns.RcodeNameError)
	}
	if l.name.wildcard && !l.info.Register {
		return false
	}
	host, above := l.end(a)
	lacking, err := above.absent(ctx, host, kind, a)
	if err != nil {
		l.unseen(err)
		return false
	}
	l.park(l.own(lacking))
	if target == "" && lacking.zone != "" { // the resolver may say of the domain, too, that it does not exist
		l.info.Register = !within(lacking.zone, l.name.registered) || l.info.Parking != ""
	}
	if l.name.wildcard && !l.info.Register {
		return false
	}
	l.find(checks.DNSNXDomain, checks.Args{
		"domain": l.name.registered, "target": target, "register": l.info.Register && l.info.Parking == "", "parking": l.info.Parking,
	})
	return false
}

// point compares the addresses with the expected ones.
func (l *nameLookup) point(ctx context.Context, targets []string) {
	l.joinCluster(ctx, targets)
	ours4, others4 := l.split(l.info.V4)
	ours6, others6 := l.split(l.info.V6)
	ours, others := slices.Concat(ours4, ours6), slices.Concat(others4, others6)
	if len(ours) == 0 {
		l.away(ctx, targets)
		return
	}
	if len(others) == 0 {
		l.info.Points = checks.PointsOurs
		return
	}
	l.info.Points = checks.PointsPartly
	args := func(wrong []netip.Addr) checks.Args {
		a := l.owner(ctx, wrong, targets)
		a["ours"], a["others"] = addressList(ours), addressList(wrong)
		return a
	}
	if len(ours4) > 0 && len(others6) > 0 { // the CA tries IPv6 first
		l.find(checks.DNSIPv6, args(others6))
	}
	if len(others4) > 0 || len(ours4) == 0 {
		l.find(checks.DNSPartly, args(others))
	}
}

// split separates our addresses from others.
func (l *nameLookup) split(addrs []netip.Addr) (ours, others []netip.Addr) {
	for _, a := range addrs {
		if l.ours(a) {
			ours = append(ours, a)
		} else {
			others = append(others, a)
		}
	}
	return ours, others
}

// away reports a name none of whose addresses is ours: it is behind a proxy
// that may forward to us, or it points elsewhere. Without addresses of our own
// to compare with, it reports only the proxy.
func (l *nameLookup) away(ctx context.Context, targets []string) {
	all := slices.Concat(l.info.V4, l.info.V6)
	args := l.owner(ctx, all, targets)
	args["addresses"], args["count"], args["expected"] = addressList(all), len(all), addressList(l.question.Ours)
	if proxy, known := args["proxy"].(string); known {
		l.info.Points, l.info.Proxy = checks.PointsProxied, proxy
		l.find(checks.DNSProxied, args)
		return
	}
	switch {
	case len(l.question.Ours) == 0:
	case len(l.errs) > 0: // the family without an answer may point to us
		before := len(l.found)
		l.find(checks.DNSElsewhere, args)
		l.makeInfo(before)
	default:
		l.info.Points = checks.PointsElsewhere
		l.find(checks.DNSElsewhere, args)
	}
}

// primaries returns the primary name server of the zone of a negative answer, if
// there is one: it tells whose the zone is without another question.
func (a Answer) primaries() []string {
	if a.Primary == "" {
		return nil
	}
	return []string{a.Primary}
}

// targets returns the targets of a chain of CNAMEs, in order.
func (a Answer) targets() []string {
	var names []string
	for _, rr := range a.Records {
		if c, ok := rr.(*mdns.CNAME); ok {
			names = append(names, undot(c.Target))
		}
	}
	return names
}

func last(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return hostname(names[len(names)-1])
}
