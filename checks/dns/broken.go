package dns

import (
	"context"
	"fmt"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// broken tells apart why a resolver fails for a name: it fails for all; the
// signatures do not hold (the same question without checking is answered);
// the servers that the zone is delegated to do not serve it; or else.
func (l *look) broken(ctx context.Context, kind uint16, a Answer) {
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
		l.sight.Register = true // a domain that was left looks the same
		l.find(checks.DNSLame, args)
		return
	}
	l.find(checks.DNSServFail, args)
}

// bogus is a question that is answered without checking. Where the resolver
// did not say that signatures are why, it is asked once more: servers that
// failed for a moment look the same.
func (l *look) bogus(ctx context.Context, kind uint16, a Answer, args checks.Args) {
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
