package internet

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// doorSituations fail before any HTTP.
func doorSituations() []Situation {
	const rule = "causes: port 80 closed, filtered, rejected"
	redirected := page(ownAddr, toHTTPS)
	return []Situation{
		row("port 80 is closed", rule, "web.refused", doors(ownAddr, Refused, Open)),
		row("a firewall drops port 80", rule, "web.timeout", doors(ownAddr, BlackHole, Open)),
		row("a firewall drops both ports", rule, "web.timeout", doors(ownAddr, BlackHole, BlackHole)),
		row("accepted, never answered", "2.1 silence after accept", "web.timeout", doors(ownAddr, Mute, Open)),
		row("an answer that never comes", "2.1 silence after accept", "web.timeout", instead(Never())),
		row("a reset after the request", "2.1 RST after accept", "web.reset", doors(ownAddr, Reset, Open)),
		row("hung up after the request", "2.1 FIN", "web.reset", doors(ownAddr, HangUp, Open)),
		row("HTTP/2 on port 80", "2.1 HTTP/2 preface", "web.body", doors(ownAddr, HTTP2, Open)),
		row("to https, where nobody listens", rule, "web.refused", redirected, doors(ownAddr, Open, Refused)),
		row("to https, which a firewall drops", rule, "web.timeout", redirected, doors(ownAddr, Open, BlackHole)),
		row("to https, which resets", rule, "web.reset", redirected, doors(ownAddr, Open, Reset)),
		row("443 is closed, and nothing leads there", "A refusal is an observation", "ok", doors(ownAddr, Open, Refused)).also("web.refused"),
		row("443 is dropped, and nothing leads there", "A timeout is an observation once DNS is known", "ok", doors(ownAddr, Open, BlackHole)).also("web.timeout"),
		row("443 resets, and nothing leads there", "A reset is an observation", "ok", doors(ownAddr, Open, Reset)).also("web.reset"),
		row("to https, which is plain HTTP", "2.1 plain HTTP on :443", "web.redirect", redirected, doors(ownAddr, Open, PlainHTTP)),
		row("to https with TLS 1.1", "2.1 redirecting HTTPS server", "web.redirect", redirected, doors(ownAddr, Open, OldTLS)),
	}
}

// answerSituations are responses that the CA rejects, and some that it accepts.
func answerSituations() []Situation {
	const deadline, agents, haste = "one deadline for all validators", "rules by User-Agent", "limit_req answers our own series"
	named := below("", "") // a name without aliases, whose requests would count too
	limited := func(n, status int) step {
		return page(ownAddr, func(usual http.Handler) http.Handler { return LimitRequests(n, status, usual) })
	}
	const status, body, wall = "2.1 status", "2.1 body", "causes: WAF, cookie wall"
	tokens := func(change func(*Challenges)) step {
		return page(ownAddr, func(usual http.Handler) http.Handler {
			c, _ := usual.(Challenges)
			change(&c)
			return c
		})
	}
	noFolder := func(l *Lab) error { l.Panel.Challenges = ""; return nil }
	app := Status(http.StatusOK, "<!DOCTYPE html><html><head><title>Shop</title></head><body>"+strings.Repeat("<p>Goods</p>", 40)+"</body></html>")
	return []Situation{
		row("another folder than the panel's", "causes: wrong webroot", "web.notfound", instead(NotFound())),
		row("a page for every path, and no folder to place a file in", "the file could not be tried", "ok", instead(app), noFolder).also("web.body"),
		row("a slow answer, but in time", deadline, "ok", page(ownAddr, func(usual http.Handler) http.Handler { return Slow(Deadline/8, usual) })),
		row("the file comes after ten seconds", deadline, "web.timeout", page(ownAddr, func(usual http.Handler) http.Handler { return Slow(Deadline*5/4, usual) })).by("us"),
		row("robots are refused, the CA is not", agents, "ok", page(ownAddr, func(usual http.Handler) http.Handler { return ByAgent(usual, Firewall()) })).also("web.forbidden"),
		row("the CA is refused, others are not", agents, "web.forbidden", page(ownAddr, func(usual http.Handler) http.Handler { return ByAgent(Firewall(), usual) })).by("us"),
		row("two requests a minute, then 429", haste, "ok", named, limited(2, http.StatusTooManyRequests)).also("web.forbidden"),
		row("two requests a minute, then 503", haste, "ok", named, limited(2, http.StatusServiceUnavailable)).also("web.forbidden"),
		row("banned after three requests", haste, "ok", named, limited(3, http.StatusForbidden)).also("web.forbidden"),
		row("our own 404, and no folder to place a file in", "2.8 without a file", "ok", instead(NotFound()), noFolder),
		row("an application answers every path", "causes: app answers", "web.body", instead(app)),
		row("the wrong words in the file", body, "web.body", instead(Status(http.StatusOK, "token.other"))),
		row("a byte order mark before the words", body, "web.body", tokens(func(c *Challenges) { c.Before = "\ufeff" })),
		row("a new line behind the words", body, "ok", tokens(func(c *Challenges) { c.After = "\r\n" })),
		row("a page of spaces behind the words", body, "web.body", tokens(func(c *Challenges) { c.After = strings.Repeat(" ", 200) })),
		row("the right words with status 203", status, "web.body", tokens(func(c *Challenges) { c.Code = http.StatusNonAuthoritativeInfo })),
		row("no content, 204", status, "web.body", instead(Status(http.StatusNoContent, ""))),
		row("nginx forbids", wall, "web.forbidden", instead(Status(http.StatusForbidden, nginxPage("403 Forbidden")))),
		row("a firewall's page", wall, "web.forbidden", instead(Firewall())),
		row("a password is wanted", wall, "web.forbidden", instead(Status(http.StatusUnauthorized, nginxPage("401 Authorization Required")))),
		row("a cookie is wanted", "2.1 cookie wall", "web.forbidden", page(ownAddr, CookieWall)),
		row("a script is wanted", wall, "web.forbidden", instead(TestCookie())),
		row("the application crashed, 500", "-", "web.error", instead(Status(http.StatusInternalServerError, nginxPage("500 Internal Server Error")))),
		row("no application behind nginx, 502", "-", "web.error", instead(Status(http.StatusBadGateway, nginxPage("502 Bad Gateway")))),
		row("overloaded, 503", "-", "web.error", instead(Status(http.StatusServiceUnavailable, nginxPage("503 Service Temporarily Unavailable")))),
	}
}

// redirectSituations cover the CA's rules about redirects.
func redirectSituations() []Situation {
	const codes, count, target, loop = "2.1 redirect codes", "2.1 redirect count", "2.1 redirect targets", "2.1 loop"
	through := func(of func(http.Handler) http.Handler) step { return page(ownAddr, of) }
	secure := func(code int) step {
		return through(func(usual http.Handler) http.Handler {
			return BySecurity(Redirect(code, "https://$host$request_uri"), usual)
		})
	}
	to := func(where string) step { return instead(Redirect(http.StatusMovedPermanently, where)) }
	chain := func(n int) step {
		answers := through(func(usual http.Handler) http.Handler { return Chain(n, usual) })
		return func(l *Lab) error {
			l.Deadline = 5 * Deadline // a busy machine needs longer for a dozen answers, and nothing here waits for the end
			return answers(l)
		}
	}
	return []Situation{
		row("to https by 301", codes, "ok", secure(301)),
		row("to https by 302", codes, "ok", secure(302)),
		row("to https by 307", codes, "ok", secure(307)),
		row("to https by 308", codes, "ok", secure(308)),
		row("to https by 303", codes, "web.redirect", secure(303)),
		row("to www", codes, "ok", through(func(usual http.Handler) http.Handler {
			return byHost(map[string]http.Handler{domain: Redirect(301, "http://www.$host$request_uri")}, usual)
		})),
		row("ten redirects", count, "ok", chain(10)),
		row("eleven redirects", count, "ok", chain(11)),
		row("twelve redirects", count, "web.redirect", chain(12)),
		row("to port 8080", target, "web.redirect", to("http://$host:8080$request_uri")),
		row("to port 443 by name", target, "ok", through(func(usual http.Handler) http.Handler {
			return BySecurity(Redirect(301, "https://$host:443$request_uri"), usual)
		})),
		row("to a private address", target, "web.redirect", to("http://10.20.30.40$request_uri")),
		row("to a host without its slash", target, "web.redirect", to("https://$host$tail")),
		row("to a name of the local network", target, "web.redirect", to("http://intranet.local$request_uri")),
		row("to another protocol", target, "web.redirect", to("ftp://$host$request_uri")),
		row("to a path of 2001 bytes", target, "web.redirect", to("/"+strings.Repeat("a", 2000))),
		row("to itself", loop, "web.loop", to("http://$host$request_uri")),
		row("to https and back", loop, "web.loop", instead(BySecurity(Redirect(301, "https://$host$request_uri"), Redirect(301, "http://$host$request_uri")))),
	}
}

// byHost selects a handler by the Host header.
func byHost(of map[string]http.Handler, others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := of[r.Host]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

// Deadline is how long one validation may take, if a situation says nothing else.
const Deadline = time.Second

// six is the only IPv6 loopback address.
const six = "::1"

// familySituations have IPv4 and IPv6, and a fault in one of them.
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
		row("IPv6 is dead on both ports, and the CA falls back", falls, "ok", dual, doors(six, Refused, Refused)).also("web.ipv6"),
		row("IPv6 is dropped, and the CA falls back too late", "2.1 v6 dropped, and one deadline for all validators", "web.ipv6", dual, doors(six, BlackHole, Open)),
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

// unevenSituations succeed only sometimes.
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
			func(l *Lab) error { l.Panel.Addresses = l.Panel.Addresses[:1]; return nil }, // the proxy's address is not ours
		}
	}
	through := func(usual http.Handler) http.Handler { return usual }
	// By the target of its CNAME alone: no list has the address.
	byName := func(target string) []step {
		return []step{
			delegate(Zone{Origin: target, Text: "@ A 127.92.0.1\n"}),
			delegate(Zone{Text: "@ A " + ownAddr + "\nshop CNAME " + target + ".\n"}),
			about("shop." + domain),
			page("127.92.0.1", func(http.Handler) http.Handler { return NotFound() }),
			func(l *Lab) error {
				l.Panel.Addresses, l.Fronts = l.Panel.Addresses[:1], []netip.Addr{netip.MustParseAddr("127.92.0.1")}
				return nil
			},
		}
	}
	const names = "CDNs by the targets of CNAMEs"
	return []Situation{
		row("behind NGENIX, which does not find us", names, "dns.proxied", byName("s12345.cdn.ngenix.net")...),
		row("behind CDNvideo, which does not find us", names, "dns.proxied", byName("6kcmxu3d7l.a.trbcdn.net")...),
		row("behind Selectel's CDN, which does not find us", names, "dns.proxied", byName("a051e1d7.selcdn.net")...),
		row("behind Akamai, which does not find us", names, "dns.proxied", byName("shop.akamaized.net")...),
		row("behind Cloudflare, which lets the CA through", rule, "ok", in(cdnAddr, "cloudflare", through)...).also("dns.proxied"),
		row("behind DDoS-Guard, which lets the CA through", rule, "ok", in("127.91.0.1", "ddos-guard", through)...).also("dns.proxied"),
		row("behind Cloudflare, which does not find us", rule, "dns.proxied", in(cdnAddr, "cloudflare", func(http.Handler) http.Handler { return nil })...),
		row("behind Cloudflare, which does not accept our certificate", rule, "dns.proxied", in(cdnAddr, "cloudflare", func(http.Handler) http.Handler { return Status(526, "") })...).by("customer"),
		row("behind Cloudflare, which gets no connection to us", rule, "dns.proxied", in(cdnAddr, "cloudflare", func(http.Handler) http.Handler { return Status(521, "") })...).by("us"),
		row("behind Cloudflare, which lets nobody in", rule, "dns.proxied", in(cdnAddr, "cloudflare", func(http.Handler) http.Handler { return Firewall() })...),
		row("behind Cloudflare, with another's site behind it", rule, "dns.proxied", in(cdnAddr, "cloudflare", func(http.Handler) http.Handler { return NotFound() })...),
	}
}
