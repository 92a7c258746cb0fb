package internet

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Fault is how all resolvers of the lab fail, whatever they are asked: it
// reports whether it dealt with a question. The zones' own servers still work.
type Fault func(d *DNS, w dns.ResponseWriter, request *dns.Msg) (dealt bool)

// Break makes the resolvers fail from now on; nil repairs them.
func (d *DNS) Break(f Fault) {
	if f == nil {
		d.fault.Store(nil)
		return
	}
	d.fault.Store(&f)
}

// Answers answers every question with an rcode and without records.
func Answers(rcode int) Fault {
	return func(d *DNS, w dns.ResponseWriter, request *dns.Msg) bool {
		d.send(w, request, Behaviour{Rcode: rcode}, reply{rcode: rcode})
		return true
	}
}

// Some applies a fault to a share of the questions, from 0 to 1, chosen at
// random from a seed.
func Some(share float64, seed uint64, f Fault) Fault {
	dice := make(chan *rand.Rand, 1)
	dice <- rand.New(rand.NewPCG(seed, 0))
	return func(d *DNS, w dns.ResponseWriter, request *dns.Msg) bool {
		r := <-dice
		hit := r.Float64() < share
		dice <- r
		return hit && f(d, w, request)
	}
}

// Only applies a fault to the questions of a type about one name.
func Only(name string, qtype uint16, f Fault) Fault {
	return func(d *DNS, w dns.ResponseWriter, request *dns.Msg) bool {
		q := request.Question[0]
		return canonical(q.Name) == canonical(name) && q.Qtype == qtype && f(d, w, request)
	}
}

// Drops answers nothing.
func Drops(*DNS, dns.ResponseWriter, *dns.Msg) bool { return true }

// Hijacks answers every question for an IPv4 address with the same one, as a
// provider's page about an unpaid bill does.
func Hijacks(addr netip.Addr) Fault {
	return func(d *DNS, w dns.ResponseWriter, request *dns.Msg) bool {
		q := request.Question[0]
		var r reply
		if q.Qtype == dns.TypeA {
			r.answer = []dns.RR{address(q.Name, addr)}
		}
		d.send(w, request, Behaviour{}, r)
		return true
	}
}

// Garbles answers with bytes that are no message after their question.
func Garbles(_ *DNS, w dns.ResponseWriter, request *dns.Msg) bool {
	m := new(dns.Msg).SetReply(request)
	m.SetEdns0(1232, false)
	packed, err := m.Pack()
	if err != nil {
		return false
	}
	packed[7] = 9 // nine records in the answer, none of which follows
	_, _ = w.Write(append(packed, 0xff, 0xfe, 0xfd))
	return true
}

// Truncates sends only the beginning of an answer over UDP, and nothing over
// TCP.
func Truncates(d *DNS, w dns.ResponseWriter, request *dns.Msg) bool {
	if strings.HasPrefix(w.LocalAddr().Network(), "udp") {
		d.send(w, request, Behaviour{Truncate: true}, reply{})
	}
	return true
}

// Waits answers as usual, but late.
func Waits(delay time.Duration) Fault {
	return func(d *DNS, w dns.ResponseWriter, request *dns.Msg) bool {
		q := request.Question[0]
		go func() {
			if d.life.enter() {
				defer d.life.leave()
				d.send(w, request, Behaviour{Delay: delay}, d.recurse(q.Name, q.Qtype, request.CheckingDisabled))
			}
		}()
		return true
	}
}
