package golden

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/panel"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// checkCases are the answers to "check" for a site in every state.
func checkCases() map[string]message {
	check := func(s reports.Site) message {
		return func(w compose.Writer) reports.Message { return compose.Check(w, s) }
	}
	all := map[string]message{}
	for code := range words() {
		name := "check." + string(code)
		all[name] = check(visit(refused(code, 41)))
	}
	asked := visit()
	asked.Asked = "www.shop.ru"
	pasted := visit(func(x *checks.Subject) { x.Site.Aliases = nil })
	pasted.Asked = "www.shop.ru"
	twice := visit()
	twice.Also = []string{"isp2", "isp3"}
	stale := visit()
	stale.Server.Trouble = "locked"
	stale.Server.Read = ago(26 * time.Hour)
	before := visit(func(x *checks.Subject) { x.File, x.FileErr = nil, fmt.Errorf("reading: %w", fs.ErrNotExist) })
	before.Server.Opened = reports.Since{}
	first := incident(checks.Finding{Server: "isp1", Site: "shop.ru", Code: checks.CertMissing}, 9*day)
	first.Baseline = true
	before.Server.Opened.Add(first)
	unknown := visit(func(x *checks.Subject) { x.File, x.FileErr = nil, fmt.Errorf("reading: %w", fs.ErrPermission) })
	for name, s := range map[string]reports.Site{
		"ok":            visit(),
		"before":        before,
		"alias":         asked,
		"notalias":      pasted,
		"twice":         twice,
		"stale":         stale,
		"expired":       visit(valid(102*day, -12*day), refused(checks.CADNS, 41)),
		"expired.alone": visit(valid(102*day, -12*day)),
		"expiring":      visit(valid(88*day, 2*day)),
		"overdue":       visit(valid(84*day, 6*day)),
		"missing":       visit(func(x *checks.Subject) { x.File, x.FileErr = nil, fmt.Errorf("reading: %w", fs.ErrNotExist) }),
		"untrusted": visit(func(x *checks.Subject) {
			x.File = &checks.CertificateFile{Issuer: "shop.ru", NotBefore: ago(day), NotAfter: ago(-364 * day), SelfSigned: true}
		}),
		"unread":        unknown,
		"ca.flaky":      visit(recovered(3)),
		"ca.flaky.once": visit(recovered(1)),
		"nofolder":      visit(func(x *checks.Subject) { x.File, x.FileErr = nil, errors.New("the folder cannot be opened") }),
		"nofiles":       visit(func(x *checks.Subject) { x.File = nil }),
		"row":           visit(func(x *checks.Subject) { x.File, x.Certificate.Started = nil, ago(86*day) }),
		"nocertificate": visit(func(x *checks.Subject) {
			x.File, x.Certificate, x.Site.Certificate, x.Site.Secure = nil, nil, "", checks.Off
		}),
		"noredirect": visit(func(x *checks.Subject) { x.Site.Redirect = checks.Off }),
		"inactive":   visit(valid(102*day, -12*day), func(x *checks.Subject) { x.Site.Active = checks.Off }),
		"unset": visit(func(x *checks.Subject) {
			x.Site.Active, x.Site.Secure, x.Site.Redirect = checks.Unset, checks.Unset, checks.Unset
		}),
		"issuing": visit(refused(checks.CADNS, 1), func(x *checks.Subject) {
			x.Certificate.Processing, x.Certificate.Failed, x.Certificate.Started = checks.On, checks.Off, ago(3*time.Hour+12*time.Minute)
		}),
		"ca.unauthorized.now.ours": pointing(visit(refused(checks.CAUnauthorized, 3), words404)),
		"ca.connection.now.ours":   pointing(visit(refused(checks.CAConnection, 3), wordsRefused)),
		"ca.unauthorized.nat":      behindNAT(visit(refused(checks.CAUnauthorized, 3))),
		"ca.unauthorized.moved":    pointing(visit(refused(checks.CAUnauthorized, 3))),
		"ca.connection.moved":      pointing(visit(refused(checks.CAConnection, 3))),
		"ca.connection.moved.loop": pointing(quoting("198.51.100.7: Fetching http://shop.ru/: Redirect loop detected")),
		"ca.remote.moved":          pointing(quoting("During secondary validation: 198.51.100.7: Fetching http://shop.ru/.well-known/acme-challenge/x: Connection refused")),
		"ca.remote.dns.own":        onOurServers(quoting("During secondary validation: DNS problem: query timed out looking up A for shop.ru")),
		"ca.remote.caa.own":        onOurServers(quoting("During secondary validation: While processing CAA for shop.ru: CAA record for shop.ru prevents issuance")),
		"ca.dns.own":               onOurServers(quoting("DNS problem: SERVFAIL looking up A for shop.ru - the domain's nameservers may be malfunctioning")),
		"ca.dns.dnssec.own":        onOurServers(quoting("DNS problem: looking up A for shop.ru: DNSSEC: Bogus: validation failure <shop.ru. A IN>: signature expired")),
		"ca.tls.moved":             pointing(visit(refused(checks.CATLS, 3))),
		"overdue.tried":            visit(valid(84*day, 6*day), refused(checks.Unknown, 3)),
		"overdue.untried": visit(valid(84*day, 6*day), func(x *checks.Subject) {
			x.History = &checks.History{Last: checks.LastTry{Outcome: checks.OutcomeIssued, Time: ago(84 * day)}, Issued: ago(84 * day)}
		}),
		"untrusted.ordered": visit(func(x *checks.Subject) {
			x.File = &checks.CertificateFile{Issuer: "shop.ru", NotBefore: ago(day), NotAfter: ago(-364 * day), SelfSigned: true}
			x.Certificate.Processing, x.Certificate.Started = checks.On, ago(10*time.Minute)
		}),
		"unlogged": visit(valid(84*day, 40*day), func(x *checks.Subject) { x.History, x.Certificate.Failed = nil, checks.On }),
		"stalled": visit(refused(checks.CADNS, 5), func(x *checks.Subject) {
			x.Certificate.Processing, x.Certificate.Started = checks.On, ago(26*time.Hour)
		}),
		"cyrillic": visit(refused(checks.CADNS, 2), func(x *checks.Subject) { x.Site.Name, x.Site.Aliases = "xn--e1afmkfd.xn--p1ai", nil }),
	} {
		all["check."+name] = check(s)
	}
	return all
}

// pointing is the site after a look from outside found that its name points to us.
func pointing(s reports.Site) reports.Site {
	s.Server.Probes = map[string]checks.Probe{s.Subject.Site.Name: {At: ago(2 * time.Hour), Checks: []string{checks.NamesCheck}}}
	return s
}

// onOurServers is the site whose zone was on our name servers when it was looked
// at from outside.
func onOurServers(s reports.Site) reports.Site {
	s = pointing(s)
	p := s.Server.Probes[s.Subject.Site.Name]
	p.Own = "ns1.hosting.ru"
	s.Server.Probes[s.Subject.Site.Name] = p
	return s
}

// behindNAT is the site on a panel that knows its inner address only.
func behindNAT(s reports.Site) reports.Site {
	lookKnowing(&s.Server, panel.Places{Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.5")}})
	return s
}

// words404 and wordsRefused are texts of the CA, or of a client, that do not name
// the address.
func words404(x *checks.Subject) {
	x.History.Last.Text = "Invalid response from http://shop.ru/.well-known/acme-challenge/x: 404"
}

func wordsRefused(x *checks.Subject) {
	x.History.Last.Text = "Fetching http://shop.ru/.well-known/acme-challenge/x: Connection refused"
}

// whyCases are the answers to "why".
func whyCases() map[string]message {
	past := visit()
	old := incident(checks.Finding{Server: "isp1", Site: "shop.ru", Code: checks.CADNS, Severity: checks.Warning}, 90*day)
	old.Baseline, old.Times.Resolved = true, ago(60*day)
	lately := incident(checks.Finding{Server: "isp1", Site: "shop.ru", Code: checks.CertOverdue, Severity: checks.Warning}, 26*time.Hour)
	passed := lately
	passed.Times.Opened, passed.Times.Resolved = ago(5*day), ago(5*day-3*time.Hour)
	past.Past = []reports.Incident{lately, passed, old}
	attempt := func(age time.Duration, outcome checks.AttemptOutcome, status string, code checks.Code) reports.ClassifiedAttempt {
		a := checks.Attempt{Server: "isp1", Outcome: outcome, Status: status, Time: ago(age), Text: words()[code]}
		if age == 0 {
			a.Time = time.Time{}
		}
		if code == checks.Unknown {
			code = ""
		}
		return reports.ClassifiedAttempt{Attempt: a, Code: code}
	}
	past.Attempts = []reports.ClassifiedAttempt{
		attempt(time.Hour, checks.OutcomeFailed, "failed", checks.CADNS),
		attempt(25*time.Hour, checks.OutcomeFailed, "failed", checks.CADNS),
		attempt(49*time.Hour, checks.OutcomeFailed, "failed", checks.CADNS),
		attempt(50*time.Hour, checks.OutcomeFailed, "failed", checks.Unknown),
		attempt(0, checks.OutcomeOther, "process", ""),
		attempt(130*day, checks.OutcomeIssued, "success", ""),
	}
	past.Acts = []reports.Act{{At: ago(2 * time.Hour), Who: "Анна", Command: "check shop.ru"}}
	paused := visit()
	refusal := visit(refused(checks.CAPaused, 41)).Subject.History.Last
	paused.Attempts = []reports.ClassifiedAttempt{{Attempt: checks.Attempt{Server: "isp1", Outcome: checks.OutcomeFailed, Status: "failed", Time: refusal.Time, Text: refusal.Text},
		Code: checks.CAPaused, Args: checks.Args{checks.Secret: link}}}
	return map[string]message{
		"why":         func(w compose.Writer) reports.Message { return compose.Why(w, past) },
		"why.nothing": func(w compose.Writer) reports.Message { return compose.Why(w, visit()) },
		"why.paused":  func(w compose.Writer) reports.Message { return compose.Why(w, paused) },
		"why.paused.admin": func(w compose.Writer) reports.Message {
			w.Secrets = true
			return compose.Why(w, paused)
		},
	}
}

// causeTexts are answers of the CA by the name of their case: one cause may have
// several texts with different advice.
func causeTexts() map[string]string {
	const (
		address = "198.51.100.7: "
		own     = "203.0.113.10: "
		cdn     = "104.16.1.1: "
		file    = "http://shop.ru/.well-known/acme-challenge/Jx3bT0YvTWvKqkWl0rQ2fR1d"
		fetched = address + "Fetching " + file + ": "
		until   = ", retry after 2026-11-21 15:40:00 UTC: see https://letsencrypt.org/docs/rate-limits/"
		over    = ", retry after 2026-11-21 02:40:00 UTC: see https://letsencrypt.org/docs/rate-limits/"
		refused = `Error creating new order :: Cannot issue for "`
		orders  = "too many new orders (300) from this account in the last 3h0m0s"
		domain  = `too many certificates (50) already issued for "shop.ru" in the last 168h0m0s`
		set     = "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s"
		checked = `too many failed authorizations (5) for "shop.ru" in the last 1h0m0s`
		opened  = "too many new registrations (10) from this IP address in the last 3h0m0s"
		busy    = "urn:ietf:params:acme:error:rateLimited :: Service busy; retry later."
	)
	return map[string]string{
		"ratelimited.orders": orders + until, "ratelimited.orders.over": orders + over, "ratelimited.orders.old": "too many new orders recently",
		"ratelimited.domain": domain + until, "ratelimited.domain.over": domain + over, "ratelimited.domain.old": "too many certificates already issued",
		"ratelimited.set": set + until, "ratelimited.set.over": set + over,
		"ratelimited.failures": checked + until, "ratelimited.failures.over": checked + over, "ratelimited.failures.old": "too many failed authorizations recently",
		"ratelimited.failures.cyrillic": `too many failed authorizations (5) for "xn--e1afmkfd.xn--p1ai" in the last 1h0m0s` + until,
		"ratelimited.accounts":          opened + until, "ratelimited.accounts.over": opened + over,
		"ratelimited.pending":  "Error creating new authz :: too many currently pending authorizations: 312",
		"ratelimited.requests": busy, "ratelimited.requests.over": "HTTP/2 503\nretry-after: 60\n\n" + busy,
		"ratelimited.other": "urn:ietf:params:acme:error:rateLimited", "ratelimited.other.over": "urn:ietf:params:acme:error:rateLimited :: slow down" + over,
		"paused.many":            "Your account is temporarily prevented from requesting certificates for shop.ru, www.shop.ru and possibly others. Please visit: " + link,
		"paused.short":           "See " + link,
		"blocked.ca":             "Account blocked :: write to us",
		"blocked.revoked":        "An account with the provided public key exists but is revoked",
		"rejected.policy":        refused + `shop.ru": The ACME server refuses to issue a certificate for this domain name, because it is forbidden by policy (and 2 more problems. Refer to sub-problems for more information.)`,
		"rejected.nameless":      "Policy forbids issuing for name",
		"rejected.suffix":        refused + `shop.local": Domain name does not end with a valid public suffix (TLD)`,
		"rejected.spelling":      refused + `my_shop.ru": Domain name contains an invalid character`,
		"rejected.labels":        refused + `a.b.c.d.e.f.g.h.i.shop.ru": Domain name has more than 10 labels (parts)`,
		"rejected.recursive":     refused + `www.mail.www.shop.ru": domain name contains too many subdomain labels indicative of recursive on-demand issuance`,
		"rejected.address":       refused + `192.0.2.7": Identifier type is DNS but value is an IP address`,
		"rejected.other":         "urn:ietf:params:acme:error:rejectedIdentifier",
		"dns.servfail":           "DNS problem: SERVFAIL looking up A for shop.ru - the domain's nameservers may be malfunctioning",
		"dns.caa":                "DNS problem: query timed out looking up CAA for shop.ru",
		"dns.txt":                "DNS problem: SERVFAIL looking up TXT for _acme-challenge.shop.ru - the domain's nameservers may be malfunctioning",
		"dns.dnssec":             "DNS problem: looking up A for shop.ru: DNSSEC: Bogus: validation failure",
		"dns.missing":            "DNS problem: NXDOMAIN looking up TXT for _acme-challenge.shop.ru - check that a DNS record exists for this domain",
		"dns.noaddress":          "no valid A records found for shop.ru; no valid AAAA records found for shop.ru",
		"caa.type":               "urn:ietf:params:acme:error:caa",
		"unauthorized.txt":       "No TXT record found at _acme-challenge.shop.ru",
		"unauthorized.wrong":     `Incorrect TXT record "v=spf1 -all" found at _acme-challenge.shop.ru`,
		"unauthorized.alpn":      address + "Incorrect validation certificate for tls-alpn-01 challenge. Requested shop.ru from 198.51.100.7:443.",
		"unauthorized.page":      address + "Invalid response from " + file + `: "<html>` + link + `"`,
		"unauthorized.somewhere": "Invalid response from " + file + ": 404", "unauthorized.ours": own + "Invalid response from " + file + ": 404",
		"unauthorized.ours.page": own + "Invalid response from " + file + `: "<html>"`, "unauthorized.ours.forbidden": own + "Invalid response from " + file + ": 403",
		"unauthorized.refused": "urn:ietf:params:acme:error:unauthorized :: something new", "unauthorized.persist": "No TXT record found for DNS-PERSIST-01 challenge",
		"unauthorized.persist.wrong": "policy mismatch: expected \"wildcard\", got \"\"", "unauthorized.persist.late": "validation time 2026-11-28 10:00:00 +0000 UTC is after persistUntil 2026-10-01 00:00:00 +0000 UTC",
		"unauthorized.proxy.404": cdn + "Invalid response from " + file + ": 404", "unauthorized.proxy.403": cdn + "Invalid response from " + file + ": 403",
		"unauthorized.proxy.page": cdn + "Invalid response from " + file + `: "<html>"`,
		"unauthorized.proxy.522":  cdn + "Invalid response from " + file + ": 522", "unauthorized.proxy.526": cdn + "Invalid response from " + file + ": 526", "unauthorized.proxy.530": cdn + "Invalid response from " + file + ": 530",
		"connection.ours": own + "Fetching " + file + ": Timeout during connect (likely firewall problem)", "connection.proxy": cdn + "Fetching " + file + ": Connection refused", "connection.somewhere": "Fetching " + file + ": Connection refused",
		"tls.ours": own + "Fetching https://shop.ru/: remote error: tls: handshake failure", "tls.proxy": cdn + "Fetching https://shop.ru/: remote error: tls: handshake failure", "tls.somewhere": "Fetching https://shop.ru/: remote error: tls: handshake failure",
		"remote.dns": "During secondary validation: DNS problem: query timed out looking up A for shop.ru", "remote.proxy": "During secondary validation: " + cdn + "Invalid response from " + file + ": 403",
		"remote.caa":       "During secondary validation: While processing CAA for shop.ru: CAA record for shop.ru prevents issuance",
		"remote.elsewhere": "During secondary validation: " + fetched + "Connection refused",
		"remote.answered":  "During secondary validation: " + own + "Invalid response from " + file + ": 403", "remote.loop": "During secondary validation: " + own + "Fetching " + file + ": Redirect loop detected",
		"remote.txt": "During secondary validation: No TXT record found at _acme-challenge.shop.ru", "connection.proxy.loop": cdn + "Fetching " + file + ": Redirect loop detected",
		"internal.network": "DNS problem: networking error looking up A for shop.ru", "internal.processing": "Order status is 'processing', let's sleep and retry.", "internal.overload": "It seems the CA server is currently overloaded, let's wait and retry.",
		"rejected.wildcard":  "Wildcard domain names are not supported",
		"connection.refused": fetched + "Connection refused", "connection.reset": fetched + "Connection reset by peer",
		"connection.slow": fetched + "Timeout after connect (your server may be slow or overloaded)",
		"connection.loop": fetched + "Redirect loop detected", "connection.redirect": fetched + "Too many redirects",
		"connection.other": fetched + "Error getting validation data",
		"client.webserver": "It seems that the nginx config is not correct, cannot continue.",
		"client.file":      "Ошибка при работе с файлами", "client.disk": "[Errno 28] No space left on device", "client.lock": "Another instance of Certbot is already running.",
		"client.names": "Error creating new order :: Order cannot contain more than 100 identifiers", "client.twice": `Domain name "www.shop.ru" is redundant with a wildcard domain in the same request.`,
		"client.staple": "Error finalizing order :: OCSP must-staple extension is no longer available: see https://letsencrypt.org/2024/12/05/ending-ocsp",
		"client.v1":     "Account creation on ACMEv1 is disabled. Please upgrade your ACME client to a version that supports ACMEv2 / RFC 8555.",
		"client.csr":    "Error finalizing order :: CSR does not specify same identifiers as Order", "client.profile": `Error creating new order :: Profile "" does not permit ip type identifiers`,
		"client.challenge": "Supported validation types are: dns-01 , but you specified: dns-persist-01",
		"client.ports":     "None of the ACME challenge methods configured for this domain are suitable. The http: challenge 'http-01' is disabled because the server seems not reachable on public port 80.",
		"client.tool":      "It seems that магазин.рф is an IDN (Internationalized Domain Names), please install the 'idn' command first.",
		"client.trust":     "curl: (77) error setting certificate verify locations:  CAfile: /etc/ssl/certs/ca-certificates.crt", "client.port": "tcp port 80 is already used by (nginx",
		"client.hook": "Error deploying for domain: shop.ru", "client.settings": "Missing command line flag or config entry for this setting: Input the webroot for shop.ru:",
		"client.selfcheck": "ValueError: Wrote file to /var/www/x, but couldn't download " + file, "client.refused": "Error finalizing order :: a new reason",
		"client.contact": "urn:ietf:params:acme:error:invalidContact",
		"client.account": "No account exists with the provided key", "client.dnsapi": "Error adding TXT record to domain: _acme-challenge.shop.ru",
	}
}

// link unpauses an account; only administrators may see it.
const link = "https://portal.letsencrypt.org/sfe/v1/unpause?jwt=eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2lnbmVk"

// quoting is a site whose last answer from the CA is this text.
func quoting(text string) reports.Site {
	return visit(refused(checks.Unknown, 41), func(x *checks.Subject) { x.History.Last.Text = text })
}

// refusedNames are names for which the CA does not issue whatever DNS says, by
// the rule that they break.
func refusedNames() map[string]string {
	return map[string]string{
		"underscore": "мой_магазин.рф", "hyphen": "-shop.ru", "reserved": "ab--shop.ru", "punycode": "xn--zzzzzzzz.ru",
		"label": strings.Repeat("shop", 16) + ".ru", "length": strings.Repeat("shop.", 51) + "ru",
		"suffix": "crm.lan", "public": "co.uk", "single": "localhost",
	}
}

// causeCases are the answers to "check" for each text of the CA.
func causeCases() map[string]message {
	all := map[string]message{}
	for name, text := range causeTexts() {
		all["check.ca."+name] = func(w compose.Writer) reports.Message { return compose.Check(w, quoting(text)) }
	}
	for rule, name := range refusedNames() {
		all["check.ca.rejected.site."+rule] = func(w compose.Writer) reports.Message {
			return compose.Check(w, visit(func(x *checks.Subject) { x.Site.Name, x.Site.Aliases = name, nil }))
		}
	}
	all["check.ca.rejected.alias"] = func(w compose.Writer) reports.Message {
		return compose.Check(w, visit(func(x *checks.Subject) { x.Site.Aliases = []string{"www.shop.ru", "old_shop.shop.ru"} }))
	}
	all["check.ca.paused.admin"] = func(w compose.Writer) reports.Message {
		w.Secrets = true
		return compose.Check(w, visit(refused(checks.CAPaused, 41)))
	}
	return all
}

// A time that the CA named is said to be over once it has passed.
func TestCausesSayWhetherTheTimeIsOver(t *testing.T) {
	for name, text := range causeTexts() {
		s := quoting(text)
		i := slices.IndexFunc(s.Server.Outcome.Findings, func(f checks.Finding) bool { return f.Check == "issuing" })
		if i < 0 {
			t.Errorf("%s: no finding", name)
			continue
		}
		f := s.Server.Outcome.Findings[i]
		if !strings.HasPrefix(string(f.Code), "ca."+name[:strings.Index(name, ".")]) {
			t.Errorf("%s: %s", name, f.Code)
		}
		until, ok := f.Args["until"].(time.Time)
		if over, _ := f.Args["over"].(bool); over != strings.HasSuffix(name, ".over") || over && (!ok || until.After(now)) {
			t.Errorf("%s: %v", name, f.Args)
		}
	}
}
