package suite_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/dns"
	"domovoy/checks/lab/internet"
	"domovoy/checks/panel"
	"domovoy/checks/quorum"
	"domovoy/checks/suite"
	"domovoy/checks/web"
)

// TestSituationsFromThreePlaces diagnoses the situations from three places, of
// which a firewall drops the third. The CA's rule lets one of three miss: so what
// two places see is the cause, as from one place, and what two places see well is
// neither broken nor fine.
func TestSituationsFromThreePlaces(t *testing.T) {
	confusion := newTable()
	t.Run("all", func(t *testing.T) {
		for _, s := range internet.Situations() {
			t.Run(s.Name, func(t *testing.T) {
				t.Parallel()
				lab, err := s.Start(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = lab.Close() })
				now, x, near, far := time.Now(), subject(t, lab), looks(t, lab), beyond(t, lab)
				own, _ := near.Probe(t.Context(), x, true, now)
				second, _ := near.Probe(t.Context(), x, true, now)
				third, _ := far.Probe(t.Context(), x, false, now)
				merged := quorum.Rule(oneOfThree).Merge(x.Site, []quorum.Look{
					{From: checks.Vantage{Name: "fra1", Network: "AS64500", Country: "de"}, Probe: own},
					{From: checks.Vantage{Name: "ash1", Network: "AS64501", Country: "us"}, Probe: second},
					{From: checks.Vantage{Name: "mow1", Network: "AS64502", Country: "ru"}, Probe: third},
				}, checks.Probe{})
				out := new(suite.Series).Run(t.Context(), suite.Checks(suite.Reading{Rules: cert.Rules{LifeLeft: 7.0 / 90}, Classifier: acme.NewClassifier(),
					Places: panel.Places{Addresses: lab.Panel.Addresses, Proxy: frontOf(lab)}, Files: true}, suite.Outside{}), x.Site.Server, []checks.Subject{x}, now)
				found := slices.Concat(merged.Findings, out.Findings, account(t, lab))
				verdict := checks.Judge(found, append(merged.Failures, out.Failures...)).Attribute(merged)
				want := fromThree(s.Want, third)
				confusion.add(want, string(verdict.Code))
				if string(verdict.Code) != want {
					t.Errorf("%s: from one place %s; from three, of which the last saw %q, the verdict is %s, want %s\n%s",
						s.Rule, s.Want, third.Verdict().Code, verdict.Code, want, evidence(found))
				}
				if missed, _ := verdict.Finding.Args[quorum.MissedArg].([]string); want == "web.blocked" && s.Want != "web.blocked" && !slices.Equal(missed, []string{"mow1 (AS64502, ru)"}) {
					t.Errorf("who does not get through is not said: %v", verdict.Finding.Args)
				}
			})
		}
	})
	t.Log("\n" + confusion.String())
}

// oneOfThree is the part of the table of the Baseline Requirements (section
// 3.2.2.9) that three places need.
func oneOfThree(looks int) int { return map[int]int{1: 0, 2: 1, 3: 1}[looks] }

// fromThree is the right verdict if the third place was dropped: two see the
// cause that one sees, if it is one of a name or the way to it. Else the CA would
// pass, and the third is kept out, if it came as far as to connect.
func fromThree(want string, third checks.Probe) string {
	dropped := slices.ContainsFunc(third.Findings, func(f checks.Finding) bool {
		return f.Name == "" && f.Code == checks.WebTimeout && f.Severity > checks.Info
	})
	outside := strings.HasPrefix(want, "dns.") || strings.HasPrefix(want, "web.")
	if outside || want == string(checks.Unknown) || !dropped {
		return want
	}
	return string(checks.WebBlocked)
}

// beyond returns the checks of a place behind a firewall that drops what it sends
// to the lab's web servers. It has no part in the panel's host.
func beyond(t *testing.T, lab *internet.Lab) *suite.Live {
	wall, err := internet.StartWeb()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wall.Close() })
	near := looks(t, lab)
	own := slices.Concat(lab.Panel.Addresses, lab.Fronts, []netip.Addr{netip.MustParseAddr("127.80.0.11"), netip.MustParseAddr("127.90.0.1")})
	slices.SortFunc(own, netip.Addr.Compare)
	own = slices.Compact(own)
	for _, a := range own {
		if err := wall.Open(a, internet.Host{HTTP: internet.BlackHole, HTTPS: internet.BlackHole}); err != nil {
			t.Fatal(err)
		}
	}
	resolver, err := dns.Open(dns.Options{Servers: []netip.AddrPort{netip.MustParseAddrPort(lab.Resolver)}, Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resolver.Close() })
	names := dns.NewInspector(resolver, dns.InspectorOptions{Port: uint16(lab.DNS.Port()), Reserved: true, Pause: 20 * time.Millisecond})
	way := web.New(web.Options{Ports: web.Ports{HTTP: uint16(wall.HTTPPort()), HTTPS: uint16(wall.HTTPSPort())}, Timeout: 150 * time.Millisecond, Attempts: 1, Own: own, Resolve: names.Addresses})
	live := &suite.Live{}
	for _, c := range near.Checks {
		switch c.Name {
		case checks.NamesCheck:
			live.Checks = append(live.Checks, c)
		case checks.WayCheck:
			live.Checks = append(live.Checks, way.Check())
		}
	}
	return live
}
