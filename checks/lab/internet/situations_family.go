package internet

import (
	"net/http"

	"github.com/miekg/dns"
)

// six is the only loopback address of IPv6.
const six = "::1"

// familySituations have both families, and trouble in one.
func familySituations() []Situation {
	const falls, stays, twice = "2.1 v6 fails to connect, v4 good", "2.1 v6 answers wrongly, v4 good", "2.1 http to https, v6:443 refused"
	dual := withRecords("@ AAAA ::1", "www AAAA ::1")
	only := records("@ AAAA ::1", "www AAAA ::1")
	redirected := func(addr string) step { return page(addr, toHTTPS) }
	return []Situation{
		row("both families are well", "-", "ok", dual, doors(six, Open, Open)),
		row("IPv6 alone is well", "-", "ok", only, doors(six, Open, Open)),
		row("IPv6 alone refuses", "-", "web.refused", only, doors(six, Refused, Refused)),
		row("IPv6 refuses, and the CA falls back", falls, "ok", dual, doors(six, Refused, Open)),
		row("IPv6 is dropped, and the CA falls back", falls, "ok", dual, doors(six, BlackHole, Open)),
		row("both families are dropped", "2.1 v6 and v4 dropped", "web.timeout", dual, doors(six, BlackHole, Open), doors(ownAddr, BlackHole, Open)),
		row("IPv6 answers 404", stays, "web.ipv6", dual, page(six, func(http.Handler) http.Handler { return NotFound() })),
		row("IPv6 resets", stays, "web.ipv6", dual, doors(six, Reset, Open)),
		row("IPv6 says nothing", stays, "web.ipv6", dual, doors(six, Mute, Open)),
		row("IPv6 hangs up", stays, "web.ipv6", dual, doors(six, HangUp, Open)),
		row("to https, which only IPv4 has", twice, "web.ipv6", dual, doors(six, Open, Refused), redirected(six), redirected(ownAddr)),
		row("to https, and IPv6 is dead on both ports", twice, "web.ipv6", dual, doors(six, Refused, Refused), redirected(ownAddr)),
		row("to www, which has a dead AAAA", "2.1 redirect host with dead v6", "web.ipv6", withRecords("www AAAA ::1"), doors(six, Refused, Refused),
			page(ownAddr, func(usual http.Handler) http.Handler {
				return byHost(map[string]http.Handler{domain: Redirect(301, "http://www.$host$request_uri")}, usual)
			})),
	}
}

// unevenSituations succeed now and then.
func unevenSituations() []Situation {
	const balancer, lottery = "causes: load balancer round robin", "2.1 two A, first dead"
	gone := Status(http.StatusServiceUnavailable, nginxPage("503 Service Unavailable"))
	two := []step{records("@ A "+ownAddr, "@ A "+secondAddr, "www A %us"), resolves(dns.TypeA, Behaviour{Rotate: true})}
	second := func(http, https Door) []step { return append(two, doors(secondAddr, http, https)) }
	return []Situation{
		row("a balancer with a dead server", balancer, "web.flapping", page(ownAddr, func(usual http.Handler) http.Handler { return Alternate(usual, gone) })),
		row("a balancer whose first server is dead", balancer, "web.flapping", page(ownAddr, func(usual http.Handler) http.Handler { return Alternate(gone, usual) })),
		row("one server of three answers 404", balancer, "web.flapping", page(ownAddr, func(usual http.Handler) http.Handler { return Alternate(NotFound(), usual, usual) })),
		row("a server that fails at random", balancer, "web.flapping", page(ownAddr, func(usual http.Handler) http.Handler { return Sometimes(7, 0.5, usual, gone) })),
		row("two addresses of ours, both well", "-", "ok", second(Open, Open)...),
		row("two addresses of ours, one closed", lottery, "web.flapping", second(Refused, Open)...),
		row("two addresses of ours, one dropped", lottery, "web.flapping", second(BlackHole, Open)...),
	}
}

// proxySituations have a CDN in front.
func proxySituations() []Situation {
	const rule = "causes: behind CDN"
	in := func(addr, server string, of func(usual http.Handler) http.Handler) []step {
		return []step{
			delegate(Zone{NS: []string{"ada.ns.cloudflare.com", "bob.ns.cloudflare.com"}, Text: "@ A " + addr + "\nwww A " + addr + "\n"}),
			page(addr, func(usual http.Handler) http.Handler { return Proxy(server, of(usual)) }),
			func(l *Lab) error { l.Panel.Addresses = l.Panel.Addresses[:1]; return nil }, // the proxy's is not ours
		}
	}
	through := func(usual http.Handler) http.Handler { return usual }
	return []Situation{
		row("behind Cloudflare, which lets the CA through", rule, "ok", in(cdnAddr, "cloudflare", through)...).also("dns.proxied"),
		row("behind DDoS-Guard, which lets the CA through", rule, "ok", in("127.91.0.1", "ddos-guard", through)...).also("dns.proxied"),
		row("behind Cloudflare, which does not find us", rule, "dns.proxied", in(cdnAddr, "cloudflare", func(http.Handler) http.Handler { return nil })...),
		row("behind Cloudflare, which lets nobody in", rule, "dns.proxied", in(cdnAddr, "cloudflare", func(http.Handler) http.Handler { return Firewall() })...),
		row("behind Cloudflare, with another's site behind it", rule, "dns.proxied", in(cdnAddr, "cloudflare", func(http.Handler) http.Handler { return NotFound() })...),
	}
}
