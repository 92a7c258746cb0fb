package internet

import "strings"

// policySituations are names that the CA refuses before it validates anything,
// though DNS and web are in order. The texts are those of the CA.
func policySituations() []Situation {
	const policy = "CA: policy, names ("
	of := func(name, says, domain string, steps ...step) Situation {
		if len(steps) == 0 { // in DNS all is well
			steps = []step{records("@ A %us")}
		}
		return row(name, policy+says+")", "ca.rejected", append([]step{about(domain)}, steps...)...)
	}
	return []Situation{
		of("an underscore", "Domain name contains an invalid character", "my_shop.ru"),
		of("an underscore, and a firewall", "Domain name contains an invalid character", "my_shop.ru", records("@ A %us"), doors(ownAddr, BlackHole, BlackHole)),
		of("eleven labels", "Domain name has more than 10 labels (parts)", "a.b.c.d.e.f.g.h.i.shop.ru"),
		of("a label of 64 characters", "Domain has a label (component between dots) longer than 63 bytes", strings.Repeat("a", 64)+".ru", undelegated),
		of("a hyphen begins a label", "Domain name contains an invalid character", "-shop.ru"),
		of("a hyphen ends a label", "Domain name contains an invalid character", "www.shop-.ru"),
		of("hyphens of an IDN in a label that is none", "Domain name contains an invalid label in a reserved format", "ab--shop.ru"),
		of("punycode that is none", "Domain name contains malformed punycode", "xn--zzzzzzzz.ru"),
		of("not below a public suffix", "Domain name does not end with a valid public suffix (TLD)", "shop.local", undelegated),
		of("a name of the office", "Domain name does not end with a valid public suffix (TLD)", "crm.lan"),
		of("the resolver does not answer for an internal name", "Domain name does not end with a valid public suffix (TLD)", "crm.internal", asking(Silent)),
		of("a public suffix", "Domain name is an ICANN TLD", "co.uk"),
		of("one label", "Domain name needs at least one dot", "localhost", undelegated),
		of("an address in place of a name", "The ACME server can not issue a certificate for an IP address", "203.0.113.10", undelegated),
		row("an alias with an underscore", policy+"Cannot issue for …: an order fails as a whole)", "ca.rejected", aliases("www."+domain, "old_shop."+domain)),
		row("an alias of the office", policy+"Cannot issue for …: an order fails as a whole)", "ca.rejected", aliases("client.local")),
		row("a name below a private suffix", policy+"ICANN's section of the list counts)", "ok", about("shop.msk.ru"), records("@ A %us")),
		row("ten labels", policy+"maxLabels = 10)", "ok", about("a.b.c.d.e.f.g.h.shop.ru"), records("@ A %us")),
	}
}

// aliases replaces the site's aliases.
func aliases(names ...string) step {
	return func(l *Lab) error {
		l.Panel.Aliases = names
		return nil
	}
}
