package acme_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/acme"
)

func TestClassify(t *testing.T) {
	tests := []struct {
		text string
		code checks.Code
		args checks.Args // only those asked about
	}{
		{`203.0.113.10: Invalid response from http://shop.ru/.well-known/acme-challenge/x: 404`, checks.CAUnauthorized, checks.Args{"status": "404"}},
		{`urn:ietf:params:acme:error:rateLimited :: There were too many requests of a given type :: too many failed authorizations (5) for "shop.ru" in the last 1h0m0s, retry after 2026-11-21 10:00:00 UTC: see https://letsencrypt.org/docs/rate-limits/#authorization-failures-per-identifier-per-account`, checks.CARateLimited, checks.Args{"limit": "failed authorizations", "count": "5", "name": "shop.ru"}},
		{`too many new orders (300) from this account in the last 3h0m0s, retry after 2026-11-21 10:00:00 UTC: see x`, checks.CARateLimited, checks.Args{"limit": "new orders", "count": "300"}},
		{`too many certificates (50) already issued for "example.com" in the last 168h0m0s, retry after 2026-11-21 10:00:00 UTC`, checks.CARateLimited, checks.Args{"limit": "certificates", "name": "example.com"}},
		{`Your account is temporarily prevented from requesting certificates for a.example, b.example and possibly others. Please visit: https://portal.example/sfe/v1/unpause?jwt=abc`, checks.CAPaused, nil},
		{`Account blocked :: please write to us`, checks.CABlocked, nil},
		{`Unable to validate JWS :: Account is not valid, has status "deactivated"`, checks.CABlocked, nil},
		{`Error creating new order :: Cannot issue for "bank.test": The ACME server refuses to issue a certificate for this domain name, because it is forbidden by policy`, checks.CARejected, checks.Args{"name": "bank.test"}},
		{`During secondary validation: 203.0.113.10: Fetching http://shop.ru/.well-known/acme-challenge/x: Timeout during connect (likely firewall problem)`, checks.CARemote, checks.Args{"inner": "ca.connection"}},
		{`203.0.113.10: Fetching http://shop.ru/.well-known/acme-challenge/x: Connection refused`, checks.CAConnection, nil},
		{`DNS problem: NXDOMAIN looking up A for shop.ru - check that a DNS record exists for this domain`, checks.CADNS, checks.Args{"problem": "NXDOMAIN"}},
		{`DNS problem: SERVFAIL looking up CAA for shop.ru - the domain's nameservers may be malfunctioning`, checks.CADNS, checks.Args{"problem": "SERVFAIL"}},
		{`no valid A records found for shop.ru; no valid AAAA records found for shop.ru`, checks.CADNS, nil},
		{`While processing CAA for shop.ru: CAA record for shop.ru prevents issuance`, checks.CACAA, checks.Args{"name": "shop.ru"}},
		{`JWS has an invalid anti-replay nonce: "abc"`, checks.CAClient, nil},
		{`{"type":"urn:ietf:params:acme:error:serverInternal","detail":"Error creating new order","status":500}`, checks.CAInternal, nil},
		{`<html><h1>503 Service Temporarily Unavailable</h1></html>`, checks.CAInternal, nil},
		{`HTTPSConnectionPool(host='acme-v02.api.letsencrypt.org', port=443): Max retries exceeded with url: /directory (Caused by NewConnectionError('Connection refused'))`, checks.CAUnreachable, nil},
		{`curl: (7) Failed to connect to acme-v02.api.letsencrypt.org port 443: Connection refused`, checks.CAUnreachable, nil},
		{`Failed to connect to acme-v02.api.letsencrypt.org port 443: Connection timed out`, checks.CAUnreachable, nil},
		{`Could not resolve host: acme-v02.api.letsencrypt.org`, checks.CAUnreachable, nil},
		{`urn:ietf:params:acme:error:unauthorized`, checks.CAUnauthorized, nil},
		{`something nobody has seen before`, "", nil},
		{``, "", nil},
	}
	c := acme.NewClassifier()
	for _, tt := range tests {
		code, args := c.Classify(tt.text)
		if code != tt.code {
			t.Errorf("%.60q: %q, want %q", tt.text, code, tt.code)
		}
		for name, want := range tt.args {
			if diff := cmp.Diff(want, args[name]); diff != "" {
				t.Errorf("%.60q: %s: %s", tt.text, name, diff)
			}
		}
	}
}

func TestClassifyTellsWhenToRetry(t *testing.T) {
	_, args := acme.NewClassifier().Classify(`too many new orders (300) from this account in the last 3h0m0s, retry after 2026-11-21 10:00:00 UTC: see x`)
	if got := args["until"]; got == nil {
		t.Fatal("no moment in the arguments")
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(`too many new orders (300) retry after 2026-11-21 10:00:00`)
	c := acme.NewClassifier()
	f.Fuzz(func(t *testing.T, text string) { c.Classify(text) })
}
