package internet

import (
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Temper is how a whole server treats everybody.
type Temper int

// The tempers of name servers and resolvers.
const (
	Sound    Temper = iota
	Refusing        // REFUSED: a server that was never told of the zone, a resolver closed to strangers
	Silent          // takes questions, never answers
	Dead            // nobody listens
	Failing         // SERVFAIL
	Noisy           // before each right answer some wrong ones: another id, another name, another type
)

// Behaviour is how a server treats one question, instead of just answering it.
type Behaviour struct {
	Rcode    int             // the answer, when it is not NOERROR
	EDE      uint16          // info code that comes along (RFC 8914); none when 0 and there is no Text
	Text     string          // extra text of the EDE
	Drop     bool            // no answer at all
	Truncate bool            // over UDP only TC; over TCP the truth
	Rotate   bool            // the first record goes to the end, from answer to answer
	Noise    bool            // as Noisy
	Wait     <-chan struct{} // answers when it is closed
	Delay    time.Duration   // answers so much later
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

// count notes a question, and says how often it came before.
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

// pause keeps the answer back as long as the behaviour says; false when the lab closed meanwhile.
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

// rotated turns the records so that another one is first each time.
func rotated(records []dns.RR, times int) []dns.RR {
	if len(records) < 2 {
		return records
	}
	n := times % len(records)
	return slices.Concat(records[n:], records[:n])
}
