package dns

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/lab/internet"
)

// inspector looks at a small internet.
func inspector(t *testing.T, l *internet.DNS, server string) *Inspector {
	t.Helper()
	r := resolver(t, Options{Servers: []netip.AddrPort{netip.MustParseAddrPort(server)}, Timeout: 150 * time.Millisecond})
	ranges, err := ReadRanges(strings.NewReader(builtin + `
		net   127.90.0.0/16      Cloudflare 2026-11 lab
		net   127.91.0.0/16      DDoS-Guard 2026-11 lab
		ns    ddos-guard.net     DDoS-Guard 2026-11 lab
		ptr   ddos-guard.net     DDoS-Guard 2026-11 lab
		ns    ns.cloudflare.com  Cloudflare 2026-11 lab
		cname cdn.cloudflare.net Cloudflare 2026-11 lab`))
	if err != nil {
		t.Fatal(err)
	}
	return NewInspector(r, InspectorOptions{Ranges: ranges, Port: uint16(l.Port()), Reserved: true, Pause: 20 * time.Millisecond})
}

// TestTheSituationsOfTheLab finds exactly the cause of each situation whose
// cause is in the DNS, and nothing in the others.
func TestTheSituationsOfTheLab(t *testing.T) {
	for _, s := range internet.Situations() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			l, err := s.Start(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			in := inspector(t, l.DNS, l.Resolver)
			var found []checks.Finding
			failed := false
			for _, name := range append([]string{l.Domain}, l.Panel.Aliases...) {
				if _, refused := checks.Refused(name); refused {
					continue // for these nobody asks the DNS
				}
				sight, f, err := in.Inspect(t.Context(), Question{
					Name: name, Ours: l.Panel.Addresses, AccountURI: l.Panel.ACME.Account,
				})
				t.Logf("%+v\n%+v\n%v", sight, f, err)
				found, failed = append(found, f...), failed || err != nil
				if len(f) > 0 { // the first name with a finding decides
					break
				}
			}
			if got, want := worst(found, failed), expected(s); got != want {
				t.Errorf("verdict %s, want %s\n%+v", got, want, found)
			}
		})
	}
}

// worst returns the first cause in the order of codes.
func worst(found []checks.Finding, failed bool) checks.Code {
	for _, code := range checks.Codes() {
		for _, f := range found {
			if f.Code == code && (code != checks.DNSServFail || f.Severity > checks.Info) { // one family may fail beside the other
				return code
			}
		}
	}
	if failed {
		return checks.Unknown
	}
	return checks.OK
}

// expected returns what the DNS alone shows of a situation: only the registry
// knows whether a missing name is free, and behind a proxy there need be no
// fault.
func expected(s internet.Situation) checks.Code {
	switch want := checks.Code(s.Want); {
	case want == "dns.undelegated" && slices.Contains(s.Also, "dns.elsewhere"):
		return checks.DNSElsewhere // on name servers for unpaid domains
	case want == "dns.unregistered" || want == "dns.undelegated":
		return checks.DNSNXDomain
	case strings.HasPrefix(string(want), "dns.") || want == checks.Unknown:
		return want
	}
	for _, also := range s.Also {
		if also := checks.Code(also); also == checks.DNSProxied || also == checks.DNSCAA {
			return also // as information
		}
	}
	return checks.OK
}
