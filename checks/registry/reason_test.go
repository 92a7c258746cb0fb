package registry

import (
	"testing"
	"time"

	"domovoy/checks"
)

// TestWhyARegisteredDomainDoesNotWork: only a term that is over, or a status that
// says so, means that nobody paid.
func TestWhyARegisteredDomainDoesNotWork(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	past, ahead := now.AddDate(0, 0, -9), now.AddDate(0, 7, 0)
	for _, tt := range []struct {
		name   string
		answer Registration
		code   checks.Code // empty: nothing is found
		reason string
	}{
		{"free", Registration{State: Free}, checks.DNSUnregistered, ""},
		{"all is well", Registration{State: Delegated, PaidTill: ahead, Verified: true}, "", ""},
		{"not identified, and still delegated", Registration{State: Delegated, PaidTill: ahead, Unverified: true}, "", ""},
		{"unpaid, and still delegated", Registration{State: Delegated, PaidTill: past, Verified: true}, checks.DNSUndelegated, "unpaid"},
		{"unpaid", Registration{State: Undelegated, PaidTill: past, Verified: true}, checks.DNSUndelegated, "unpaid"},
		{"unpaid and not identified", Registration{State: Undelegated, PaidTill: past, Unverified: true}, checks.DNSUndelegated, "unpaid"},
		{"in redemption though the registry renewed it", Registration{State: Undelegated, PaidTill: ahead, Held: true, Unpaid: true}, checks.DNSUndelegated, "unpaid"},
		{"not identified", Registration{State: Undelegated, PaidTill: ahead, Unverified: true, Servers: true}, checks.DNSUndelegated, "unverified"},
		{"stopped", Registration{State: Undelegated, PaidTill: ahead, Verified: true, Servers: true}, checks.DNSUndelegated, "stopped"},
		{"stopped, and WHOIS hides the name servers", Registration{State: Undelegated, PaidTill: ahead, Verified: true}, checks.DNSUndelegated, "stopped"},
		{"on hold", Registration{State: Undelegated, PaidTill: ahead, Held: true}, checks.DNSUndelegated, "stopped"},
		{"no name servers were ever set", Registration{State: Undelegated, PaidTill: ahead}, checks.DNSUndelegated, "servers"},
		{"the registry does not say", Registration{State: Undelegated}, checks.DNSUndelegated, ""},
	} {
		tt.answer.FreeDate = now.AddDate(0, 8, 0) // WHOIS of .ru gives it for every domain
		seen, err := found(tt.answer, nil, "", now)
		if err != nil || len(seen) > 1 {
			t.Errorf("%s: %+v, %v", tt.name, seen, err)
			continue
		}
		var code checks.Code
		reason := ""
		for _, f := range seen {
			code = f.Code
			reason, _ = f.Args["reason"].(string)
			if f.Code == checks.DNSUndelegated && f.Who() != checks.Customer {
				t.Errorf("%s: %s acts", tt.name, f.Who())
			}
			_, dated := f.Args["free_date"]
			if given := reason == reasonUnpaid || reason == ""; dated != given {
				t.Errorf("%s: a date on which anyone may register it: %t", tt.name, dated)
			}
		}
		if code != tt.code || reason != tt.reason {
			t.Errorf("%s: %q because of %q, want %q because of %q", tt.name, code, reason, tt.code, tt.reason)
		}
	}
}

func TestAConfiguredServerIsAskedForAnyZone(t *testing.T) {
	r := New(Options{Whois: map[string]string{"example": "127.0.0.1:43"}})
	if domain, tld, err := r.registered("www.shop.example"); err != nil || domain != "shop.example" || tld != "example" {
		t.Errorf("%s %s %v", domain, tld, err)
	}
	if _, _, err := r.registered("www.shop.invalid"); err == nil {
		t.Error("a zone without a registry has one")
	}
}
