package dns

import (
	"net/netip"
	"sync/atomic"
	"testing"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

// TestTheServersContradictTheResolver has a resolver that says of one name, and
// of no other, that there is nothing, as a filter or an old cache does: the
// controls find nothing wrong with it, but the name's own servers know better.
func TestTheServersContradictTheResolver(t *testing.T) {
	nothing := internet.Answers(mdns.RcodeNameError)
	dangling := func(_ *internet.DNS, w mdns.ResponseWriter, q *mdns.Msg) bool {
		m := reply(q, q.Question[0].Name+" 60 IN CNAME www.hoster.com.")
		m.Rcode = mdns.RcodeNameError
		_ = w.WriteMsg(m)
		return true
	}
	only := func(name string, f internet.Fault) internet.Fault {
		a, aaaa, soa := internet.Only(name, mdns.TypeA, f), internet.Only(name, mdns.TypeAAAA, f), internet.Only(name, mdns.TypeSOA, f)
		return func(d *internet.DNS, w mdns.ResponseWriter, q *mdns.Msg) bool {
			return a(d, w, q) || aaaa(d, w, q) || soa(d, w, q)
		}
	}
	for name, c := range map[string]struct {
		asked, about string
		says         internet.Fault
		want         checks.Code
	}{
		"a domain does not exist":                 {"well.ru", "well.ru", nothing, checks.Unknown},
		"a name of a domain does not exist":       {"www.well.ru", "www.well.ru", nothing, checks.Unknown},
		"a name of a zone further down":           {"www.shop.well.ru", "www.shop.well.ru", nothing, checks.Unknown},
		"the target of an alias does not exist":   {"alias.well.ru", "alias.well.ru", dangling, checks.Unknown},
		"no address of a domain":                  {"well.ru", "well.ru", internet.Answers(mdns.RcodeSuccess), checks.Unknown},
		"no address of an alias":                  {"alias.well.ru", "alias.well.ru", internet.Answers(mdns.RcodeSuccess), checks.Unknown},
		"no address of a domain with IPv6 alone":  {"six.ru", "six.ru", internet.Answers(mdns.RcodeSuccess), checks.Unknown},
		"a filter's address for an address":       {"well.ru", "well.ru", internet.Hijacks(netip.IPv4Unspecified()), checks.Unknown},
		"what is said of another name is nothing": {"well.ru", "other.ru", nothing, checks.OK},
		"and so say the servers":                  {"none.well.ru", "none.well.ru", nothing, checks.DNSNXDomain},
		"and so says the registry":                {"free.ru", "free.ru", nothing, checks.DNSNXDomain},
		"nor have the servers an address":         {"text.ru", "text.ru", internet.Answers(mdns.RcodeSuccess), checks.DNSNoAddress},
		"of a domain, and its wildcard alone":     {"*.bare.ru", "bare.ru", nothing, checks.OK},
	} {
		t.Run(name, func(t *testing.T) {
			d, in := world(t,
				internet.Zone{Origin: "well.ru", Text: "@ A " + ownV4 + "\nwww A " + ownV4 + "\nalias CNAME www.hoster.com."},
				internet.Zone{Origin: "shop.well.ru", Text: "www A " + ownV4},
				internet.Zone{Origin: "hoster.com", Text: "www A " + ownV4},
				internet.Zone{Origin: "six.ru", Text: "@ AAAA " + ownV6},
				internet.Zone{Origin: "text.ru", Text: "@ TXT \"nothing here\""},
				internet.Zone{Origin: "bare.ru", Text: "@ A " + ownV4})
			d.Break(only(c.about, c.says))
			sight, found, err := in.Inspect(t.Context(), Question{Name: c.asked, Ours: ours()})
			if got := worst(found, err != nil); got != c.want {
				t.Errorf("verdict %s, want %s: %+v, error %v", got, c.want, found, err)
			}
			if c.want == checks.Unknown && (sight.Points != checks.PointsUnknown || sight.Register) {
				t.Errorf("%+v", sight)
			}
		})
	}
}

// If this host reaches nobody but its resolver, that resolver is believed if it
// answers for the registry what no cache knows.
func TestOnlyTheResolverCanBeAsked(t *testing.T) {
	d, in := world(t, client("@ A "+ownV4))
	in.options.Port = closedPort(t).Port()
	look := func(name string) checks.Code {
		_, found, err := in.Inspect(t.Context(), Question{Name: name, Ours: ours()})
		t.Logf("%s: %+v, error %v", name, found, err)
		return worst(found, err != nil)
	}
	for _, name := range []string{"free.ru", "none.client.ru"} {
		if got := look(name); got != checks.DNSNXDomain {
			t.Errorf("%s: %s", name, got)
		}
	}
	d.Break(func(d *internet.DNS, w mdns.ResponseWriter, q *mdns.Msg) bool {
		return q.Question[0].Qtype > 0x8000 && internet.Answers(mdns.RcodeRefused)(d, w, q)
	})
	if got := look("free.ru"); got != checks.Unknown {
		t.Errorf("without an answer for the registry: %s", got)
	}
	if err := in.Control(t.Context()); err != nil {
		t.Errorf("a resolver that refuses types it does not know counts as failing: %v", err)
	}
}

// A name that is in order costs the questions for its addresses and for CAA:
// nothing is asked of the servers themselves, which would begin with the name
// servers of the top-level domain.
func TestWhatIsInOrderIsNotConfirmed(t *testing.T) {
	d, in := world(t, client("@ A "+ownV4, "six AAAA "+ownV6, "www CNAME client.ru."))
	var asked atomic.Int32
	d.Break(func(*internet.DNS, mdns.ResponseWriter, *mdns.Msg) bool { asked.Add(1); return false })
	for name, want := range map[string]int32{"client.ru": 4, "six.client.ru": 5, "www.client.ru": 5} {
		asked.Store(0)
		if _, found, err := in.Inspect(t.Context(), Question{Name: name, Ours: ours()}); len(found) > 0 || err != nil {
			t.Errorf("%s: %+v, error %v", name, found, err)
		}
		if got := asked.Load(); got != want {
			t.Errorf("%s: %d questions, want %d", name, got, want)
		}
	}
}

// A resolver that knows top-level domains from its cache only is noticed by the
// controls.
func TestTheControlAsksForWhatNoCacheKnows(t *testing.T) {
	d, in := world(t)
	d.Break(func(d *internet.DNS, w mdns.ResponseWriter, q *mdns.Msg) bool {
		cached := q.Question[0].Qtype == mdns.TypeNS
		return !cached && internet.Answers(mdns.RcodeNameError)(d, w, q)
	})
	b, blind := in.Control(t.Context()).(*checks.Blindness)
	if !blind || b.Cause != checks.BlindResolver {
		t.Errorf("the control says %v", b)
	}
}
