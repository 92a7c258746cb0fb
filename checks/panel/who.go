package panel

import (
	"net/netip"
	"slices"
	"strings"

	"domovoy/checks"
)

// Places is what is known of addresses, to tell whose the one is that the CA
// names in its text. The zero value: nothing but those of each site.
type Places struct {
	Addresses []netip.Addr                 // the panel's own
	Proxy     func(addr netip.Addr) string // whose CDN or proxy an address belongs to; empty: none; may be nil
}

// attribute adds to the arguments of a finding from the CA's text whose address
// it names, and who acts where that does not follow from the code alone.
func (p Places) attribute(code checks.Code, args checks.Args, site *checks.Site) {
	problem, _ := args["problem"].(string)
	challenge, _ := args["challenge"].(string)
	act := func(who checks.Who) { args[checks.WhoArg] = string(who) }
	if challenge == "dns-persist-01" && args["record"] == nil {
		args["record"] = "_validation-persist." + strings.TrimPrefix(site.Name, "*.")
	}
	switch code {
	case checks.CAUnauthorized, checks.CAConnection, checks.CATLS:
		switch {
		case challenge != "" && challenge != "http-01", problem == "unproven":
			act(checks.Us) // the panel writes the record, and its client chose the method
		case problem == "loop" || problem == "redirect":
			p.place(args, site)
		default:
			p.place(args, site)
			switch args[checks.PlaceArg] {
			case checks.PlaceOurs:
				act(checks.Us)
			case checks.PlaceElsewhere:
				act(checks.Customer)
			case checks.PlaceProxy:
				status, _ := args["status"].(int)
				act(checks.BehindProxy(status))
			}
		}
	case checks.CARemote:
		switch inner := args["inner"]; {
		case challenge != "" && challenge != "http-01":
			act(checks.Us) // the panel writes the record, and is to wait until all name servers have it
		case inner == string(checks.CADNS), inner == string(checks.CACAA):
			act(checks.Customer) // who keeps the zone: the remote validators did not come as far as to us
		default:
			switch p.place(args, site); args[checks.PlaceArg] {
			case checks.PlaceProxy, checks.PlaceElsewhere:
				act(checks.Customer)
			}
		}
	case checks.CADNS:
		if challenge != "" && problem == "NXDOMAIN" {
			act(checks.Us) // the record is not there: the panel writes it
		}
	case checks.CARateLimited:
		if over, _ := args["over"].(bool); over || args["limit"] == "certificates_per_set" {
			act(checks.Us) // to issue again, or to find the certificates that were issued already
		}
	case checks.CARejected:
		switch args["reason"] {
		case "recursive", "wildcard":
			act(checks.Us) // the panel makes such aliases, and chose the names and the method
		}
	}
}

// place sets the arguments that say whose address the CA came to.
func (p Places) place(args checks.Args, site *checks.Site) {
	status, _ := args["status"].(int)
	text, _ := args["address"].(string)
	addr, err := netip.ParseAddr(text)
	if checks.OfCloudflare(status) {
		args[checks.PlaceArg], args["proxy"] = checks.PlaceProxy, checks.Cloudflare
		return
	}
	if err != nil {
		return
	}
	ours := slices.Concat(p.Addresses, site.Addresses)
	if slices.Contains(ours, addr) {
		args[checks.PlaceArg] = checks.PlaceOurs
		return
	}
	if p.Proxy != nil {
		if owner := p.Proxy(addr); owner != "" {
			args[checks.PlaceArg], args["proxy"] = checks.PlaceProxy, owner
			return
		}
	}
	// Behind a NAT the panel knows its inner addresses only, so that no other
	// can be called foreign.
	if slices.ContainsFunc(ours, func(a netip.Addr) bool { return !inner(a) }) {
		args[checks.PlaceArg] = checks.PlaceElsewhere
	}
}

// inner reports whether an address is one behind a NAT (RFC 1918, RFC 4193, RFC
// 6598).
func inner(a netip.Addr) bool {
	return a.IsPrivate() || netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10).Contains(a.Unmap())
}
