package dns

import (
	"context"
	"fmt"
	"slices"
	"strings"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// broken finds out why a resolver fails for a name, whatever it is asked again:
// it fails for all names of the registry; or the signatures are invalid (the
// same question without validation is answered); or the servers that the zone
// is delegated to do not serve it; or they fail. What the servers themselves do
// not confirm is not known.
func (l *nameLookup) broken(ctx context.Context, kind uint16, a Answer) {
	if err := l.hierarchy().registryAnswers(ctx); err != nil {
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
	l.keeper(l.hierarchy().delegation(ctx, l.name.host, kind), args)
	l.find(checks.DNSDNSSEC, args)
}

// keeper adds that a zone is ours to mend if some of its servers are on our
// addresses. Without one, the owner of the servers is not guessed.
func (l *nameLookup) keeper(d delegation, args checks.Args) {
	if own := l.onOurs(d); own != "" {
		args[checks.OwnArg], args[checks.WhoArg] = own, string(checks.Us)
	}
}

// onOurs returns the names of those of a zone's servers that are on our
// addresses; empty: none.
func (l *nameLookup) onOurs(d delegation) string {
	var own []string
	for _, s := range d.servers {
		if s.addr.IsValid() && l.ours(s.addr) {
			own = append(own, hostname(s.name))
		}
	}
	return strings.Join(own, ", ")
}

// ownServers looks up which servers of the zone are on our addresses, for a name
// for which the CA's last text is about DNS though all answers are good here.
// What cannot be looked up is left out.
func (l *nameLookup) ownServers(ctx context.Context) string {
	r := l.ask(ctx, Query{Name: l.name.registered, Type: mdns.TypeNS})[0]
	names := r.Answer.NameServers()
	d := delegation{zone: l.name.registered}
	for _, n := range names[:min(len(names), maxServers)] {
		d.servers = append(d.servers, delegate{name: n})
	}
	l.hierarchy().resolveServers(ctx, &d)
	return l.onOurs(d)
}

// unserved judges a name for which the resolver fails even without validation:
// by its servers, asked directly.
func (l *nameLookup) unserved(ctx context.Context, kind uint16, a Answer, args checks.Args) {
	d, err := l.hierarchy().confirmed(ctx, l.name.host, kind, a)
	if err != nil {
		l.fail(err)
		return
	}
	if len(d.servers) > 0 {
		args["zone"], args["servers"] = d.zone, d.String()
		l.park(d.names())
		l.keeper(d, args)
	}
	if d.lame() {
		l.info.Register, l.info.Delegated = true, true // an expired domain looks the same
		l.find(checks.DNSLame, args)
		return
	}
	l.find(checks.DNSServFail, args)
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
