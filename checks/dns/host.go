package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	mdns "github.com/miekg/dns"
)

// Addresses are those of a host that a redirect leads to, and nothing else is
// asked about it. As for the CA, one family is enough where the servers fail
// for the other; but a family that *we* got no answer for is an error, for the
// CA may well go there.
func (in *Inspector) Addresses(ctx context.Context, host string) (v4, v6 []netip.Addr, err error) {
	n, err := parseName(host)
	if err != nil {
		return nil, nil, err
	}
	said := in.resolver.AskAll(ctx, []Query{{Name: n.host, Type: mdns.TypeA}, {Name: n.host, Type: mdns.TypeAAAA}})
	a, aaaa := said[0], said[1]
	if err := errors.Join(a.looked(), aaaa.looked()); err != nil {
		return nil, nil, err
	}
	if a.says(mdns.RcodeServerFailure) && aaaa.says(mdns.RcodeServerFailure) {
		// The host's servers, or a resolver that fails for all?
		root, err := in.resolver.Ask(ctx, Query{Type: mdns.TypeNS})
		if err != nil || root.Rcode != mdns.RcodeSuccess {
			return nil, nil, errors.Join(fmt.Errorf("the resolver %s fails for the root, too: it says nothing of %s", a.Answer.Server, n.host), err)
		}
	}
	return a.Answer.Addrs, aaaa.Answer.Addrs, nil
}
