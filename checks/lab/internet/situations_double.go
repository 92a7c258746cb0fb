package internet

import (
	"net/http"
	"net/netip"

	"github.com/miekg/dns"
)

// blindSituations are those in which a check could not be made: whatever else
// is wrong, there is no verdict.
func blindSituations() []Situation {
	const rule = "a failed look is no verdict"
	return []Situation{
		row("a closed resolver", rule, "unknown", asking(Refusing)),
		row("a resolver that fails for all", rule, "unknown", asking(Failing)),
		row("a resolver that says nothing", rule, "unknown", asking(Silent)),
		row("a resolver where nobody listens", rule, "unknown", asking(Dead)),
		row("addresses that never come", rule, "unknown", resolves(dns.TypeA, Behaviour{Drop: true}), resolves(dns.TypeAAAA, Behaviour{Drop: true})),
		row("CAA that never comes", rule, "unknown", serves(dns.TypeCAA, Behaviour{Drop: true})),
		row("a resolver that takes us for ill-formed", rule, "unknown", resolves(Any, Behaviour{Rcode: dns.RcodeFormatError})),
		row("a closed resolver, and port 80 is closed", rule, "unknown", asking(Refusing), doors(ownAddr, Refused, Refused)),
		row("a silent resolver, and an old certificate", rule, "unknown", asking(Silent), sameCertificate(lasting(-3), nil)),
		row("CAA that never comes, and port 80 is closed", rule, "unknown", serves(dns.TypeCAA, Behaviour{Drop: true}), doors(ownAddr, Refused, Open)),
	}
}

// doubleSituations have two faults: the cause hides its consequence.
func doubleSituations() []Situation {
	const rule = "one root cause"
	expired := sameCertificate(lasting(-3), nil)
	away := records("@ A "+strangerV4, "www A "+strangerV4)
	unpaid := registered(func(r *Registration) { r.Delegated = false })
	forbidden := withRecords(`@ CAA 0 issue "globalsign.com"`)
	refusing := doors(ownAddr, Refused, Open)
	refusedCA := func(l *Lab) error {
		l.draft.tunnel = func(string) func() (int, string) {
			return func() (int, string) { return http.StatusForbidden, "" }
		}
		return nil
	}
	uneven := page(ownAddr, func(usual http.Handler) http.Handler { return Alternate(usual, Status(503, nginxPage("503"))) })
	otherKey := func(l *Lab) (err error) {
		l.draft.key, err = l.CA.Issue(ofSite(Leaf{}))
		return err
	}
	return []Situation{
		row("free, and the certificate is over", rule, "dns.unregistered", unregistered, expired).also("cert.expired"),
		row("not delegated, and paused", rule, "dns.undelegated", undelegated, unpaid, failed(pausedText)),
		row("lame, and the certificate is over", rule, "dns.lame", delegate(Zone{Temper: Refusing}), expired).also("cert.expired"),
		row("signatures broken, and elsewhere", rule, "dns.dnssec", delegate(Zone{Bogus: 7, Text: "@ A " + strangerV4 + "\n"})),
		row("elsewhere, and the certificate is over", rule, "dns.elsewhere", away, expired).also("cert.expired"),
		row("elsewhere, and CAA forbids", rule, "dns.elsewhere", records("@ A "+strangerV4, "www A "+strangerV4, `@ CAA 0 issue "globalsign.com"`)).also("dns.caa"),
		row("partly ours, and a balancer with a dead server", rule, "dns.partly", records("@ A %us", "@ A "+strangerV4, "www A %us"), uneven),
		row("a stray AAAA, and port 80 is closed", rule, "dns.ipv6", withRecords("@ AAAA "+strangerV6), refusing),
		row("CAA forbids, and port 80 is closed", rule, "dns.caa", forbidden, refusing).also("web.refused"),
		row("CAA fails, and a firewall's page", rule, "dns.caabroken", serves(dns.TypeCAA, Behaviour{Rcode: dns.RcodeServerFailure}), instead(Firewall())).also("web.forbidden"),
		row("port 80 is closed, and too many failures", rule, "web.refused", refusing, failed(failuresText+"2099-01-01 10:00:00"+limitsURL)),
		row("port 80 is closed, and the CA out of reach", rule, "web.refused", refusing, refusedCA).also("ca.unreachable"),
		row("validators kept out, and a balancer with a dead server", rule, "web.blocked", failed(secondaryText), visitors("23.178.112.208"), uneven).also("web.flapping"),
		row("the CA out of reach, and the certificate is over", rule, "ca.unreachable", refusedCA, expired).also("cert.expired"),
		row("paused, and the key of another certificate", rule, "ca.paused", failed(pausedText), otherKey).also("cert.keymismatch"),
		row("the key of another certificate, and failed for others", rule, "cert.keymismatch", otherKey, failed(secondaryText)),
		row("failed for others, and the certificate is over", rule, "ca.remote", failed(secondaryText), expired).also("cert.expired"),
		row("our address listed, and port 80 is closed", rule, "web.refused", refusing,
			blocklist(Blocklist{Origin: "bl.example.org", Listed: []netip.Addr{netip.MustParseAddr(ownAddr)}})).also("dnsbl.listed"),
	}
}
