package internet

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// reply is a server's answer to one question, before it is encoded.
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

// authority answers like the name server at an address: only for the zones that
// it serves.
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

// tempered returns the behaviour of a server with that temper; done if nothing
// need be looked up.
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

// deepest returns the acceptable zone closest to a name; nil if there is none.
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

// cut returns the first zone between z and a name, to which z delegates; nil if
// the name is in z itself.
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

// referral is a parent's delegation to a child: the child's servers, with their
// addresses if they are below the parent.
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

// send sends a reply with the given behaviour.
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
	_ = w.WriteMsg(m) // the client may have gone
}

// noise sends what a forger would send: answers that are wrong in one respect.
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

// Temper is how a server answers all questions.
type Temper int

// The tempers of name servers and resolvers.
const (
	Sound    Temper = iota
	Refusing        // REFUSED: a server that does not serve the zone, or a resolver that this client may not use
	Silent          // receives questions, never answers
	Dead            // does not listen
	Failing         // SERVFAIL
	Noisy           // sends some wrong answers before each right one: another id, another name, another type
)

// Behaviour is a deviation in answering one question.
type Behaviour struct {
	Rcode    int             // the rcode, if not NOERROR
	EDE      uint16          // info code of the EDE (RFC 8914); no EDE if it is 0 and Text is empty
	Text     string          // extra text of the EDE
	Drop     bool            // no answer
	Truncate bool            // over UDP only TC; over TCP the complete answer
	Rotate   bool            // the first record moves to the end with each answer
	Noise    bool            // as Noisy
	Wait     <-chan struct{} // the answer waits until it is closed
	Delay    time.Duration   // before the answer
}

// Any means every type of question.
const Any = dns.TypeANY

// question identifies the question to which a behaviour applies.
type question struct {
	name  string
	qtype uint16
}

// rules are the behaviours of one kind of server, and how often each question
// was asked.
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

// behaviour returns the behaviour for a question.
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

// pause waits as the behaviour requires; false if the lab was closed meanwhile.
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

// rotated returns the records rotated, with another one first each time.
func rotated(records []dns.RR, times int) []dns.RR {
	if len(records) < 2 {
		return records
	}
	n := times % len(records)
	return slices.Concat(records[n:], records[:n])
}
