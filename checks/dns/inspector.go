package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// Question is a name to look up, and what is expected of it.
type Question struct {
	Name       string         // in either form; "*.x" for a wildcard
	Ours       []netip.Addr   // expected addresses; empty: not known, and not judged
	Cluster    checks.Cluster // more addresses and host names of ours, where a name may point just as well
	CA         string         // as CAA records name it; empty: letsencrypt.org
	AccountURI string         // of the ACME account; empty: not known, so whether accounturi allows it cannot be told
	Refused    bool           // the CA's last answer was that CAA forbids issuing
	Method     string         // of validation; empty: http-01
	Servers    bool           // find out which servers of the zone are on our addresses
	Wildcard   bool           // the certificate is for *.Name: implied by a Name that begins with "*."
}

// InspectorOptions configures an Inspector.
type InspectorOptions struct {
	Ranges   *Ranges // of CDNs and proxies; nil: none is known
	Port     uint16  // where authoritative servers listen; 0: 53
	Reserved bool    // ask authoritative servers on private and loopback addresses too: only a laboratory has them there

	Controls []string      // top-level domains that the controls ask for; nil: ru, com and org; empty but not nil: the resolver is always believed
	Roots    []netip.Addr  // root servers that tell a failing resolver from a failing network; none: that is not told
	Pause    time.Duration // before a question that failed is asked for the third time; 0: 1 s
}

// Inspector looks names up as the CA does, and finds what is wrong with them.
// It is safe for concurrent use.
type Inspector struct {
	resolver *Resolver
	options  InspectorOptions
	controls controls
	nodes    nodeAddresses
}

// NewInspector returns an inspector that asks the resolver, which the caller
// closes.
func NewInspector(r *Resolver, o InspectorOptions) *Inspector {
	if o.Port == 0 {
		o.Port = 53
	}
	if o.Ranges == nil {
		o.Ranges = new(Ranges)
	}
	if o.Controls == nil {
		o.Controls = controlTLDs()
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	return &Inspector{resolver: r, options: o}
}

// Check finds what is wrong with a name in DNS, and fills in Target.DNS. ours
// are the addresses that names should point to; empty: those on which the panel
// lets each site listen. accountURI is that of the panel's ACME account; empty:
// not known. in may be nil: nothing is looked up.
func (in *Inspector) Check(ours []netip.Addr, accountURI string) checks.Check {
	c := checks.Check{
		Name:  checks.NamesCheck,
		Scope: checks.ScopeName,
		Live:  true,
		Codes: []checks.Code{checks.DNSLame, checks.DNSDNSSEC, checks.DNSServFail, checks.DNSNXDomain, checks.DNSNoAddress,
			checks.DNSElsewhere, checks.DNSPartly, checks.DNSIPv6, checks.DNSCAA, checks.DNSCAABroken, checks.DNSLookalike, checks.DNSProxied},
	}
	if in == nil {
		return c
	}
	c.Run = func(ctx context.Context, t *checks.Target) (found []checks.Finding, err error) {
		q := Question{Name: t.DNS.Name, Ours: ours, AccountURI: accountURI, Refused: refusedByCAA(t.History), Servers: failedByDNS(t.History)}
		if len(ours) == 0 {
			q.Ours = t.Site.Addresses
		}
		if t.Cluster != nil {
			q.Cluster = *t.Cluster
			if len(q.Ours) == 0 {
				q.Ours = q.Cluster.Addresses
			}
		}
		t.DNS, found, err = in.Inspect(ctx, q)
		return found, err
	}
	return c
}

// refusedByCAA reports whether the last attempt failed because of CAA, in the
// words of Boulder (va/caa.go).
func refusedByCAA(h *checks.History) bool {
	return h != nil && h.Last.Outcome == checks.OutcomeFailed && strings.Contains(h.Last.Text, "CAA record for") && strings.Contains(h.Last.Text, "prevents issuance")
}

// failedByDNS reports whether the last attempt failed because of how a zone's
// servers answered the CA, in the words of Boulder (bdns/problem.go, va/va.go).
func failedByDNS(h *checks.History) bool {
	return h != nil && h.Last.Outcome == checks.OutcomeFailed &&
		(strings.Contains(h.Last.Text, "DNS problem") || strings.Contains(h.Last.Text, "During secondary validation"))
}

// Inspect returns where a name points and what is wrong with it. An error means
// that something could not be looked up; findings returned with it are valid.
func (in *Inspector) Inspect(ctx context.Context, q Question) (checks.NameInfo, []checks.Finding, error) {
	l, err := in.begin(q)
	if err != nil {
		return checks.NameInfo{Name: q.Name}, nil, err
	}
	labels := l.name.upward()
	queries := append(make([]Query, 0, 2+len(labels)),
		Query{Name: l.name.host, Type: mdns.TypeA}, Query{Name: l.name.host, Type: mdns.TypeAAAA})
	for _, label := range labels {
		queries = append(queries, Query{Name: label, Type: mdns.TypeCAA})
	}
	said := l.settled(ctx, queries)
	if l.addresses(ctx, said[0], said[1]) {
		blind, before := len(l.errs) > 0, len(l.found)
		l.caa(ctx, labels, said[2:])
		if blind {
			l.makeInfo(before) // the addresses, which come first for the CA, are not known
		}
	}
	l.believe(ctx)
	if q.Servers && len(l.question.Ours) > 0 {
		l.info.Own = l.ownServers(ctx)
	}
	l.lookalikes()
	l.complete(l.detail)
	return l.info, l.found, errors.Join(l.errs...)
}

// nameLookup is the lookup of one name.
type nameLookup struct {
	*conversation
	judgement
	question Question
	name     name
	info     checks.NameInfo
}

func (in *Inspector) begin(q Question) (*nameLookup, error) {
	n, err := parseName(q.Name)
	if err != nil {
		return nil, err
	}
	if q.CA == "" {
		q.CA = "letsencrypt.org"
	}
	if q.Method == "" {
		q.Method = "http-01"
	}
	q.Wildcard = q.Wildcard || n.wildcard
	return &nameLookup{conversation: &conversation{Inspector: in}, question: q, name: n, info: checks.NameInfo{Name: n.ascii}}, nil
}

// looked returns nil if the resolver answered. Only these three rcodes describe
// the name; any other describes the resolver or this host.
func (r Result) looked() error {
	if r.Err != nil {
		return r.Err
	}
	switch r.Answer.Rcode {
	case mdns.RcodeSuccess, mdns.RcodeNameError, mdns.RcodeServerFailure:
		return nil
	}
	return fmt.Errorf("the resolver %s answers %s", r.Answer.Server, rcode(r.Answer.Rcode))
}

// says reports whether the question was answered with that rcode.
func (r Result) says(rcode int) bool { return r.Err == nil && r.Answer.Rcode == rcode }

// lookalikes finds a label that imitates another name with letters of a second
// alphabet, wherever the name points.
func (l *nameLookup) lookalikes() {
	if m, ok := lookalike(l.name.base); ok {
		l.find(checks.DNSLookalike, checks.Args{
			"label": checks.Clean(m.label, maxLabel), "script": m.script, "odd": checks.Clean(m.odd, maxLabel),
		})
	}
}

// Addresses returns the addresses of a redirect's host. As for the CA, one
// family is enough if the servers fail for the other. But if *our* question for
// a family got no answer, that is an error, because the CA may use that family;
// so it is if there are no addresses and the resolver cannot be believed.
func (in *Inspector) Addresses(ctx context.Context, host string) (v4, v6 []netip.Addr, err error) {
	l, err := in.begin(Question{Name: host})
	if err != nil {
		return nil, nil, err
	}
	said := l.settled(ctx, []Query{{Name: l.name.host, Type: mdns.TypeA}, {Name: l.name.host, Type: mdns.TypeAAAA}})
	a, aaaa := said[0], said[1]
	if err := errors.Join(a.looked(), aaaa.looked()); err != nil {
		return nil, nil, err
	}
	v4, v6 = a.Answer.Addrs, aaaa.Answer.Addrs
	for kind, r := range map[uint16]Result{mdns.TypeA: a, mdns.TypeAAAA: aaaa} {
		if r.says(mdns.RcodeServerFailure) {
			l.broken(ctx, kind, r.Answer)
		}
	}
	if len(v4)+len(v6) == 0 && a.says(mdns.RcodeServerFailure) != aaaa.says(mdns.RcodeServerFailure) {
		l.fail(fmt.Errorf("one family of addresses of %s cannot be looked up, and the other has none", host))
	}
	if len(v4)+len(v6) == 0 {
		l.info.Points = checks.PointsNowhere
		if a.says(mdns.RcodeNameError) {
			end, above := l.end(a.Answer)
			_, err := above.absent(ctx, end, mdns.TypeA, a.Answer)
			l.fail(err)
		}
		l.believe(ctx)
	}
	return v4, v6, errors.Join(l.errs...)
}
