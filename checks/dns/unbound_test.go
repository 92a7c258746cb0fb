package dns

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"domovoy/checks"
)

// TestUnbound has the real resolver validate a zone that was signed by the real
// signer: the same zone is valid, or its signatures have expired.
func TestUnbound(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name    string
		expires time.Duration // relative to now
		want    checks.Code   // empty: no finding
		ede     []int         // any of these info codes (RFC 8914 section 5.2)
	}{
		{"signatures that hold", 10 * day, "", nil},
		{"signatures that ran out", -3 * day, checks.DNSDNSSEC, []int{6, 7, 9}}, // DNSSEC Bogus, Signature Expired, DNSKEY Missing (whose own signature has expired too): versions differ
	} {
		t.Run(c.name, func(t *testing.T) {
			zone, anchor := signedZone(t, time.Now().Add(c.expires))
			in := NewInspector(resolver(t, Options{Servers: []netip.AddrPort{unbound(t, validating(anchor, serve(t, zone.answer)))}, Timeout: 2 * time.Second}), InspectorOptions{})
			sight, found, err := in.Inspect(t.Context(), Question{Name: "client.ru", Ours: []netip.Addr{netip.MustParseAddr("192.0.2.10")}})
			t.Logf("%+v\n%+v\n%v", sight, found, err)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if len(found) > 0 || sight.Points != checks.PointsOurs {
					t.Errorf("found %+v, points %v", found, sight.Points)
				}
				return
			}
			if len(found) != 1 || found[0].Code != c.want {
				t.Fatalf("found %+v, want %s", found, c.want)
			}
			if ede, _ := found[0].Args["ede"].(int); !slices.Contains(c.ede, ede) {
				t.Errorf("the extended error is %d, want one of %v", ede, c.ede)
			}
			reason := fmt.Sprint(found[0].Args["reason"])
			if !strings.Contains(reason, "signature expired") || !strings.Contains(found[0].Detail, reason) {
				t.Errorf("the reason is %q, the detail:\n%s", reason, found[0].Detail)
			}
		})
	}
}

// debian finds a Debian program, or skips the test: only CI certainly has it.
func debian(t *testing.T, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name, "/usr/bin/" + name} {
		if program, err := exec.LookPath(path); err == nil {
			return program
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed; CI has it", name)
	}
	t.Skipf("SKIPPED: %s is not installed", name)
	return ""
}

// signed is a zone with its signatures, by owner name.
type signed map[string][]mdns.RR

// signedZone signs client.ru with a key of its own, and returns the zone and
// the file with the trusted key.
func signedZone(t *testing.T, expires time.Time) (zone signed, anchor string) {
	t.Helper()
	keygen, signer, folder := debian(t, "ldns-keygen"), debian(t, "ldns-signzone"), t.TempDir()
	tool := func(name string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = folder
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return strings.TrimSpace(string(out))
	}
	text := "client.ru. 60 IN SOA ns1.client.ru. admin.client.ru. 1 3600 600 86400 60\n" +
		"client.ru. 60 IN NS ns1.client.ru.\nclient.ru. 60 IN A 192.0.2.10\nns1.client.ru. 60 IN A 192.0.2.53\n"
	if err := os.WriteFile(filepath.Join(folder, "plain"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	key := tool(keygen, "-k", "-a", "ECDSAP256SHA256", "-r", "/dev/urandom", "client.ru")
	tool(signer, "-i", expires.AddDate(0, 0, -30).UTC().Format("20060102"), "-e", expires.UTC().Format("20060102"), "-f", "signed", "plain", key)
	f, err := os.Open(filepath.Join(folder, "signed"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zone = signed{}
	parser := mdns.NewZoneParser(f, "", "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		name := mdns.CanonicalName(rr.Header().Name)
		zone[name] = append(zone[name], rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	return zone, filepath.Join(folder, key+".key")
}

// answer serves the signed zone, and an unsigned root above it.
func (z signed) answer(w mdns.ResponseWriter, q *mdns.Msg) {
	m := new(mdns.Msg).SetReply(q)
	m.Authoritative = true
	m.SetEdns0(1232, true)
	name, kind := mdns.CanonicalName(q.Question[0].Name), q.Question[0].Qtype
	switch {
	case !mdns.IsSubDomain("client.ru.", name):
		m = reply(q, name+" 60 IN NS ns.root.")
		if zone := mdns.CountLabel(name) < 2; !zone || kind != mdns.TypeNS {
			m.Answer, m.Ns = nil, reply(q, ". 60 IN SOA ns.root. admin.root. 1 3600 600 86400 60").Answer
			if !zone {
				m.Rcode = mdns.RcodeNameError
			}
		}
		m.Authoritative = true
	case len(z.of(name, kind)) > 0:
		m.Answer = z.of(name, kind)
	case z[name] != nil: // it has no such records, which the signed NSEC proves (RFC 4035 section 3.1.3.1)
		m.Ns = append(z.of("client.ru.", mdns.TypeSOA), z.of(name, mdns.TypeNSEC)...)
	default:
		m.Rcode = mdns.RcodeNameError
		m.Ns = z.of("client.ru.", mdns.TypeSOA)
	}
	_ = w.WriteMsg(m)
}

// of returns the records of a type with their signatures.
func (z signed) of(name string, kind uint16) (found []mdns.RR) {
	for _, rr := range z[name] {
		s, isSignature := rr.(*mdns.RRSIG)
		if rr.Header().Rrtype == kind || isSignature && s.TypeCovered == kind {
			found = append(found, rr)
		}
	}
	return found
}

// unboundConfig is a resolver on loopback, without the part about the zones that
// it asks for.
const unboundConfig = `
server:
    interface: %[1]s@%[2]d
    username: ""
    chroot: ""
    directory: %[3]q
    pidfile: ""
    use-syslog: no
    do-daemonize: no
    do-ip6: no
    num-threads: 1
    do-not-query-localhost: no
    module-config: "validator iterator"
    ede: yes
%[4]s
remote-control:
    control-enable: no
`

// validating is the part of a resolver whose only server, and whose only trusted
// key, are the test's; so is the date by which it judges signatures.
func validating(anchor string, upstream netip.AddrPort) string {
	return fmt.Sprintf(`
    trust-anchor-file: %[1]q
    val-log-level: 2
    val-override-date: "%[2]s"
stub-zone:
    name: "client.ru"
    stub-addr: %[3]s
stub-zone:
    name: "."
    stub-addr: %[3]s
`, anchor, time.Now().UTC().Format("20060102150405"), at(upstream))
}

// at is an address as the resolver's configuration has it.
func at(a netip.AddrPort) string { return fmt.Sprintf("%s@%d", a.Addr(), a.Port()) }

// unbound runs the resolver until the test ends. If another process takes the
// free port before the resolver binds it, it tries another.
func unbound(t *testing.T, zones string) netip.AddrPort {
	t.Helper()
	for range 5 {
		if at, ok := tryUnbound(t, zones); ok {
			return at
		}
	}
	t.Fatal("unbound did not start")
	return netip.AddrPort{}
}

func tryUnbound(t *testing.T, zones string) (netip.AddrPort, bool) {
	t.Helper()
	program, folder, at := debian(t, "unbound"), t.TempDir(), closedPort(t)
	text := fmt.Sprintf(unboundConfig, at.Addr(), at.Port(), folder, zones)
	config := filepath.Join(folder, "unbound.conf")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-d", "-v", "-c", config)
	told, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving, ended := make(chan bool), make(chan struct{})
	var said strings.Builder // owned by the goroutine until that ends
	go func() {
		defer close(ended)
		waiting := true
		for lines := bufio.NewScanner(told); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if waiting && strings.Contains(lines.Text(), "start of service") {
				waiting = false
				serving <- true
			}
		}
		if waiting {
			close(serving)
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended already
		<-ended
		_ = cmd.Wait() // the error is the signal
		if t.Failed() {
			t.Logf("unbound said:\n%s", said.String())
		}
	})
	return at, <-serving
}
