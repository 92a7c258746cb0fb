package suite_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

// failing is a way in which the resolver of this host fails.
type failing struct {
	name    string
	fault   internet.Fault
	unknown float64 // the largest share of sites whose verdict may become unknown
}

// failures are the ways in which a resolver fails for all names alike. Each
// situation needs a seed of its own: with one, all would lose the same packets.
func failures(seed uint64) []failing {
	servfail := internet.Answers(mdns.RcodeServerFailure)
	return []failing{
		{"SERVFAIL, 2 %", internet.Some(0.02, seed, servfail), 0.05},
		{"SERVFAIL, 5 %", internet.Some(0.05, seed, servfail), 0.05},
		{"SERVFAIL, 50 %", internet.Some(0.5, seed, servfail), 1},
		{"SERVFAIL", servfail, 1},
		{"SERVFAIL for CAA of the top level", internet.Only("ru", mdns.TypeCAA, servfail), 1},
		{"NXDOMAIN", internet.Answers(mdns.RcodeNameError), 1},
		{"empty answers", internet.Answers(mdns.RcodeSuccess), 1},
		{"one address for all", internet.Hijacks(netip.MustParseAddr("93.184.216.99")), 1},
		{"lost, 5 %", internet.Some(0.05, seed, internet.Drops), 0.05},
		{"lost, 30 %", internet.Some(0.3, seed, internet.Drops), 0.05},
		{"lost, 60 %", internet.Some(0.6, seed, internet.Drops), 1},
		{"REFUSED", internet.Answers(mdns.RcodeRefused), 1},
		{"FORMERR", internet.Answers(mdns.RcodeFormatError), 1},
		{"garbage", internet.Garbles, 1},
		{"truncated, and no TCP", internet.Truncates, 1},
		{"slow", internet.Waits(4 * time.Second), 1},
	}
}

// TestAFailingResolverBlamesNobody checks every situation of the lab with a
// resolver that fails in each way. A site may be "not known" because of that; no
// site may get another cause.
func TestAFailingResolverBlamesNobody(t *testing.T) {
	var mu sync.Mutex
	unknown, all := map[string]int{}, map[string]int{}
	var group errgroup.Group
	group.SetLimit(16) // they wait more than they compute
	for n, s := range internet.Situations() {
		if s.Want == string(checks.WebFlapping) {
			continue // what one look at it shows is a matter of chance
		}
		group.Go(func() error {
			t.Run(s.Name, func(t *testing.T) {
				lab, err := s.Start(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = lab.Close() })
				live, x := looks(t, lab), subject(t, lab)
				was, _ := live.Probe(t.Context(), x, true, time.Now())
				for i, f := range failures(uint64(n)) {
					if f.unknown == 1 && i%8 != n%8 && !strings.HasPrefix(s.Rule, "causes") {
						continue // an eighth of the situations for each is enough, and all those of the DNS
					}
					lab.DNS.Break(f.fault)
					is, _ := live.Probe(t.Context(), x, true, time.Now())
					lab.DNS.Break(nil)
					before, now := was.Verdict(), is.Verdict()
					mu.Lock()
					if all[f.name]++; now.Code == checks.Unknown && before.Code != checks.Unknown {
						unknown[f.name]++
					}
					mu.Unlock()
					if now.Code != before.Code && now.Code != checks.Unknown {
						t.Errorf("%s makes %s of %s\n%s%v", f.name, now.Code, before.Code, evidence(is.Findings), is.Failures)
					}
				}
			})
			return nil
		})
	}
	_ = group.Wait() // no function has an error
	var lines strings.Builder
	for _, f := range failures(0) {
		fmt.Fprintf(&lines, "%-35s %3d of %3d not known\n", f.name, unknown[f.name], all[f.name])
		if float64(unknown[f.name]) > f.unknown*float64(all[f.name]) {
			t.Errorf("%s: %d of %d sites are not known", f.name, unknown[f.name], all[f.name])
		}
	}
	t.Log("\n" + lines.String())
}
