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
	if unchecked.says(mdns.RcodeSuccess) || unchecked.says(mdns.RcodeNameError) {
		l.find(checks.DNSDNSSEC, args)
		return
	}
	l.fail(unchecked.looked())
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
