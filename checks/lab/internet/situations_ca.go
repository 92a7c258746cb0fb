package internet

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// certificateSituations have faults of the certificate in the file or the one
// served.
func certificateSituations() []Situation {
	const rule, pairs = "causes: issued but not installed", "5.2 key mismatch"
	key := func(certificate, key Leaf) step { // the previous pair is still served: nginx does not load this one
		return func(l *Lab) error {
			var err error
			if l.draft.file, err = l.CA.Issue(ofSite(certificate)); err != nil {
				return err
			}
			l.draft.key, err = l.CA.Issue(ofSite(key))
			return err
		}
	}
	leafLast := func(l *Lab) error {
		l.draft.bundle = func(c *tls.Certificate) []byte { return ChainPEM(c, true) }
		return nil
	}
	below := func(ca func(*Lab) (*CA, error), missing int, names ...string) step {
		return func(l *Lab) error {
			signer, err := ca(l)
			if err != nil {
				return err
			}
			c, err := signer.IssueBelow(ofSite(Leaf{}), names...)
			if err == nil && missing > 0 {
				c = Without(c, missing)
			}
			l.draft.file, l.draft.key, l.draft.served = c, c, c
			return err
		}
	}
	known := func(l *Lab) (*CA, error) { return l.CA, nil }
	other := func(*Lab) (*CA, error) { return NewCA() }
	const generations = "https://letsencrypt.org/certificates/"
	without := func(l *Lab) error { l.Panel.Certificate, l.Panel.Key, l.draft.served = "", "", nil; return nil }
	return []Situation{
		row("the key of another certificate", pairs, "cert.keymismatch", key(Leaf{}, Leaf{})),
		row("an RSA certificate with an EC key", pairs, "cert.keymismatch", key(Leaf{RSA: true}, Leaf{}), doors(ownAddr, Open, NoCipher)),
		row("an EC certificate with an RSA key", pairs, "cert.keymismatch", key(Leaf{}, Leaf{RSA: true}), doors(ownAddr, Open, NoCipher)),
		row("a bundle with the leaf last", pairs, "cert.keymismatch", leafLast),
		row("the file is gone", "5.2 cert file missing", "cert.missing", func(l *Lab) error { l.draft.file = nil; return nil }),
		row("renewed, and the old one is served", rule, "cert.notinstalled", certificate(Leaf{}, lasting(20))),
		row("renewed, and the expired one is served", rule, "cert.notinstalled", certificate(Leaf{}, lasting(-3))).also("cert.expired"),
		row("an alias that the certificate lacks", "-", "cert.name", sameCertificate(Leaf{Names: []string{domain}}, nil)),
		row("another site's certificate is served", "-", "cert.name", sameCertificate(Leaf{Names: []string{"neighbour.ru"}}, nil)),
		row("a certificate signed by itself", "-", "cert.untrusted", sameCertificate(Leaf{SelfSigned: true}, nil)),
		row("the intermediate is missing", "-", "cert.untrusted", sameCertificate(Leaf{}, WithoutChain)),
		row("the first of two intermediates is missing", generations, "cert.untrusted", below(known, 1, "Root YR", "YR1")),
		row("the second intermediate is missing", generations, "cert.untrusted", below(known, 2, "Root YR", "YR1")),
		row("the second of three intermediates is missing", generations, "cert.untrusted", below(known, 2, "ISRG Root X2", "Root YE", "YE1")),
		row("three intermediates, well", generations, "ok", below(known, 0, "ISRG Root X2", "Root YE", "YE1")),
		row("of the national CA of Russia", "https://www.gosuslugi.ru/crt", "cert.untrusted", below(other, 0, "Russian Trusted Sub CA")),
		row("expired three days ago", "-", "cert.expired", sameCertificate(lasting(-3), nil)),
		row("valid from tomorrow", "-", "cert.notyet", sameCertificate(lasting(91), nil)),
		row("five days left of ninety", "-", "cert.overdue", sameCertificate(lasting(5), nil)),
		row("one day left of ninety", "-", "cert.overdue", sameCertificate(lasting(1), nil)).also("cert.expiring"),
		row("an RSA certificate, well", "-", "ok", sameCertificate(Leaf{RSA: true}, nil)),
		row("no certificate at all", "-", "panel.nocertificate", without),
	}
}

// Texts of the CA, as in the issuance log.
const (
	secondaryText   = "During secondary validation: %ip: Fetching http://%name/.well-known/acme-challenge/%token: Timeout during connect (likely firewall problem)"
	remoteDNSText   = "During secondary validation: DNS problem: query timed out looking up A for %name; DNS problem: query timed out looking up AAAA for %name"
	unauthorized    = "%ip: Invalid response from http://%name/.well-known/acme-challenge/%token: 404"
	connectionText  = "%ip: Fetching http://%name/.well-known/acme-challenge/%token: Connection reset by peer"
	pausedText      = "Your account is temporarily prevented from requesting certificates for %name and possibly others. Please visit: https://portal.letsencrypt.org/sfe/v1/unpause?jwt=eyJhbGciOi"
	policyText      = `Error creating new order :: Cannot issue for "%name": The ACME server refuses to issue a certificate for this domain name, because it is forbidden by policy`
	blockedText     = "Account blocked :: please contact us"
	caaText         = "While processing CAA for %name: CAA record for %name prevents issuance"
	nxdomainText    = "DNS problem: NXDOMAIN looking up A for %name - check that a DNS record exists for this domain; DNS problem: NXDOMAIN looking up AAAA for %name - check that a DNS record exists for this domain"
	nonceText       = `JWS has an invalid anti-replay nonce: "taroDvhk2H7ErEkhFCq8zux1hCbY0KzFQDEFGjMaSvvCC_k"`
	internalText    = `{"type":"urn:ietf:params:acme:error:serverInternal","detail":"Error creating new order","status":500}`
	unreachableText = "Could not resolve host: acme-v02.api.letsencrypt.org"
	failuresText    = `too many failed authorizations (5) for "%name" in the last 1h0m0s, retry after `
	limitsURL       = " UTC: see https://letsencrypt.org/docs/rate-limits/#authorization-failures-per-identifier-per-account"
)

// authoritySituations are about the CA: its texts, the validators in the access
// log, and our connection to it.
func authoritySituations() []Situation {
	return slices.Concat(wordSituations(), visitorSituations(), egressSituations(), listSituations())
}

// wordSituations have no fault other than the CA's last text.
func wordSituations() []Situation {
	const words = "the CA's words"
	limited := func(l *Lab) error {
		return failed(failuresText + time.Now().UTC().Add(20*time.Minute).Format(time.DateTime) + limitsURL)(l)
	}
	issued := func(l *Lab) error {
		l.Panel.Attempts = append(l.Panel.Attempts, Attempt{At: time.Now().Add(-10 * time.Minute)})
		return nil
	}
	return []Situation{
		row("failed for the CA's other validators", words, "ca.remote", failed(secondaryText)),
		row("failed with 404, and the way is good now", words, "ca.unauthorized", failed(unauthorized)).by("us"),
		row("failed to connect, and the way is good now", words, "ca.connection", failed(connectionText)).by("us"),
		row("failed with 404 at another's address, and the name points to us now", words, "ca.unauthorized", failed(strangerV4+": Invalid response from http://%name/.well-known/acme-challenge/%token: 404")).by("us"),
		row("failed with 404, without a word about where", words, "ca.unauthorized", failed("Invalid response from http://%name/.well-known/acme-challenge/%token: 404")).by("us"),
		row("a CDN does not accept our certificate", words, "ca.unauthorized", failed(cdnAddr+": Invalid response from https://%name/.well-known/acme-challenge/%token: 526")).by("customer"),
		row("a CDN gets no connection to us", words, "ca.unauthorized", failed(cdnAddr+": Invalid response from https://%name/.well-known/acme-challenge/%token: 522")).by("us"),
		row("a CDN's rule keeps some validators out", words, "ca.remote", failed("During secondary validation: "+cdnAddr+": Invalid response from http://%name/.well-known/acme-challenge/%token: 403")).by("customer"),
		row("other validators get no answer from the DNS", words, "ca.remote", failed("During secondary validation: DNS problem: query timed out looking up A for %name")).by("customer"),
		row("the CA's own resolver fails", words, "ca.internal", failed("DNS problem: server failure at resolver looking up A for %name")).by("ca"),
		row("the order was refused at its end", words, "ca.client", failed("{\"type\":\"urn:ietf:params:acme:error:unauthorized\",\"detail\":\"Error finalizing order :: OCSP must-staple extension is no longer available\",\"status\":403}")).by("us"),
		row("no record for DNS-PERSIST-01", words, "ca.unauthorized", failed("No TXT record found for DNS-PERSIST-01 challenge")).by("us"),
		row("the web server does not load the new pair", words, "cert.keymismatch", failed("nginx: [emerg] SSL_CTX_use_PrivateKey(\"/x.key\") failed (SSL: error:05800074:x509 certificate routines::key values mismatch)")).by("us"),
		row("failed in the DNS, which is good now", words, "ca.dns", failed(nxdomainText)),
		row("failed for CAA, which is good now", words, "ca.caa", failed(caaText)),
		row("the client's own fault", words, "ca.client", failed(nonceText)),
		row("the CA's own fault", words, "ca.internal", failed(internalText)),
		row("too many failures within the hour", words, "ca.ratelimited", limited),
		row("the name is paused", words, "ca.paused", failed(pausedText)),
		row("the account is blocked", words, "ca.blocked", failed(blockedText)),
		row("a name against the policy", words, "ca.rejected", failed(policyText)),
		row("failed, then issued by itself", words, "ca.flaky", failed(unauthorized), issued),
	}
}

// visitorSituations have the access log of a failed order.
func visitorSituations() []Situation {
	const remote = "2.8 access log"
	return []Situation{
		row("one validator of six came", remote, "web.blocked", failed(secondaryText), visitors("23.178.112.208")).by("us"),
		row("two came, one more stands on a blocklist", remote, "web.blocked", failed(secondaryText), visitors("23.178.112.208", "52.28.236.88"),
			blocklist(Blocklist{Origin: "bl.example.org", Listed: []netip.Addr{netip.MustParseAddr("52.28.236.88")}})),
		row("the other validators failed in the DNS", remote, "ca.remote", failed(remoteDNSText), visitors("23.178.112.208")),
		row("four validators of five came", "2.2 one remote of two to five may fail", "ca.remote", failed(secondaryText),
			visitors("23.178.112.208", "52.28.236.88", "18.116.86.117", "34.211.60.134")),
		row("only our own address fetched the file", remote, "ca.remote", failed(secondaryText), visitors(ownAddr)),
		row("a front of ours fetched the file for all", remote, "ca.remote", failed(secondaryText), visitors("95.31.18.119")),
		row("one validator came to an order that was refused at its end", remote, "ca.unauthorized", failed(unauthorized), visitors("23.178.112.208")),
		row("all validators came, and met a 404", remote, "ca.unauthorized", failed(unauthorized),
			visitors("23.178.112.208", "52.28.236.88", "18.116.86.117", "34.211.60.134", "13.61.2.25", "47.129.5.33")),
	}
}

// egressSituations are about our own connection to the CA's API.
func egressSituations() []Situation {
	const egress = "5.3 egress"
	proxy := func(status int) step {
		return func(l *Lab) error {
			l.draft.tunnel = func(to string) func() (int, string) { return func() (int, string) { return status, to } }
			return nil
		}
	}
	closed := func(l *Lab) error { // a port that is bound but does not listen
		l.Panel.ACME.Directory = fmt.Sprintf("https://127.99.0.1:%d/directory", l.Web.HTTPSPort())
		return l.Web.Open(netip.MustParseAddr("127.99.0.1"), Host{HTTP: Refused, HTTPS: Refused})
	}
	return []Situation{
		row("nobody listens at the CA's API", egress, "ca.unreachable", closed, failed(unreachableText)),
		row("the proxy refuses the CA's API", egress, "ca.unreachable", proxy(http.StatusForbidden)),
		row("the proxy wants a password", egress, "ca.unreachable", proxy(http.StatusProxyAuthRequired)),
		row("the proxy does not get there", egress, "ca.unreachable", proxy(http.StatusServiceUnavailable)),
		row("the proxy lets us through", egress, "ok", proxy(http.StatusOK)),
	}
}

// listSituations are about DNS blocklists, which are never the root cause.
func listSituations() []Situation {
	us := []netip.Addr{netip.MustParseAddr(ownAddr)}
	return []Situation{
		row("our address is on a blocklist", "5.4 blocklists", "ok", blocklist(Blocklist{Origin: "bl.example.org", Listed: us})).also("dnsbl.listed"),
		row("a blocklist answers with an error", "5.4 blocklists", "ok", blocklist(Blocklist{Origin: "bl.example.org", Error: netip.MustParseAddr("127.255.255.254")})),
		row("a blocklist that was shut down", "5.4 blocklists", "ok", blocklist(Blocklist{Origin: "bl.example.org", Empty: true})),
	}
}
