package internet

import (
	"slices"

	"github.com/miekg/dns"
)

// What the CAA situations are taken from, and the parameter (RFC 8657 section 3) that allows our account.
const (
	caaRule    = "2.4 CAA"
	caaFailure = "2.3 CAA answers"
	ourAccount = "accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/1001"
)

// caaSituations go through RFC 8659 and RFC 8657 as the CA reads them.
func caaSituations() []Situation {
	return slices.Concat(caaAllows(), caaForbids(), caaFails())
}

// caa gives the domain a set of CAA records.
func caa(records ...string) step {
	var lines []string
	for _, r := range records {
		lines = append(lines, "@ CAA "+r)
	}
	return withRecords(lines...)
}

// below makes the site a subdomain: first its own records, then those above it.
func below(own, above string) step {
	return func(l *Lab) error {
		if err := about("shop." + domain)(l); err != nil {
			return err
		}
		return l.DNS.AddZone(Zone{Origin: domain, Text: "shop A " + ownAddr + "\n" + own + above})
	}
}

// parentFails lets the CAA question above the site fail.
func parentFails(l *Lab) error {
	l.DNS.Serve(domain, dns.TypeCAA, Behaviour{Rcode: dns.RcodeServerFailure})
	return nil
}

// caaAllows are sets that our CA may issue under.
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
		row("CAA allows http-01 among others", rule, "ok", caa(`0 issue "letsencrypt.org; validationmethods=dns-01,http-01"`)),
		row("CAA of the name overrules its parent's", rule, "ok", below("shop CAA 0 issue \"letsencrypt.org\"\n", "@ CAA 0 issue \";\"\n")),
		row("CAA of the name stands before its parent's error", rule, "ok", below("shop CAA 0 issue \"letsencrypt.org\"\n", ""), parentFails),
		row("no such name, for CAA alone", caaFailure, "ok", serves(dns.TypeCAA, Behaviour{Rcode: dns.RcodeNameError})),
	}
}

// caaForbids are sets that our CA, our account or our method is not in.
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
		row("the parent's CAA forbids", rule, "dns.caa", below("", "@ CAA 0 issue \"globalsign.com\"\n")),
		row("the top level's CAA forbids", rule, "dns.caa", delegate(Zone{Origin: "ru", Text: "@ CAA 0 issue \"globalsign.com\"\n"})),
		row("the CAA of an alias forbids", rule, "dns.caa", withRecords(`www CAA 0 issue "globalsign.com"`)),
		row("the CAA at a CNAME's end forbids", rule, "dns.caa", delegate(Zone{Origin: "hoster.com", Text: "web A " + ownAddr + "\nweb CAA 0 issue \"globalsign.com\"\n"}), records("@ A %us", "www CNAME web.hoster.com.")),
	}
}

// caaFails are questions that the CA gets no answer to.
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
