package internet

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// reply is what a server makes of one question, before it goes on the wire.
type reply struct {
	rcode         int
	answer        []dns.RR
	authority     []dns.RR
	extra         []dns.RR
	authoritative bool
	ede           uint16
	text          string
	drop          bool
}

// authority answers as the name server at an address: for the zones that it serves, and no others.
func (d *DNS) authority(addr netip.Addr, temper Temper) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, request *dns.Msg) {
		q := request.Question[0]
		times := d.atServers.count(q.Name, q.Qtype)
		b, done := tempered(temper, d.atServers.behaviour(q.Name, q.Qtype))
		if done {
			d.send(w, request, b, reply{rcode: b.Rcode, drop: b.Drop})
			return
		}
		r := d.serve(addr, canonical(q.Name), q.Qtype)
		if b.Rotate {
			r.answer = rotated(r.answer, times)
		}
		d.send(w, request, b, r)
	})
}

// tempered gives the behaviour of a server of that temper; done when there is nothing to look up.
func tempered(t Temper, b Behaviour) (as Behaviour, done bool) {
	switch t {
	case Refusing:
		return Behaviour{Rcode: dns.RcodeRefused}, true
	case Failing:
		return Behaviour{Rcode: dns.RcodeServerFailure}, true
	case Silent:
		return Behaviour{Drop: true}, true
	case Noisy:
		b.Noise = true
	}
	return b, b.Drop || b.Rcode != dns.RcodeSuccess && b.Rcode != dns.RcodeNameError
}

// serve answers from the zones that are served at an address.
func (d *DNS) serve(addr netip.Addr, name string, qtype uint16) reply {
	d.mu.RLock()
	defer d.mu.RUnlock()
	z := d.deepest(name, func(z *zone) bool { return slices.Contains(z.servers, addr) })
	if z == nil {
		return reply{rcode: dns.RcodeRefused}
	}
	if child := d.cut(z, name); child != nil {
		return d.referral(z, child)
	}
	found, exists := z.find(name, qtype)
	r := reply{answer: found, authoritative: true}
	if addr, ok := d.hosts[name]; !exists && ok && qtype == dns.TypeA {
		return reply{answer: []dns.RR{address(name, addr)}, authoritative: true}
	}
	if !exists {
		r.rcode = dns.RcodeNameError
	}
	if len(found) == 0 {
		r.authority = []dns.RR{z.soa}
	}
	return r
}

// deepest is the zone closest to a name, of those that are acceptable; nil when there is none.
func (d *DNS) deepest(name string, acceptable func(*zone) bool) *zone {
	for {
		if z := d.zones[name]; z != nil && acceptable(z) {
			return z
		}
		if name == "." {
			return nil
		}
		name = parentOf(name)
	}
}

// cut is the first zone below z on the way to a name: what z delegates. Nil when z itself has the name.
func (d *DNS) cut(z *zone, name string) *zone {
	var child *zone
	for name != z.origin && name != "." {
		if below := d.zones[name]; below != nil {
			child = below
		}
		name = parentOf(name)
	}
	return child
}

// referral is what a parent says of a child: its servers, with their addresses where they lie below the parent.
func (d *DNS) referral(parent, child *zone) reply {
	var r reply
	for i, name := range child.ns {
		r.authority = append(r.authority, &dns.NS{Hdr: header(child.origin, dns.TypeNS), Ns: name})
		if dns.IsSubDomain(parent.origin, name) {
			r.extra = append(r.extra, address(name, child.servers[i]))
		}
	}
	return r
}

func header(name string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: 300}
}

func address(name string, addr netip.Addr) dns.RR {
	if addr.Is4() {
		return &dns.A{Hdr: header(name, dns.TypeA), A: addr.AsSlice()}
	}
	return &dns.AAAA{Hdr: header(name, dns.TypeAAAA), AAAA: addr.AsSlice()}
}

// send sends a reply as the behaviour says.
func (d *DNS) send(w dns.ResponseWriter, request *dns.Msg, b Behaviour, r reply) {
	if !b.pause(d.life.done) || r.drop || b.Drop {
		return
	}
	m := new(dns.Msg).SetReply(request)
	m.Rcode, m.Authoritative, m.RecursionAvailable = r.rcode, r.authoritative, !r.authoritative
	m.CheckingDisabled = request.CheckingDisabled
	m.Answer, m.Ns, m.Extra = r.answer, r.authority, r.extra
	if b.Rcode != dns.RcodeSuccess {
		m.Rcode, m.Answer = b.Rcode, nil
	}
	if b.EDE != 0 || b.Text != "" {
		r.ede, r.text = b.EDE, b.Text
	}
	size := dns.MinMsgSize
	if opt := request.IsEdns0(); opt != nil {
		size = max(size, min(int(opt.UDPSize()), 1232))
		m.SetEdns0(1232, opt.Do())
		if r.ede != 0 || r.text != "" {
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: r.ede, ExtraText: r.text})
		}
	}
	if strings.HasPrefix(w.LocalAddr().Network(), "udp") {
		if b.Truncate {
			m.Answer, m.Ns, m.Truncated = nil, nil, true
		}
		m.Truncate(size)
		if b.Noise {
			noise(w, m)
		}
	}
	_ = w.WriteMsg(m) // the client may have left
}

// noise sends what a forger would: answers with one thing wrong.
func noise(w dns.ResponseWriter, m *dns.Msg) {
	forged := address("forged.invalid.", netip.MustParseAddr("192.0.2.66"))
	for _, change := range []func(*dns.Msg){
		func(m *dns.Msg) { m.Id++ },
		func(m *dns.Msg) { m.Question[0].Name = "forged.invalid." },
		func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT },
	} {
		wrong := m.Copy()
		change(wrong)
		wrong.Rcode, wrong.Answer = dns.RcodeSuccess, []dns.RR{forged}
		_ = w.WriteMsg(wrong)
	}
}

// Temper is how a server treats all questions.
type Temper int

// The tempers of name servers and resolvers.
const (
	Sound    Temper = iota
	Refusing        // REFUSED: a server without the zone, a resolver closed to strangers
	Silent          // takes questions, never answers
	Dead            // nobody listens
	Failing         // SERVFAIL
	Noisy           // before each right answer some wrong ones: another id, another name, another type
)

// Behaviour is how a server treats one question, instead of just answering it.
type Behaviour struct {
	Rcode    int             // the answer, when it is not NOERROR
	EDE      uint16          // info code of the answer (RFC 8914); without one when it is 0 and Text is empty
	Text     string          // extra text of the EDE
	Drop     bool            // no answer at all
	Truncate bool            // over UDP only TC; over TCP the whole answer
	Rotate   bool            // the first record goes to the end, from answer to answer
	Noise    bool            // as Noisy
	Wait     <-chan struct{} // answers when it is closed
	Delay    time.Duration   // before the answer
}

// Any stands for every type of question.
const Any = dns.TypeANY

// question is what a behaviour belongs to.
type question struct {
	name  string
	qtype uint16
}

// rules are the behaviours of one side, and how often each question was asked.
type rules struct {
	mu    sync.Mutex
	of    map[question]Behaviour
	asked map[question]int
}

func newRules() *rules {
	return &rules{of: map[question]Behaviour{}, asked: map[question]int{}}
}

func (r *rules) set(name string, qtype uint16, b Behaviour) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[question{canonical(name), qtype}] = b
}

// behaviour gives the rule for a question.
func (r *rules) behaviour(name string, qtype uint16) Behaviour {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.of[question{canonical(name), qtype}]; ok {
		return b
	}
	return r.of[question{canonical(name), Any}]
}

// count counts a question, and returns how often it was asked before.
func (r *rules) count(name string, qtype uint16) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := question{canonical(name), qtype}
	r.asked[q]++
	return r.asked[q] - 1
}

func (r *rules) countOf(name string, qtype uint16) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[question{canonical(name), qtype}]
}

// pause waits as long as the behaviour says; false when the lab was closed meanwhile.
func (b Behaviour) pause(done <-chan struct{}) bool {
	if b.Delay > 0 {
		timer := time.NewTimer(b.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-done:
			return false
		}
	}
	if b.Wait != nil {
		select {
		case <-b.Wait:
		case <-done:
			return false
		}
	}
	return true
}

// rotated has another record first each time.
func rotated(records []dns.RR, times int) []dns.RR {
	if len(records) < 2 {
		return records
	}
	n := times % len(records)
	return slices.Concat(records[n:], records[:n])
}
