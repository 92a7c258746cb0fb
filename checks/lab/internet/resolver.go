package internet

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// maxChain is how many CNAMEs the resolver follows; Unbound stops at about 11.
const maxChain = 11

// Info codes of RFC 8914 that the lab itself sends.
const (
	edeNoReachableAuthority = 22
	edeOther                = 0
)

// resolver answers like a validating Unbound in front of the lab's zones.
func (d *DNS) resolver(temper Temper) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, request *dns.Msg) {
		q := request.Question[0]
		times := d.atResolver.count(q.Name, q.Qtype)
		if f := d.fault.Load(); f != nil && (*f)(d, w, request) {
			return
		}
		b, done := tempered(temper, d.atResolver.behaviour(q.Name, q.Qtype))
		if done {
			d.send(w, request, b, reply{rcode: b.Rcode, drop: b.Drop})
			return
		}
		r := d.recurse(q.Name, q.Qtype, request.CheckingDisabled)
		if b.Rotate {
			r.answer = rotated(r.answer, times)
		}
		d.send(w, request, b, r)
	})
}

// recurse looks a name up in the zones, following CNAMEs.
func (d *DNS) recurse(name string, qtype uint16, checkingDisabled bool) reply {
	var whole reply
	for range maxChain {
		step := d.look(name, qtype, checkingDisabled)
		whole.answer = append(whole.answer, step.answer...)
		whole.rcode, whole.authority, whole.ede, whole.text, whole.drop = step.rcode, step.authority, step.ede, step.text, step.drop
		next := ""
		if len(step.answer) > 0 && qtype != dns.TypeCNAME {
			if cname, ok := step.answer[0].(*dns.CNAME); ok {
				next = cname.Target
			}
		}
		if next == "" {
			if whole.rcode != dns.RcodeSuccess && whole.rcode != dns.RcodeNameError {
				whole.answer = nil
			}
			return whole
		}
		name = next
	}
	return reply{rcode: dns.RcodeServerFailure, ede: edeOther, text: "chain of names too long"}
}

// look looks a name up in its zone, as far as the zone's servers and signatures
// allow.
func (d *DNS) look(asked string, qtype uint16, checkingDisabled bool) reply {
	d.mu.RLock()
	defer d.mu.RUnlock()
	name := canonical(asked)
	z := d.deepest(name, func(*zone) bool { return true })
	if addr, ok := d.hosts[name]; ok && qtype == dns.TypeA && len(z.of(name, dns.TypeA)) == 0 {
		return reply{answer: []dns.RR{address(asked, addr)}}
	}
	if r, failed := d.unreachable(z); failed {
		return r
	}
	if z.bogus != 0 && !checkingDisabled {
		return reply{rcode: dns.RcodeServerFailure, ede: z.bogus, text: "validation failure <" + name + " " + dns.TypeToString[qtype] + " IN>"}
	}
	switch b := d.atServers.behaviour(name, qtype); {
	case b.Drop:
		return reply{drop: true}
	case b.Rcode == dns.RcodeNameError:
		return reply{rcode: dns.RcodeNameError, authority: []dns.RR{z.soa}}
	case b.Rcode != dns.RcodeSuccess:
		return reply{rcode: dns.RcodeServerFailure, ede: edeNoReachableAuthority, text: "at delegation " + z.origin}
	}
	found, exists := z.find(name, qtype)
	r := reply{answer: named(found, asked)}
	if !exists {
		r.rcode = dns.RcodeNameError
	}
	if len(found) == 0 {
		r.authority = []dns.RR{z.soa}
	}
	return r
}

// unreachable returns the resolver's answer if no server of a zone can be used.
func (d *DNS) unreachable(z *zone) (reply, bool) {
	if slices.ContainsFunc(z.servers, func(addr netip.Addr) bool {
		return addr == registryAddr() || addr == Server(Sound) || addr == Server(Noisy)
	}) {
		return reply{}, false
	}
	return reply{rcode: dns.RcodeServerFailure, ede: edeNoReachableAuthority, text: "at delegation " + z.origin}, true
}
