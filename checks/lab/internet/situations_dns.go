package internet

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// registrationSituations are names that do not exist, with their registry's
// answer.
func registrationSituations() []Situation {
	const (
		rule    = "causes: registry's NXDOMAIN and WHOIS"
		parking = "registries of Russia: states of WHOIS and parking"
	)
	left := func(r *Registration) { // unpaid, not yet free
		r.Delegated, r.PaidTill, r.FreeDate = false, time.Now().AddDate(0, 0, -10), time.Now().AddDate(0, 0, 21)
	}
	said := func(raw string) step { return registered(func(r *Registration) { r.Raw = raw }) }
	unpaid := func(r *Registration) { left(r); r.Delegated = true } // not yet out of the zone
	parked := func(servers ...string) step {
		return delegate(Zone{NS: servers, Servers: slices.Repeat([]netip.Addr{Server(Sound)}, len(servers)), Text: "@ A " + strangerV4 + "\nwww A " + strangerV4 + "\n"})
	}
	state := func(words, till string) step {
		return said("domain: CLIENT.RU\nnserver: ns1.example.net.\nstate: " + words + "\nregistrar: REGRU-RU\npaid-till: " + till + "\nsource: TCI\n")
	}
	const ahead = "2099-03-01T21:00:00Z"
	return []Situation{
		row("an owner who is not identified", parking, "dns.undelegated", undelegated, state("REGISTERED, NOT DELEGATED, UNVERIFIED", ahead)),
		row("a delegation that was stopped", parking, "dns.undelegated", undelegated, state("REGISTERED, NOT DELEGATED, VERIFIED", ahead)),
		row("a paid .com on hold", parking, "dns.undelegated", about("client.com"), registered(func(r *Registration) { r.Delegated, r.Statuses = false, []string{"client hold"} })),
		row("an unpaid name on parking servers of RU-CENTER", parking, "dns.undelegated", parked("ns3-parking.nic.ru", "ns4-parking.nic.ru"), registered(unpaid)).also("dns.elsewhere"),
		row("an unpaid name on parking servers of REG.RU", parking, "dns.undelegated", parked("ns1.expired.reg.ru", "ns2.expired.reg.ru"), registered(unpaid)).also("dns.elsewhere"),
		row("an unpaid subdomain that the parking servers do not know", parking, "dns.undelegated", about("shop."+domain),
			delegate(Zone{Origin: domain, NS: []string{"ns1.expired.reg.ru"}, Servers: []netip.Addr{Server(Sound)}, Text: "@ SOA ns1.expired.reg.ru. hostmaster.ns1.reg.ru. 1 3600 600 86400 600\n"}),
			func(l *Lab) error { r := registration(domain, true); unpaid(&r); l.Registry.Register(r); return nil }),
		row("a paid name on parking servers", parking, "dns.elsewhere", parked("ns1.expired.reg.ru", "ns2.expired.reg.ru")),
		row("a paid name on parking servers that have no address for it", parking, "dns.noaddress", delegate(Zone{NS: []string{"ns1.expired.reg.ru"}, Servers: []netip.Addr{Server(Sound)}, Text: "@ TXT parked\n"})),
		row("on parking servers, and the registry says nothing", parking, "dns.elsewhere", parked("ns1.expired.reg.ru"), func(l *Lab) error { l.Registry.SetMute(true); return nil }),
		row("an owner who is not identified, and all works", parking, "ok", state("REGISTERED, DELEGATED, UNVERIFIED", ahead)),
		row("a free name in .ru", rule, "dns.unregistered", unregistered),
		row("a free name in .su", rule, "dns.unregistered", about("client.su")),
		row("a free name in .рф", rule, "dns.unregistered", about("xn--e1afmkfd.xn--p1ai")),
		row("a free name in .com, by RDAP", rule, "dns.unregistered", about("client.com")),
		row("an unpaid name with its free date ahead", rule, "dns.undelegated", undelegated, registered(left)),
		row("an unpaid name in .рф", rule, "dns.undelegated", about("xn--e1afmkfd.xn--p1ai"), registered(left)),
		row("an unpaid name in .com, by RDAP", rule, "dns.undelegated", about("client.com"), registered(func(r *Registration) {
			left(r)
			r.Statuses = []string{"client hold", "redemption period"}
		})),
		row("a paid name that nobody delegated", rule, "dns.undelegated", undelegated, registered(func(r *Registration) { r.Delegated = false })),
		row("no such name, and the registry counts questions", rule, "dns.nxdomain", undelegated, func(l *Lab) error { l.Registry.SetQuota(0); return nil }),
		row("no such name, and the registry says nothing", rule, "dns.nxdomain", undelegated, func(l *Lab) error { l.Registry.SetMute(true); return nil }),
		row("no such name, and the registry talks garbage", rule, "dns.nxdomain", undelegated, said("\x00\x1b[2J\u202e<html>503</html>")),
		row("no such name in a living zone", rule, "dns.nxdomain", about("shop."+domain)),
		row("a CNAME to a name that is gone", rule, "dns.nxdomain", about("shop."+domain), delegate(Zone{Origin: domain, Text: "shop CNAME gone." + domain + ".\n"})),
	}
}

// delegationSituations are zones whose servers or signatures do not work.
func delegationSituations() []Situation {
	const lame, bogus = "causes: lame delegation", "2.3 DNSSEC: SERVFAIL, but NOERROR with CD"
	here := "@ A " + ownAddr + "\nwww A " + ownAddr + "\n"
	servers := func(t Temper) step { return delegate(Zone{Text: here, Temper: t}) }
	signed := func(ede uint16) step { return delegate(Zone{Text: here, Bogus: ede}) }
	both := func(b Behaviour) step {
		return func(l *Lab) error {
			l.DNS.Serve(l.Domain, dns.TypeA, b)
			l.DNS.Serve(l.Domain, dns.TypeAAAA, b)
			return nil
		}
	}
	return []Situation{
		row("servers that were never told of the zone", lame, "dns.lame", servers(Refusing)),
		row("servers that do not answer", lame, "dns.lame", servers(Silent)),
		row("servers where nobody listens", lame, "dns.lame", servers(Dead)),
		row("a hoster's servers, told of the zone no more", lame, "dns.lame", delegate(Zone{Text: here, NS: []string{"ns1.hoster.com", "ns2.hoster.com"}, Temper: Refusing})),
		row("one lame server of two", lame, "ok", delegate(Zone{Text: here, NS: []string{"ns1." + domain, "ns2." + domain}, Servers: []netip.Addr{Server(Refusing), Server(Sound)}})),
		row("servers that fail", lame, "dns.servfail", servers(Failing)),
		row("servers that fail for addresses only", lame, "dns.servfail", both(Behaviour{Rcode: dns.RcodeServerFailure})),
		row("a signature that is over", bogus, "dns.dnssec", signed(7)),
		row("a signature that does not fit", bogus, "dns.dnssec", signed(6)),
		row("no key for the signature", bogus, "dns.dnssec", signed(9)),
		row("a validator that says nothing of why", bogus, "dns.dnssec", signed(5)),
		row("answers cut to be asked over TCP", "2.3 truncation", "ok", resolves(dns.TypeA, Behaviour{Truncate: true})),
		row("a resolver among forgers", "2.3 answers matched by name", "ok", asking(Noisy)),
		row("an error for AAAA alone", "2.1 AAAA lookup error, A good", "ok", serves(dns.TypeAAAA, Behaviour{Rcode: dns.RcodeServerFailure})),
	}
}

// addressSituations are names that point to a wrong address.
func addressSituations() []Situation {
	const away, partly, stray = "causes: moved away", "causes: partly ours", "causes: stray AAAA"
	named := func(addr, name string) step {
		return func(l *Lab) error { return l.DNS.Reverse(netip.MustParseAddr(addr), name) }
	}
	return []Situation{
		row("all is well", "-", "ok"),
		row("a CNAME to us in another zone", "2.3", "ok", delegate(Zone{Origin: "hoster.com", Text: "web A " + ownAddr + "\n"}), about("shop."+domain), delegate(Zone{Origin: domain, Text: "shop CNAME web.hoster.com.\n"})),
		row("no address", "2.1 nothing usable", "dns.noaddress", records("@ MX 10 mail", "mail A %us")),
		row("a unique local AAAA beside our A", "2.1 reserved addresses dropped", "ok", withRecords("@ AAAA fd00::1234")),
		row("AAAA :: beside our A", "2.1 reserved addresses dropped", "ok", withRecords("@ AAAA ::")),
		row("a private A beside ours", "2.1 reserved addresses dropped", "ok", withRecords("@ A 192.168.1.10")),
		row("only 0.0.0.0", "2.1 reserved addresses dropped", "dns.noaddress", records("@ A 0.0.0.0")),
		row("only a private address", "2.1 reserved addresses dropped", "dns.noaddress", records("@ A 10.1.2.3")),
		row("another hoster's address", away, "dns.elsewhere", records("@ A "+strangerV4), named(strangerV4, "vds7.other-hoster.com")),
		row("a CNAME to a shop builder", away, "dns.elsewhere", delegate(Zone{Origin: "builder.com", Text: "shops A " + strangerV4 + "\n"}), about("shop."+domain), delegate(Zone{Origin: domain, Text: "shop CNAME shops.builder.com.\n"})),
		row("only IPv6, of another hoster", away, "dns.elsewhere", records("@ AAAA "+strangerV6)),
		row("one address of two is ours", partly, "dns.partly", records("@ A %us", "@ A "+strangerV4), resolves(dns.TypeA, Behaviour{Rotate: true})),
		row("an AAAA left behind at the last hoster", stray, "dns.ipv6", withRecords("@ AAAA "+strangerV6)),
		row("an alias leads elsewhere", away, "dns.elsewhere", records("@ A %us", "www A "+strangerV4)),
		row("an alias does not exist", away, "dns.nxdomain", records("@ A %us")),
		row("a site of .рф with all well", "2.5", "ok", about("xn--e1afmkfd.xn--p1ai"), records("@ A %us")),
		row("fifty addresses, none ours", away, "dns.elsewhere", records(strangers(50))),
	}
}

// strangers returns n A records with addresses that are not ours.
func strangers(n int) string {
	var b strings.Builder
	addr := netip.MustParseAddr("93.184.220.1")
	for range n {
		b.WriteString("@ A " + addr.String() + "\n")
		addr = addr.Next()
	}
	return b.String()
}

// The source of the CAA situations, and the parameter (RFC 8657 section 3) that
// allows our account.
const (
	caaRule    = "2.4 CAA"
	caaFailure = "2.3 CAA answers"
	ourAccount = "accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/1001"
)

// caaSituations cover RFC 8659 and RFC 8657 as implemented by the CA.
func caaSituations() []Situation {
	return slices.Concat(caaAllows(), caaForbids(), caaFails())
}

// caa sets the domain's CAA records.
func caa(records ...string) step {
	var lines []string
	for _, r := range records {
		lines = append(lines, "@ CAA "+r)
	}
	return withRecords(lines...)
}

// below makes the site a subdomain: first its own records, then those of the
// parent.
func below(own, above string) step {
	return func(l *Lab) error {
		if err := about("shop." + domain)(l); err != nil {
			return err
		}
		return l.DNS.AddZone(Zone{Origin: domain, Text: "shop A " + ownAddr + "\n" + own + above})
	}
}

// parentFails makes the CAA question about the parent fail.
func parentFails(l *Lab) error {
	l.DNS.Serve(domain, dns.TypeCAA, Behaviour{Rcode: dns.RcodeServerFailure})
	return nil
}

// anonymous is a panel whose account is not known.
func anonymous(l *Lab) error {
	l.Panel.ACME.Account = ""
	return nil
}

// caaAllows are sets that allow our CA to issue.
func caaAllows() []Situation {
	const rule, us = caaRule, ourAccount
	return []Situation{
		row("CAA names our CA", rule, "ok", caa(`0 issue "letsencrypt.org"`)),
		row("CAA names our CA among others", rule, "ok", caa(`0 issue "globalsign.com"`, `0 issue "letsencrypt.org"`)),
		row("CAA in capitals", rule, "ok", caa(`0 ISSUE "letsencrypt.org"`)),
		row("CAA for wildcards only", rule, "ok", caa(`0 issuewild "globalsign.com"`)),
		row("CAA with a report address only", rule, "ok", caa(`0 iodef "mailto:admin@client.ru"`)),
		row("an unknown tag that is not critical", rule, "ok", caa(`0 tbs "unknown"`)),
		row("CAA binds to our account", rule, "ok", caa(`0 issue "letsencrypt.org; `+us+`"`)),
		row("CAA binds to an account, and ours is not known", rule, "ok", anonymous, caa(`0 issue "letsencrypt.org; accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/2002"`)).also("dns.caa"),
		row("CAA allows http-01 among others", rule, "ok", caa(`0 issue "letsencrypt.org; validationmethods=dns-01,http-01"`)),
		row("CAA of the name overrules its parent's", rule, "ok", below("shop CAA 0 issue \"letsencrypt.org\"\n", "@ CAA 0 issue \";\"\n")),
		row("CAA of the name stands before its parent's error", rule, "ok", below("shop CAA 0 issue \"letsencrypt.org\"\n", ""), parentFails),
		row("no such name, for CAA alone", caaFailure, "ok", serves(dns.TypeCAA, Behaviour{Rcode: dns.RcodeNameError})),
	}
}

// caaForbids are sets that exclude our CA, our account or our method.
func caaForbids() []Situation {
	const rule, us = caaRule, ourAccount
	return []Situation{
		row("CAA names another CA", rule, "dns.caa", caa(`0 issue "globalsign.com"`)),
		row("CAA forbids all", rule, "dns.caa", caa(`0 issue ";"`)),
		row("CAA with a dot behind our CA's name", rule, "dns.caa", caa(`0 issue "letsencrypt.org."`)),
		row("an unknown critical tag, bit 128", rule, "dns.caa", caa(`0 issue "letsencrypt.org"`, `128 tbs "unknown"`)),
		row("an unknown critical tag, flag 1", rule, "dns.caa", caa(`0 issue "letsencrypt.org"`, `1 tbs "unknown"`)),
		row("CAA binds to another account", rule, "dns.caa", caa(`0 issue "letsencrypt.org; accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/2002"`)),
		row("CAA names two accounts in one record", rule, "dns.caa", caa(`0 issue "letsencrypt.org; `+us+`; `+us+`"`)),
		row("CAA allows dns-01 only", rule, "dns.caa", caa(`0 issue "letsencrypt.org; validationmethods=dns-01"`)),
		row("CAA with an empty word in the list of methods", rule, "dns.caa", caa(`0 issue "letsencrypt.org; validationmethods=,http-01"`)),
		row("CAA with our CA's name in quotes of its own", rule, "dns.caa", caa(`0 issue "\"letsencrypt.org\""`)),
		row("CAA binds to another account, ours is not known, and the CA refuses", rule, "dns.caa", anonymous,
			caa(`0 issue "letsencrypt.org; accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/2002"`),
			failed("While processing CAA for %name: CAA record for %name prevents issuance")),
		row("the parent's CAA forbids", rule, "dns.caa", below("", "@ CAA 0 issue \"globalsign.com\"\n")),
		row("the top level's CAA forbids", rule, "dns.caa", delegate(Zone{Origin: "ru", Text: "@ CAA 0 issue \"globalsign.com\"\n"})),
		row("the CAA of an alias forbids", rule, "dns.caa", withRecords(`www CAA 0 issue "globalsign.com"`)),
		row("the CAA at a CNAME's end forbids", rule, "dns.caa", delegate(Zone{Origin: "hoster.com", Text: "web A " + ownAddr + "\nweb CAA 0 issue \"globalsign.com\"\n"}), records("@ A %us", "www CNAME web.hoster.com.")),
	}
}

// caaFails are questions to which the CA gets no answer.
func caaFails() []Situation {
	const fails = caaFailure
	answers := func(rcode int) step { return serves(dns.TypeCAA, Behaviour{Rcode: rcode}) }
	return []Situation{
		row("CAA fails", fails, "dns.caabroken", answers(dns.RcodeServerFailure)),
		row("CAA not implemented", fails, "dns.caabroken", answers(dns.RcodeNotImplemented)),
		row("CAA refused", fails, "dns.caabroken", answers(dns.RcodeRefused)),
		row("CAA taken for an ill-formed question", fails, "dns.caabroken", answers(dns.RcodeFormatError)),
		row("the parent's CAA fails", caaRule, "dns.caabroken", below("", ""), parentFails),
	}
}
