package golden

import (
	"cmp"
	"fmt"
	"maps"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/quorum"
	"domovoy/checks/registry"
	"domovoy/checks/web"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// wayArgs are the arguments that checks/web adds to every finding about
// requests for the challenge, with more added or replaced.
func wayArgs(more checks.Args) checks.Args {
	args := checks.Args{
		"address": "203.0.113.10", "family": "IPv4", "port": 80, "url": challenge, "says": "", "hops": []string{}, "pattern": "all",
		"attempts": 6, "failed": 6, "ok": 0, "placed": true, "status": 404, "server": "nginx",
	}
	for name, v := range more {
		args[name] = v
	}
	return args
}

const challenge = "http://shop.ru/.well-known/acme-challenge/domovoy-LE7SZFQ5CNZQA674U7377ZAGQK"

// servedArgs are the arguments of every finding about the served certificate,
// with more added or replaced.
func servedArgs(more checks.Args) checks.Args {
	args := checks.Args{
		"address": "203.0.113.10", "addresses": []string{"203.0.113.10"}, "looked": 1, "serial": "4c1f", "issuer": "E7",
		"names": []string{"shop.ru", "www.shop.ru"}, "first": "shop.ru", "since": ago(70 * day), "until": ago(-20 * day),
	}
	for name, v := range more {
		args[name] = v
	}
	return args
}

// seenDNS are findings about names, by the end of their case's name.
func seenDNS() map[string]checks.Finding {
	find := func(code checks.Code, args checks.Args) checks.Finding {
		return checks.Finding{Check: checks.NamesCheck, Code: code, Args: args}
	}
	lame := checks.Args{"domain": "shop.ru", "type": "A", "zone": "shop.ru", "ede": 22, "reason": "EDE 22 (No Reachable Authority): at delegation shop.ru.",
		"servers": "ns1.hoster.com: REFUSED, ns2.hoster.com: timeout"}
	caa := func(why, issuers, records string) checks.Finding {
		return find(checks.DNSCAA, checks.Args{"at": "shop.ru", "why": why, "ca": "letsencrypt.org", "issuers": issuers, "records": records, "wildcard": false})
	}
	account := func(more checks.Args) checks.Finding {
		const uri = "https://acme-v02.api.letsencrypt.org/acme/acct/2002"
		f := caa("account", "letsencrypt.org", `0 issue "letsencrypt.org; accounturi=`+uri+`"`)
		f.Args["account"], f.Args["uri"] = "2002", uri
		maps.Copy(f.Args, more)
		if more["unsure"] == true && more["refused"] == nil {
			f.Severity = checks.Info
		}
		return f
	}
	proxied := find(checks.DNSProxied, checks.Args{"addresses": "104.21.3.7, 172.67.130.4", "count": 2, "expected": "203.0.113.10", "network": "Cloudflare",
		"proxy": "Cloudflare", "nameservers": "ada.ns.cloudflare.com, bob.ns.cloudflare.com"})
	proxied.Severity = checks.Warning // because the challenge fails through the proxy
	ownServers := func(code checks.Code, servers, reason string, ede int) checks.Finding {
		return find(code, checks.Args{"domain": "shop.ru", "type": "A", "ede": ede, "reason": reason, "zone": "shop.ru", "servers": servers,
			"own": "ns1.hosting.ru", checks.WhoArg: string(checks.Us)})
	}
	all := map[string]checks.Finding{
		"lame.own":     ownServers(checks.DNSLame, "ns1.hosting.ru: REFUSED, ns2.hosting.ru: timeout", "EDE 22 (No Reachable Authority): at delegation shop.ru.", 22),
		"servfail.own": ownServers(checks.DNSServFail, "ns1.hosting.ru: SERVFAIL", "EDE 22 (No Reachable Authority): at delegation shop.ru.", 22),
		"dnssec.own":   ownServers(checks.DNSDNSSEC, "", "EDE 7 (Signature Expired): validation failure <shop.ru. A IN>", 7),

		"lame":     find(checks.DNSLame, lame),
		"servfail": find(checks.DNSServFail, checks.Args{"domain": "shop.ru", "type": "A", "ede": 22, "reason": "EDE 22 (No Reachable Authority): at delegation shop.ru."}),
		"servfail.servers": find(checks.DNSServFail, checks.Args{"domain": "shop.ru", "type": "A", "ede": 22,
			"reason": "EDE 22 (No Reachable Authority): at delegation shop.ru.", "zone": "shop.ru", "servers": "ns1.hoster.com: SERVFAIL, ns2.hoster.com: SERVFAIL"}),
		"dnssec": find(checks.DNSDNSSEC, checks.Args{"domain": "shop.ru", "type": "A", "ede": 7,
			"reason": "EDE 7 (Signature Expired): validation failure <shop.ru. A IN>"}),
		"nxdomain":          find(checks.DNSNXDomain, checks.Args{"domain": "shop.ru", "target": "", "register": false}),
		"nxdomain.target":   find(checks.DNSNXDomain, checks.Args{"domain": "shop.ru", "target": "shops.builder.com", "register": false}),
		"nxdomain.register": find(checks.DNSNXDomain, checks.Args{"domain": "shop.ru", "target": "", "register": true}),
		"nxdomain.bare":     find(checks.DNSNXDomain, nil),
		"noaddress":         find(checks.DNSNoAddress, checks.Args{"target": ""}),
		"noaddress.target":  find(checks.DNSNoAddress, checks.Args{"target": "shops.builder.com"}),
		"elsewhere": find(checks.DNSElsewhere, checks.Args{"addresses": "198.51.100.7", "count": 1, "expected": "203.0.113.10", "network": "beget.com",
			"ptr": "vds7.beget.com", "nameservers": "ns1.beget.com, ns2.beget.pro"}),
		"elsewhere.parking": find(checks.DNSElsewhere, checks.Args{"addresses": "198.51.100.7", "count": 1, "expected": "203.0.113.10",
			"nameservers": "ns3-parking.nic.ru, ns4-parking.nic.ru", "parking": "RU-CENTER"}),
		"elsewhere.parking.paid": find(checks.DNSElsewhere, checks.Args{"addresses": "198.51.100.7", "count": 1, "expected": "203.0.113.10",
			"nameservers": "ns3-parking.nic.ru, ns4-parking.nic.ru", "parking": "RU-CENTER", "paid_till": ago(-181 * day)}),
		"elsewhere.parking.unverified": find(checks.DNSElsewhere, checks.Args{"addresses": "198.51.100.7", "count": 1, "expected": "203.0.113.10",
			"nameservers": "ns3-parking.nic.ru, ns4-parking.nic.ru", "parking": "RU-CENTER", "paid_till": ago(-181 * day), "unverified": true}),
		"nxdomain.parking.unverified":  find(checks.DNSNXDomain, checks.Args{"domain": "shop.ru", "parking": "REG.RU", "paid_till": ago(-181 * day), "unverified": true}),
		"noaddress.parking.unverified": find(checks.DNSNoAddress, checks.Args{"parking": "REG.RU", "paid_till": ago(-181 * day), "unverified": true}),
		"nxdomain.parking":             find(checks.DNSNXDomain, checks.Args{"domain": "shop.ru", "parking": "REG.RU"}),
		"nxdomain.parking.paid":        find(checks.DNSNXDomain, checks.Args{"domain": "shop.ru", "parking": "REG.RU", "paid_till": ago(-181 * day)}),
		"noaddress.parking":            find(checks.DNSNoAddress, checks.Args{"parking": "REG.RU"}),
		"noaddress.parking.paid":       find(checks.DNSNoAddress, checks.Args{"parking": "REG.RU", "paid_till": ago(-181 * day)}),
		"elsewhere.reserved":           find(checks.DNSElsewhere, checks.Args{"addresses": "10.1.2.3", "count": 1, "expected": "203.0.113.10, 2001:db8::10", "reserved": true}),
		"partly":                       find(checks.DNSPartly, checks.Args{"ours": "203.0.113.10", "others": "198.51.100.7", "network": "beget.com"}),
		"noaddress.reserved":           find(checks.DNSNoAddress, checks.Args{"addresses": "10.1.2.3, fd00::1", "reserved": true}),
		"ipv6":                         find(checks.DNSIPv6, checks.Args{"ours": "203.0.113.10", "others": "2606:2800:220:1::1", "network": "beget.com"}),
		"caa":                          caa("issuer", "globalsign.com", `0 issue "globalsign.com"`), "caa.nobody": caa("issuer", "", `0 issue ";"`),
		"caa.account":         account(checks.Args{"ours": "https://acme-v02.api.letsencrypt.org/acme/acct/1001"}),
		"caa.account.unsure":  account(checks.Args{"unsure": true, checks.WhoArg: "us"}),
		"caa.account.refused": account(checks.Args{"unsure": true, "refused": true}),
		"caa.account.before":  caa("account", "letsencrypt.org", ""), // as stored by earlier versions
		"caa.form":            caa("form", "letsencrypt.org", `0 issue "letsencrypt.org."`),
		"caa.methods":         caa("methods", "letsencrypt.org", `0 issue "letsencrypt.org; validationmethods=,http-01"`),
		"caa.method":          caa("method", "letsencrypt.org", `0 issue "letsencrypt.org; validationmethods=dns-01"`),
		"caa.critical":        caa("critical", "letsencrypt.org", `0 issue "letsencrypt.org", 128 tbs "unknown"`),
		"caabroken":           find(checks.DNSCAABroken, checks.Args{"at": "shop.ru", "reason": "EDE 22 (No Reachable Authority): at delegation shop.ru."}),
		"proxied":             proxied, "proxied.526": answering(proxied, 526), "proxied.522": answering(proxied, 522), "proxied.530": answering(proxied, 530), "proxied.403": answering(proxied, 403),
		"lookalike":       find(checks.DNSLookalike, checks.Args{"label": "sһop", "script": "cyrillic", "odd": "һ"}),
		"lookalike.latin": find(checks.DNSLookalike, checks.Args{"label": "раураl", "script": "latin", "odd": "l"}),
		"lookalike.greek": find(checks.DNSLookalike, checks.Args{"label": "shοp", "script": "greek", "odd": "ο"}),
	}
	detailed := all["elsewhere"]
	detailed.Detail = "shop.ru A: NOERROR 198.51.100.7\nshop.ru AAAA: NOERROR\nshop.ru CAA: NOERROR\nru CAA: NOERROR\n7.100.51.198.in-addr.arpa. PTR: NOERROR PTR vds7.beget.com."
	all["elsewhere"] = detailed
	for name, args := range map[string]checks.Args{
		"unregistered":       {"domain": "shop.ru"},
		"undelegated":        {"domain": "shop.ru", "free_date": time.Date(2026, 12, 12, 0, 0, 0, 0, time.UTC)},
		"undelegated.paid":   {"domain": "shop.ru", "paid_till": ago(-181 * day)},
		"undelegated.unpaid": {"domain": "shop.ru", "reason": "unpaid", "paid_till": ago(10 * day), "free_date": time.Date(2026, 12, 12, 0, 0, 0, 0, time.UTC)},
		"undelegated.parking": {"domain": "shop.ru", "reason": "unpaid", "paid_till": ago(10 * day), "free_date": time.Date(2026, 12, 12, 0, 0, 0, 0, time.UTC),
			"parking": "RU-CENTER", "unverified": true},
		"undelegated.unverified": {"domain": "shop.ru", "reason": "unverified", "unverified": true, "paid_till": ago(-181 * day), "registrar": "REGRU-RU"},
		"undelegated.stopped":    {"domain": "shop.ru", "reason": "stopped", "paid_till": ago(-181 * day), "registrar": "REGRU-RU"},
		"undelegated.servers":    {"domain": "shop.ru", "reason": "servers", "paid_till": ago(-181 * day), "registrar": "REGRU-RU"},
	} {
		code := checks.DNSUnregistered
		if name != "unregistered" {
			code = checks.DNSUndelegated
		}
		all[name] = checks.Finding{Check: registry.Name, Code: code, Args: args}
	}
	return all
}

// answering is the finding about a proxy that answers requests for the challenge
// with a status.
func answering(f checks.Finding, status int) checks.Finding {
	f.Args = maps.Clone(f.Args)
	f.Args["status"], f.Args[checks.WhoArg] = status, string(checks.BehindProxy(status))
	return f
}

// seenWeb are findings about requests for the challenge.
func seenWeb() map[string]checks.Finding {
	find := func(code checks.Code, args checks.Args) checks.Finding {
		return checks.Finding{Check: checks.WayCheck, Code: code, Args: wayArgs(args)}
	}
	silent := checks.Args{"status": nil, "server": nil, "says": "Timeout during connect (likely firewall problem)"}
	flapping := func(pattern string, failed int) checks.Args {
		return checks.Args{"pattern": pattern, "alternating": pattern == "alternating", "failed": failed, "ok": 6 - failed, "cause": "web.error",
			"share": 100 * failed / 6, "sequence": "+-+-+-", "latency": 12, "status": 503}
	}
	ipv6 := func(fallback bool) checks.Args {
		return checks.Args{"address": "2001:db8::10", "family": "IPv6", "pattern": "family", "fallback": fallback, "cause": "web.refused", "status": nil}
	}
	late := ipv6(false)
	late["rule"] = "deadline"
	all := map[string]checks.Finding{
		"refused": find(checks.WebRefused, silent), "timeout": find(checks.WebTimeout, silent), "reset": find(checks.WebReset, silent),
		"forbidden":            find(checks.WebForbidden, checks.Args{"status": 403}),
		"forbidden.cookie":     find(checks.WebForbidden, checks.Args{"status": 200, "rule": "cookie"}),
		"error":                find(checks.WebError, checks.Args{"status": 503}),
		"notfound":             find(checks.WebNotFound, nil),
		"notfound.foreign":     find(checks.WebNotFound, checks.Args{"placed": false, "rule": "foreign"}),
		"loop":                 find(checks.WebLoop, checks.Args{"status": 301, "url": "https://shop.ru/", "location": "http://shop.ru/"}),
		"redirect.ours":        find(checks.WebRedirect, checks.Args{"status": 301, "location": "http://shop.ru:8080/", "rule": "port", checks.WhoArg: "us"}),
		"redirect":             find(checks.WebRedirect, checks.Args{"status": 301, "location": "http://shop.ru:8080/", "rule": "port"}),
		"body":                 find(checks.WebBody, checks.Args{"status": 200, "rule": "mismatch"}),
		"body.http2":           find(checks.WebBody, checks.Args{"status": nil, "rule": "http2"}),
		"body.untried":         find(checks.WebBody, checks.Args{"status": 200, "rule": "untried", "placed": false}),
		"forbidden.limit":      find(checks.WebForbidden, checks.Args{"status": 429, "rule": "limit", checks.WhoArg: "nobody"}),
		"forbidden.silence":    find(checks.WebForbidden, checks.Args{"status": nil, "rule": "limit", checks.WhoArg: "nobody"}),
		"forbidden.strangers":  find(checks.WebForbidden, checks.Args{"status": 403, "agent": "others", checks.WhoArg: "nobody"}),
		"forbidden.ca":         find(checks.WebForbidden, checks.Args{"status": 403, "agent": "ca"}),
		"timeout.late":         find(checks.WebTimeout, checks.Args{"status": 200, "rule": "deadline"}),
		"ipv6.late":            find(checks.WebIPv6, late),
		"refused.443":          {Check: cert.ServedCheck, Code: checks.WebRefused, Args: checks.Args{"address": "203.0.113.10", "port": 443, "family": "IPv4", "served": true}},
		"ipv6":                 find(checks.WebIPv6, ipv6(false)),
		"ipv6.fallback":        find(checks.WebIPv6, ipv6(true)),
		"flapping":             find(checks.WebFlapping, flapping("random", 2)),
		"flapping.alternating": find(checks.WebFlapping, flapping("alternating", 3)),
		"flapping.address":     find(checks.WebFlapping, flapping("address", 6)),
		"flapping.log": {Check: web.LogCheck, Code: checks.WebFlapping, Args: checks.Args{"pattern": "half", "token": "Zk3w", "sources": 5, "expected": 5,
			"addresses": []string{"23.178.112.208"}, "attempts": 5, "failed": 2, "ok": 3, "cause": "web.error"}},
		"blocked": {Check: web.LogCheck, Code: checks.WebBlocked, Args: checks.Args{"pattern": "some", "token": "Zk3w", "sources": 2, "expected": 4,
			"addresses": []string{"23.178.112.208", "52.28.236.88"}},
			Detail: "Zk3wLq0Yb2mJd8sTf5uVx7nRc1eHg4aPoI6iKjQpWtE: 2 x 200, 0 x 4xx, 0 x 5xx from [23.178.112.208 52.28.236.88]"},
	}
	all["blocked.listed"] = checks.Finding{Check: web.LogCheck, Code: checks.WebBlocked, Args: checks.Args{"pattern": "some", "token": "Zk3w", "sources": 2, "expected": 4,
		"addresses": []string{"23.178.112.208", "52.28.236.88"}, "listed": []string{"52.28.236.88 (zen.example.org)"}}}
	reached, missed := []string{"fra1 (AS64500, de)", "ash1 (AS14618, us)"}, []string{"mow1 (AS64501, ru)"}
	for end, more := range map[string]checks.Args{"": {}, ".names": {quorum.NamesArg: true, checks.WhoArg: "customer"}, ".proxy": {checks.WhoArg: "customer"}, ".absent": {quorum.AbsentArg: []string{"sin1 (AS64503, sg)"}}} {
		f := checks.Finding{Check: checks.VantageCheck, Code: checks.WebBlocked, Args: checks.Args{quorum.ReachedArg: reached, quorum.MissedArg: missed},
			Detail: "mow1 (AS64501, ru): web.timeout " + challenge + " @ 203.0.113.10:80: Timeout during connect (likely firewall problem)"}
		maps.Copy(f.Args, more)
		all["blocked.vantages"+end] = f
	}
	all["flapping.vantages"] = checks.Finding{Check: checks.VantageCheck, Code: checks.WebFlapping, Args: checks.Args{"pattern": quorum.PatternVantages, quorum.ReachedArg: reached, quorum.MissedArg: missed}}
	split := all["timeout"]
	split.Args = wayArgs(split.Args)
	split.Args[quorum.ReachedArg], split.Args[quorum.MissedArg] = missed, reached
	all["timeout.split"] = split
	beside := all["forbidden.limit"]
	beside.Severity = checks.Info
	all["forbidden.beside"] = beside
	walked := all["notfound"]
	walked.Detail = challenge + " @ 203.0.113.10:80 404 [nginx]: Invalid response from " + challenge + ": 404\nbody: \"<html> <head><title>404 Not Found</title></head>\"\n203.0.113.10 ------ web.notfound"
	all["notfound"] = walked
	return all
}

// seenCert are findings about the served certificate and its key.
func seenCert() map[string]checks.Finding {
	find := func(check string, code checks.Code, args checks.Args) checks.Finding {
		return checks.Finding{Check: check, Code: code, Args: args}
	}
	all := map[string]checks.Finding{
		"name":         find(cert.ServedCheck, checks.CertName, servedArgs(checks.Args{"asked": "shop.ru", "first": "neighbour.ru", "names": []string{"neighbour.ru"}})),
		"notinstalled": find(cert.ServedCheck, checks.CertNotInstalled, servedArgs(checks.Args{"issued": ago(9 * day), "by": "file"})),
		"missing.key":  find(cert.KeysCheck, checks.CertMissing, checks.Args{"certificate": "shop.ru_le3", "file": "client17/shop.ru_le3.key"}),
		"missing.vhost": find(cert.VhostsCheck, checks.CertMissing, checks.Args{"certificate": "shop.ru_le3", "count": 2, "more": true,
			"file": "/var/www/httpd-cert/client17/shop.ru_le3.crtca", "vhost": "/etc/nginx/vhosts/client17/shop.ru.conf"}),
		"missing.vhost.one": find(cert.VhostsCheck, checks.CertMissing, checks.Args{"certificate": "shop.ru_le3", "count": 1,
			"file": "/var/www/httpd-cert/client17/shop.ru_le3.key", "vhost": "/etc/nginx/vhosts/client17/shop.ru.conf"}),
		"expired":  find(cert.ServedCheck, checks.CertExpired, servedArgs(checks.Args{"at": ago(3 * day), "until": ago(3 * day)})),
		"notyet":   find(cert.ServedCheck, checks.CertNotYet, servedArgs(checks.Args{"at": ago(-20 * time.Hour), "since": ago(-20 * time.Hour), "until": ago(-90 * day)})),
		"expiring": find(cert.ServedCheck, checks.CertExpiring, servedArgs(checks.Args{"at": ago(-day), "until": ago(-day)})),
	}
	for _, reason := range []string{"incomplete", "order", "unknownroot", "staging", "chainover", "chain", "selfsigned"} {
		all["untrusted."+reason] = find(cert.ServedCheck, checks.CertUntrusted, servedArgs(checks.Args{"reason": reason, "issuer": "Acme Corporate CA"}))
	}
	all["untrusted.second"] = find(cert.ServedCheck, checks.CertUntrusted, servedArgs(checks.Args{"reason": "incomplete", "missing": "Root YR", "signer": "ISRG Root X1", "issuer": "YR1"}))
	all["untrusted.national"] = find(cert.ServedCheck, checks.CertUntrusted, servedArgs(checks.Args{"reason": "national", "issuer": "Russian Trusted Sub CA", checks.WhoArg: string(checks.Customer)}))
	for _, reason := range []string{"handshake", "kind", "leaf", "key"} {
		all["keymismatch."+reason] = find(cert.KeysCheck, checks.CertKeyMismatch, checks.Args{"reason": reason, "certificate": "shop.ru_le3",
			"file": "client17/shop.ru_le3.crtca", "key": "RSA", "of": "EC", "until": ago(-50 * day), "serial": "4c1f"})
	}
	return all
}

// seenEgress are failures of the connection to the CA, by stage.
func seenEgress() map[string]checks.Finding {
	all := map[string]checks.Finding{}
	for stage, more := range map[string]checks.Args{
		"resolve": {}, "connect": {"address": "172.65.32.248:443"}, "tls": {}, "http": {"status": 200}, "proxy": {"proxy": "192.0.2.3:3128"}, "proxy.refused": {"proxy": "192.0.2.3:3128", "status": 403},
	} {
		args := checks.Args{"stage": stage, "host": "acme-v02.api.letsencrypt.org", "directory": "https://acme-v02.api.letsencrypt.org/directory", "error": "timeout"}
		for name, v := range more {
			args[name] = v
		}
		if stage == "proxy.refused" {
			args["stage"], args["error"] = "proxy", "Forbidden"
		}
		all[stage] = checks.Finding{Check: acme.EgressCheck, Server: "isp1", Code: checks.CAUnreachable, Severity: checks.Critical, Args: args}
	}
	return all
}

// looked returns the site with a probe from outside that has these findings and
// failures.
func looked(s reports.Site, found []checks.Finding, failed ...checks.Failure) reports.Site {
	name := s.Subject.Site.Name
	for i := range found {
		f := &found[i]
		f.Server, f.Site = "isp1", name
		f.Severity = cmp.Or(f.Severity, f.Code.Severity())
	}
	ran := []string{checks.NamesCheck, registry.Name, checks.WayCheck, cert.ServedCheck}
	for i := range failed {
		failed[i].Server, failed[i].Site = "isp1", name
		if failed[i].Why != "" {
			ran = append(ran, failed[i].Check)
		}
	}
	s.Server = s.Server.WithProbe(name, checks.Probe{At: now, Checks: ran, Findings: found, Failures: failed})
	return s
}

// outsideCases are the answers to "check" for sites that were probed from
// outside.
func outsideCases() map[string]message {
	all := map[string]message{}
	check := func(s reports.Site) message {
		return func(w compose.Writer) reports.Message { return compose.Check(w, s) }
	}
	for family, findings := range map[string]map[string]checks.Finding{"dns": seenDNS(), "web": seenWeb(), "cert": seenCert(), "egress": seenEgress()} {
		for end, f := range findings {
			s := visit(refused(checks.CAUnauthorized, 41))
			if family == "cert" {
				s = visit()
			}
			all["live."+family+"."+end] = check(looked(s, []checks.Finding{f}))
		}
	}
	for name, failed := range map[string][]checks.Failure{"live.drop": nil, "live.drop.unsure": {{Check: checks.NamesCheck, Name: "www.shop.ru", Err: "timeout"}}} {
		s := visit(func(x *checks.Subject) { x.Site.Aliases = []string{"www.shop.ru", "old.ru", "older.ru"} })
		all[name] = check(looked(s, []checks.Finding{
			{Check: checks.NamesCheck, Name: "old.ru", Code: checks.DNSElsewhere, Args: seenDNS()["elsewhere"].Args}, {Check: checks.NamesCheck, Name: "older.ru", Code: checks.DNSNXDomain}}, failed...))
	}
	for name, days := range map[string]time.Duration{"served": 60, "served.over": -30} {
		s := looked(visit(valid(102*day, -12*day)), nil)
		look := s.Server.Probes["shop.ru"]
		look.Served = checks.Validity{NotBefore: now.Add((days - 90) * day), NotAfter: now.Add(days * day)}
		s.Server = s.Server.WithProbe("shop.ru", look)
		all["live."+name] = check(s)
	}
	at := func(name, network, country string, code checks.Code, blind checks.Blind) checks.Sight {
		return checks.Sight{From: checks.Vantage{Name: name, Network: network, Country: country}, Code: code, Blind: blind}
	}
	good := at("fra1", "AS64500", "de", checks.OK, "")
	for name, sights := range map[string][]checks.Sight{
		"all":  {good, at("ash1", "AS14618", "us", checks.OK, ""), at("mow1", "", "ru", checks.OK, "")},
		"some": {good, at("mow1", "AS64501", "ru", checks.WebTimeout, ""), at("ash1", "", "", checks.OK, ""), at("sin1", "AS64503", "sg", checks.WebTimeout, "")},
		"blind": {good, at("mow1", "AS64501", "ru", checks.Unknown, checks.BlindName), at("ash1", "", "", checks.Unknown, checks.BlindCanary),
			at("sin1", "", "", checks.Unknown, checks.BlindClock), at("gru1", "", "", checks.Unknown, checks.BlindSilent), at("jnb1", "", "", checks.Unknown, checks.BlindSplit)},
	} {
		var found []checks.Finding
		if name == "some" {
			found = []checks.Finding{seenWeb()["blocked.vantages"]}
		}
		s := looked(visit(), found)
		look := s.Server.Probes["shop.ru"]
		look.Sights = sights
		look.Checks = append(look.Checks, checks.VantageCheck)
		s.Server = s.Server.WithProbe("shop.ru", look)
		all["live.seen."+name] = check(s)
	}
	elsewhere, alias := seenDNS()["elsewhere"], seenDNS()["nxdomain"]
	alias.Name = "www.shop.ru"
	mild := seenDNS()["proxied"]
	mild.Severity = checks.Info
	timeout := func(check string) checks.Failure {
		return checks.Failure{Check: check, Err: "asking 127.0.0.1:53 about shop.ru: timeout"}
	}
	away := func(check, why string) checks.Failure {
		return checks.Failure{Check: check, Err: "panel isp1: " + why, Why: why}
	}
	for name, s := range map[string]reports.Site{
		"host.away":     looked(visit(), nil, away(web.LogCheck, "noanswer"), away(acme.EgressCheck, "noanswer"), away(cert.KeysCheck, "noanswer")),
		"host.old":      looked(visit(), nil, away(acme.EgressCheck, "oldagent")),
		"ok":            looked(visit(), nil),
		"ok.proxied":    looked(visit(), []checks.Finding{mild}),
		"alias":         looked(visit(), []checks.Finding{alias}),
		"many":          looked(visit(valid(102*day, -12*day), refused(checks.CADNS, 41)), []checks.Finding{elsewhere, seenDNS()["caa"], seenWeb()["notfound"], seenCert()["name"]}),
		"failed.dns":    looked(visit(refused(checks.CADNS, 41)), nil, timeout(checks.NamesCheck)),
		"failed.way":    looked(visit(refused(checks.CADNS, 41)), []checks.Finding{elsewhere}, timeout(checks.WayCheck), timeout(registry.Name)),
		"failed.served": looked(visit(), nil, timeout(cert.ServedCheck), timeout(cert.KeysCheck), timeout(web.LogCheck)),
	} {
		all["live."+name] = check(s)
	}
	return all
}

// sweepCases are a sweep from its beginning to each of its ends.
func sweepCases() map[string]message {
	all := map[string]message{}
	for n, sum := range map[int]map[checks.Code]int{
		1: {checks.OK: 1}, 2: {checks.OK: 1, checks.Unknown: 1},
		3412: {checks.OK: 1987, checks.DNSElsewhere: 641, checks.DNSUnregistered: 402, checks.DNSNXDomain: 211, checks.WebNotFound: 96, checks.DNSCAA: 44,
			checks.Unknown: 17, checks.WebTimeout: 9, checks.CertExpired: 5},
	} {
		all[fmt.Sprintf("sweep.%d", n)] = func(w compose.Writer) reports.Message {
			return compose.Summary(w, compose.SweepResult{Domains: n, ByCode: sum, Took: time.Duration(n) * 200 * time.Millisecond})
		}
	}
	codes := map[checks.Code]int{checks.OK: 3316, checks.DNSElsewhere: 52, checks.DNSPartly: 3, checks.DNSUnregistered: 19, checks.WebTimeout: 14, checks.Unknown: 8}
	maps.Copy(all, map[string]message{
		"sweep.begun":   func(w compose.Writer) reports.Message { return compose.SweepBegun(w, 3412) },
		"sweep.under":   func(w compose.Writer) reports.Message { return compose.Sweeping(w, "12", 312, 3412) },
		"sweep.stopped": func(w compose.Writer) reports.Message { return compose.SweepStopped(w, 312, 3412) },
		"sweep.done": func(w compose.Writer) reports.Message {
			return compose.Swept(w, compose.SweepResult{Domains: 3412, ByCode: codes, Took: 4*time.Minute + 12*time.Second})
		},
		"sweep.well": func(w compose.Writer) reports.Message {
			return compose.Swept(w, compose.SweepResult{Domains: 21, ByCode: map[checks.Code]int{checks.OK: 21}, Took: 3 * time.Second})
		},
	})
	return all
}
