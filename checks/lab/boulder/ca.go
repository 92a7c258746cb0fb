package boulder

import (
	"time"
)

// Options say what a CA is like; the zero value is Let's Encrypt's production.
type Options struct {
	Clock     func() time.Time   // of limits, expiries, and the log of requests; nil: time.Now
	Limits    Limits             // nil: Production()
	Profiles  map[string]Profile // by name, "" for an order that names none; nil: Profiles()
	Latency   time.Duration      // before every answer, by the real (or the bubble's) clock
	Rates     Rates              // of the load balancer; zero: none
	Jitter    func() float64     // 0 to 1: which share of the 3 % a Retry-After is too long by; nil: none
	Forbidden []string           // names that policy refuses
	Watch     func(Moment)       // told of each request twice, from its own goroutine; nil: nobody
}

// CA is one certificate authority.
type CA struct {
	url    string // "https://127.0.0.1:port", no slash at the end
	opts   Options
	model  *model
	nonces *nonces
	issuer *issuer
	faults faultList
	log    requestLog
	front  balancer
	port   *port // nil: there is none
}

// New makes a CA that is reached by Client or Transport only, for tests in
// virtual time: a socket would keep a bubble's clock from moving.
func New(o Options) *CA {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Limits == nil {
		o.Limits = Production()
	}
	if o.Profiles == nil {
		o.Profiles = Profiles()
	}
	ca := &CA{
		opts:   o,
		model:  newModel(o),
		nonces: newNonces(),
		issuer: &issuer{},
		front:  balancer{rates: o.Rates, due: map[string]time.Time{}},
	}
	ca.locate("https://acme.test")
	return ca
}

// locate says where the CA, and the page for people, is found.
func (ca *CA) locate(url string) { ca.url, ca.model.sfe = url, url }

// URL is where the CA is, without a slash at its end.
func (ca *CA) URL() string { return ca.url }

// Directory is the URL that a client begins with (RFC 8555 section 7.1.1).
func (ca *CA) Directory() string { return ca.url + "/directory" }
