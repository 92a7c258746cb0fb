package dns

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

// wayOut is a server through which a resolver asks the lab's internet, until it
// is cut.
type wayOut struct {
	lab string // host:port
	cut atomic.Pointer[mdns.HandlerFunc]
}

func (w *wayOut) answer(to mdns.ResponseWriter, q *mdns.Msg) {
	if cut := w.cut.Load(); cut != nil {
		(*cut)(to, q)
		return
	}
	if m, _, err := (&mdns.Client{Timeout: 2 * time.Second}).Exchange(q, w.lab); err == nil {
		_ = to.WriteMsg(m)
	}
}

// refuses returns a handler that answers with an rcode and without records.
func refuses(rcode int) mdns.HandlerFunc {
	return func(w mdns.ResponseWriter, q *mdns.Msg) { _ = w.WriteMsg(new(mdns.Msg).SetRcode(q, rcode)) }
}

// TestUnboundWithoutAWayOut has a real resolver that knows the root and the
// top-level domains from its cache, but can ask nobody any more: of no name that
// makes a cause of another kind, whether or not this host itself still reaches
// the names' servers.
func TestUnboundWithoutAWayOut(t *testing.T) {
	sites := []internet.Zone{
		{Origin: "well.ru", Text: "@ A " + ownV4},
		{Origin: "moved.ru", Text: "@ A " + foreignV4},
		{Origin: "both.ru", Text: "@ A " + ownV4 + "\n@ AAAA " + foreignV6},
		{Origin: "forbids.ru", Text: "@ A " + ownV4 + "\n@ CAA 0 issue \"other.example\""},
		{Origin: "empty.ru", Text: "@ TXT \"nothing here\""},
		{Origin: "lame.ru", Text: "@ A " + ownV4, Temper: internet.Refusing},
		{Origin: "fails.ru", Text: "@ A " + ownV4, Temper: internet.Failing},
		{Origin: "shop.com", Text: "@ A " + ownV4},
		{Origin: "away.org", Text: "@ A " + foreignV4},
	}
	names := []string{"free.ru", "www.well.ru"} // these do not exist
	for _, z := range sites {
		names = append(names, z.Origin)
	}
	d, _ := world(t, sites...)
	before := verdicts(t, throughUnbound(t, d, &wayOut{lab: d.Addr()}), names)
	for name, want := range map[string]checks.Code{"well.ru": checks.OK, "moved.ru": checks.DNSElsewhere, "forbids.ru": checks.DNSCAA, "empty.ru": checks.DNSNoAddress,
		"lame.ru": checks.DNSLame, "fails.ru": checks.DNSServFail, "free.ru": checks.DNSNXDomain} {
		if before[name] != want {
			t.Errorf("with a way out %s is %s, want %s", name, before[name], want)
		}
	}
	for name, cut := range map[string]mdns.HandlerFunc{
		"nothing comes back": func(mdns.ResponseWriter, *mdns.Msg) {},
		"SERVFAIL":           refuses(mdns.RcodeServerFailure),
		"REFUSED":            refuses(mdns.RcodeRefused),
		"NXDOMAIN":           refuses(mdns.RcodeNameError), // a provider's, whose bill is not paid
	} {
		for _, alone := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, the resolver alone %v", name, alone), func(t *testing.T) {
				t.Parallel() // it waits more than it computes
				out := &wayOut{lab: d.Addr()}
				in := throughUnbound(t, d, out)
				cached := []Query{{Name: ".", Type: mdns.TypeNS}}
				for _, tld := range controlTLDs() {
					cached = append(cached, Query{Name: tld, Type: mdns.TypeNS}, Query{Name: tld, Type: mdns.TypeCAA})
				}
				in.resolver.AskAll(t.Context(), cached)
				out.cut.Store(&cut)
				if !alone {
					in.options.Port = closedPort(t).Port()
				}
				for i, r := range in.resolver.AskAll(t.Context(), cached) {
					if r.failure() != nil {
						t.Fatalf("%s is not in the cache: %v", cached[i].Name, r.failure())
					}
				}
				after := verdicts(t, in, names)
				if after["well.ru"] != checks.Unknown {
					t.Errorf("well.ru is %s, though nobody can be asked about it", after["well.ru"])
				}
				for name, now := range after {
					if now != before[name] && now != checks.Unknown {
						t.Errorf("%s became %s, was %s", name, now, before[name])
					}
				}
			})
		}
	}
}

// throughUnbound is an inspector that asks a real resolver of its own.
func throughUnbound(t *testing.T, d *internet.DNS, out *wayOut) *Inspector {
	t.Helper()
	server := unbound(t, "forward-zone:\n    name: \".\"\n    forward-addr: "+at(serve(t, out.answer))+"\n")
	return inspector(t, d, server.String())
}

// verdicts looks at all names at the same time.
func verdicts(t *testing.T, in *Inspector, names []string) map[string]checks.Code {
	t.Helper()
	var mu sync.Mutex
	var looking sync.WaitGroup
	all := map[string]checks.Code{}
	for _, name := range names {
		looking.Go(func() {
			_, found, err := in.Inspect(t.Context(), Question{Name: name, Ours: []netip.Addr{netip.MustParseAddr(ownV4), netip.MustParseAddr(ownV6)}})
			mu.Lock()
			defer mu.Unlock()
			if all[name] = worst(found, err != nil); err != nil && all[name] != checks.Unknown {
				t.Logf("%s: %s beside %v", name, all[name], err)
			}
		})
	}
	looking.Wait()
	return all
}
