package dns

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

// drop makes the resolver leave a question unanswered.
var drop = internet.Behaviour{Drop: true}

// servfail makes the servers fail for a question.
var servfail = internet.Behaviour{Rcode: mdns.RcodeServerFailure}

// TestWhatWasNotSeenIsNoVerdict removes an answer from lookups that find
// something because of it: what is left may be evidence, but not a cause.
func TestWhatWasNotSeenIsNoVerdict(t *testing.T) {
	type rule struct {
		kind uint16
		as   internet.Behaviour
	}
	caa := "@ CAA 0 issue \"other.example\""
	for name, tt := range map[string]struct {
		zone  []string
		rules []rule
	}{
		"A elsewhere, AAAA dropped":          {[]string{"@ A " + foreignV4}, []rule{{mdns.TypeAAAA, drop}}},
		"A dropped, AAAA says no such name":  {[]string{"@ A " + ownV4}, []rule{{mdns.TypeA, drop}, {mdns.TypeAAAA, internet.Behaviour{Rcode: mdns.RcodeNameError}}}},
		"A dropped, CAA forbids":             {[]string{"@ A " + ownV4, caa}, []rule{{mdns.TypeA, drop}}},
		"AAAA dropped, CAA forbids":          {[]string{"@ A " + ownV4, caa}, []rule{{mdns.TypeAAAA, drop}}},
		"A refused, AAAA elsewhere":          {[]string{"@ AAAA " + foreignV6}, []rule{{mdns.TypeA, internet.Behaviour{Rcode: mdns.RcodeRefused}}}},
		"CAA dropped":                        {[]string{"@ A " + ownV4, caa}, []rule{{mdns.TypeCAA, drop}}},
		"A and AAAA not implemented, no CAA": {[]string{"@ A " + ownV4}, []rule{{internet.Any, internet.Behaviour{Rcode: mdns.RcodeNotImplemented}}}},
	} {
		t.Run(name, func(t *testing.T) {
			d, in := world(t, client(tt.zone...))
			for _, r := range tt.rules {
				d.Resolve("client.ru", r.kind, r.as)
			}
			_, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
			if err == nil {
				t.Error("no error, though something was not seen")
			}
			if i := slices.IndexFunc(found, func(f checks.Finding) bool { return f.Severity > checks.Info }); i >= 0 {
				t.Errorf("a cause: %+v", found[i])
			}
		})
	}
}

// The CA uses one family when the servers fail for the other.
func TestServersThatFailForAAlone(t *testing.T) {
	d, in := world(t, client("@ AAAA "+ownV6))
	d.Serve("client.ru", mdns.TypeA, servfail)
	sight, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
	if sight.Points != checks.PointsOurs || err != nil {
		t.Errorf("%+v, error %v", sight, err)
	}
	if len(found) != 1 || found[0].Code != checks.DNSServFail || found[0].Severity != checks.Info {
		t.Errorf("findings %+v", found)
	}
}

// flaky answers the first questions about a signed name with SERVFAIL, and
// questions without validation at once.
func flaky(t *testing.T, failures int, ede ...mdns.EDNS0_EDE) *Inspector {
	var asked atomic.Int32
	addr := serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		m := reply(q)
		switch q.Question[0].Qtype {
		case mdns.TypeDS:
			m = reply(q, "client.ru. 60 IN DS 2371 13 2 1F987CC6583E92DF0890718C42A1F2E5D3C6B7A80918273645544332211000FF")
		case mdns.TypeA:
			m = reply(q, "client.ru. 60 IN A "+ownV4)
			if n := asked.Add(1); !q.CheckingDisabled && int(n) <= failures {
				m = reply(q)
				m.Rcode = mdns.RcodeServerFailure
				m.SetEdns0(1232, false)
				for _, e := range ede {
					m.IsEdns0().Option = append(m.IsEdns0().Option, &e)
				}
			}
		}
		_ = w.WriteMsg(m)
	})
	return NewInspector(resolver(t, Options{Servers: []netip.AddrPort{addr}}), InspectorOptions{Port: closedPort(t).Port(), Reserved: true, Controls: []string{}, Pause: time.Millisecond})
}

// An answer without validation proves broken signatures only if the validated
// question keeps failing and the resolver gives no other reason.
func TestServersThatFailedForAMoment(t *testing.T) {
	network := mdns.EDNS0_EDE{InfoCode: mdns.ExtendedErrorCodeNetworkError}
	for name, in := range map[string]*Inspector{
		"network, EDE 23":   flaky(t, 9, network),
		"EDE 22 and EDE 23": flaky(t, 9, mdns.EDNS0_EDE{InfoCode: mdns.ExtendedErrorCodeNoReachableAuthority}, network),
	} {
		_, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
		if err == nil || len(found) != 0 {
			t.Errorf("%s: findings %+v, error %v", name, found, err)
		}
	}
	sight, found, err := flaky(t, 2).Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
	if err != nil || len(found) != 0 || sight.Points != checks.PointsOurs {
		t.Errorf("an answer at the third try: %+v, findings %+v, error %v", sight, found, err)
	}
	_, found, err = flaky(t, 9).Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
	if err != nil || len(found) != 1 || found[0].Code != checks.DNSDNSSEC {
		t.Errorf("lasting, no reason given: findings %+v, error %v", found, err)
	}
}

// Without an answer to the question with CD=1, a fault of the signatures cannot
// be distinguished from one of the servers.
func TestTheQuestionWithoutCheckingIsNotAnswered(t *testing.T) {
	addr := serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		m := reply(q)
		if q.Question[0].Qtype == mdns.TypeA {
			if q.CheckingDisabled {
				return
			}
			m.Rcode = mdns.RcodeServerFailure
		}
		_ = w.WriteMsg(m)
	})
	in := NewInspector(resolver(t, Options{Servers: []netip.AddrPort{addr}}), InspectorOptions{})
	if _, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()}); err == nil || len(found) != 0 {
		t.Errorf("findings %+v, error %v", found, err)
	}
}

// A server that could not be asked might serve the zone.
func TestNotAskedIsNotLame(t *testing.T) {
	for name, tt := range map[string]struct {
		words []serverAnswer
		lame  bool
	}{
		"none":                    {nil, false},
		"refused":                 {[]serverAnswer{serverRefused, serverSilent}, true},
		"refused and not asked":   {[]serverAnswer{serverRefused, serverUnasked}, false},
		"not asked":               {[]serverAnswer{serverUnasked}, false},
		"refused and without one": {[]serverAnswer{serverRefused, serverAddressless}, true},
	} {
		var d delegation
		for _, w := range tt.words {
			d.servers = append(d.servers, delegate{state: w})
		}
		if d.lame() != tt.lame {
			t.Errorf("%s: lame %v", name, d.lame())
		}
	}
}

// A name server whose address the resolver did not return in time counts as not
// asked, so that nothing confirms the failure.
func TestServersWhoseAddressIsNotTold(t *testing.T) {
	zone := internet.Zone{Origin: "client.ru", NS: []string{"ns1.hoster.com"}, Temper: internet.Refusing}
	d, in := world(t, zone, internet.Zone{Origin: "hoster.com"})
	d.Resolve("ns1.hoster.com", internet.Any, drop)
	_, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: ours()})
	if len(found) != 0 || err == nil {
		t.Errorf("findings %+v, error %v", found, err)
	}
}

// When the caller stops waiting, the server does not count as silent.
func TestAskAtIsCutShort(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := serve(t, func(mdns.ResponseWriter, *mdns.Msg) { cancel() })
	r := resolver(t, Options{Servers: []netip.AddrPort{addr}})
	a, err := r.AskAt(ctx, addr, question())
	if !errors.Is(err, context.Canceled) || judge(a, err) != serverUnasked {
		t.Errorf("error %v, answer %d", err, judge(a, err))
	}
}

// A server may put anything into its answer: records that were not asked for
// are neither addresses of the name nor answers of a blocklist.
func TestAddressesOfTheOtherKind(t *testing.T) {
	addr := serve(t, func(w mdns.ResponseWriter, q *mdns.Msg) {
		n := q.Question[0].Name
		_ = w.WriteMsg(reply(q, n+" 60 IN AAAA "+foreignV6, n+" 60 IN A 127.0.0.2"))
	})
	r := resolver(t, Options{Servers: []netip.AddrPort{addr}})
	for kind, want := range map[uint16]string{mdns.TypeA: "127.0.0.2", mdns.TypeAAAA: foreignV6, mdns.TypeTXT: ""} {
		a, err := r.Ask(t.Context(), Query{Name: "client.ru", Type: kind})
		if got := addressList(a.Addrs); err != nil || got != want {
			t.Errorf("%s: %q, error %v", mdns.TypeToString[kind], got, err)
		}
	}
	if _, err := NewBlocklists(r, []string{"bl.example.org"}).Listed(t.Context(), netip.MustParseAddr(ownV4)); err == nil {
		t.Error("a list that lists everything is believed")
	}
}
