package suite_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/cert"
	"domovoy/checks/dns"
	"domovoy/checks/lab/internet"
	"domovoy/checks/panel"
	"domovoy/checks/registry"
	"domovoy/checks/suite"
	"domovoy/checks/web"
)

// TestSituations diagnoses the domain of every situation of the lab, and prints
// the confusion table: expected and actual verdicts.
func TestSituations(t *testing.T) {
	confusion := newTable()
	t.Run("all", func(t *testing.T) {
		for _, s := range internet.Situations() {
			t.Run(s.Name, func(t *testing.T) {
				t.Parallel()
				verdict, found := diagnose(t, s)
				confusion.add(s.Want, string(verdict.Code))
				if string(verdict.Code) != s.Want {
					t.Errorf("%s: the verdict is %s, want %s\n%s", s.Rule, verdict.Code, s.Want, evidence(found))
				}
				if who := string(verdict.Who()); s.Who != "" && who != s.Who {
					t.Errorf("%s: %s acts, want %s", verdict.Code, who, s.Who)
				}
				for _, code := range s.Also {
					if code != string(checks.DNSBLListed) /* of the server, not of a site */ && !slices.ContainsFunc(found, func(f checks.Finding) bool { return string(f.Code) == code }) {
						t.Errorf("%s is not said\n%s", code, evidence(found))
					}
				}
				if paid := verdict.Finding.Args["paid_till"]; strings.HasPrefix(s.Name, "a paid name on parking servers") && paid == nil {
					t.Errorf("until when the registry says it is paid is not said: %v", verdict.Finding.Args)
				}
				if listed := verdict.Finding.Args["listed"]; (listed != nil) != (s.Name == "two came, one more stands on a blocklist") {
					t.Errorf("of those that came, on blocklists: %v", listed)
				}
			})
		}
	})
	t.Log("\n" + confusion.String())
}

// diagnose starts a situation and checks its domain as for a person who asks.
func diagnose(t *testing.T, s internet.Situation) (checks.Verdict, []checks.Finding) {
	lab, err := s.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	now := time.Now()
	x := subject(t, lab)
	live := looks(t, lab)
	seen, _ := live.Probe(t.Context(), x, true, now)
	out := new(suite.Series).Run(t.Context(), suite.Checks(suite.Reading{Rules: cert.Rules{LifeLeft: 7.0 / 90}, Classifier: acme.NewClassifier(), Places: panel.Places{Addresses: lab.Panel.Addresses, Proxy: frontOf(lab)}, Files: true}, suite.Outside{}), x.Site.Server, []checks.Subject{x}, now)
	found, failed := append(seen.Findings, out.Findings...), append(seen.Failures, out.Failures...)
	found = append(found, account(t, lab)...)
	declared := suite.Checks(suite.Reading{}, suite.Outside{})
	for _, f := range found {
		if !slices.ContainsFunc(declared, func(c checks.Check) bool { return c.Name == f.Check && slices.Contains(c.Codes, f.Code) }) {
			t.Errorf("no check %q declares that it may find %s", f.Check, f.Code)
		}
	}
	return checks.Judge(found, failed).Attribute(seen), found
}

// frontOf returns whose CDN or proxy an address of the lab's internet belongs to.
func frontOf(lab *internet.Lab) func(netip.Addr) string {
	return func(a netip.Addr) string {
		for _, n := range lab.Networks {
			if n.Prefix.Contains(a) {
				return n.Owner
			}
		}
		return ""
	}
}

// looks returns the checks from outside, configured for the lab's servers.
func looks(t *testing.T, lab *internet.Lab) *suite.Live {
	resolver, err := dns.Open(dns.Options{Servers: []netip.AddrPort{netip.MustParseAddrPort(lab.Resolver)}, Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resolver.Close() })
	var text strings.Builder
	own := slices.Concat(lab.Panel.Addresses, lab.Fronts)
	for _, n := range lab.Networks {
		fmt.Fprintf(&text, "net %s %s 2026-11 lab\n", n.Prefix, n.Owner)
		for a, i := n.Prefix.Addr(), 0; i < 4; a, i = a.Next(), i+1 {
			own = append(own, a)
		}
	}
	builtin, err := os.ReadFile(filepath.Join("..", "dns", "ranges.txt"))
	if err != nil {
		t.Fatal(err)
	}
	text.Write(builtin)
	ranges, err := dns.ReadRanges(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	names := dns.NewInspector(resolver, dns.InspectorOptions{Ranges: ranges, Port: uint16(lab.DNS.Port()), Reserved: true, Pause: 20 * time.Millisecond})
	ask := registry.New(registry.Options{Whois: map[string]string{"ru": lab.Registry.WHOIS(), "su": lab.Registry.WHOIS(), "xn--p1ai": lab.Registry.WHOIS()}, RDAP: lab.Registry.RDAP(), Timeout: time.Second})
	roots, err := cert.Roots(lab.Panel.ACME.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	return &suite.Live{Checks: suite.Checks(suite.Reading{}, suite.Outside{
		Addresses:  lab.Panel.Addresses,
		AccountURI: lab.Panel.ACME.Account,
		Names:      names,
		Registry:   ask,
		Way: web.New(web.Options{Ports: web.Ports{HTTP: uint16(lab.Web.HTTPPort()), HTTPS: uint16(lab.Web.HTTPSPort())}, Timeout: lab.Deadline,
			Challenges: web.Folder(lab.Panel.Challenges), Own: own, Resolve: names.Addresses}),
		Served: cert.NewServed(cert.ServedOptions{HTTPSPort: uint16(lab.Web.HTTPSPort()), Timeout: 400 * time.Millisecond,
			Own: lab.Panel.Addresses, Roots: roots, LifeLeft: 7.0 / 90}),
		AccessLogs: web.NewAccessLogs(web.LogOptions{Paths: []string{lab.Panel.AccessLog}, Listings: web.NewListings(dns.NewBlocklists(resolver, lab.Lists).Listed)}),
		Keys:       keys(t, lab),
	})}
}

// keys returns a folder with the certificate and its key, as on the panel;
// empty if there is no certificate.
func keys(t *testing.T, lab *internet.Lab) (folder string) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "owner"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{lab.Panel.Certificate, lab.Panel.Key} {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "owner", filepath.Base(path)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		folder = dir
	}
	return folder
}

// subject returns the site as in the panel's data.
func subject(t *testing.T, lab *internet.Lab) checks.Subject {
	x := checks.Subject{Site: &checks.Site{Server: "isp1", ID: 1, Name: lab.Domain, Owner: "owner", Aliases: lab.Panel.Aliases,
		Addresses: lab.Panel.Addresses, Active: checks.On, Secure: checks.On, Redirect: checks.On}}
	if lab.Panel.Certificate == "" {
		x.Site.Secure = checks.Off
	} else {
		x.Site.Certificate = strings.TrimSuffix(filepath.Base(lab.Panel.Certificate), filepath.Ext(lab.Panel.Certificate))
		x.File, x.FileErr = file(t, lab.Panel.Certificate, *x.Site)
	}
	for _, a := range lab.Panel.Attempts {
		h := x.History
		if h == nil {
			h = &checks.History{}
			x.History = h
		}
		h.Last = checks.LastTry{Certificate: x.Site.Certificate, Time: a.At, Text: a.Text, Outcome: checks.OutcomeIssued}
		if a.Text == "" {
			if h.Failures == 0 {
				h.Recovered = nil
			} else {
				h.Recovered.First, h.Recovered.Failures = h.Since, h.Failures
			}
			h.Failures, h.Issued, h.Since = 0, a.At, time.Time{}
			continue
		}
		h.Recovered = &checks.Recovery{Last: a.At, Text: a.Text} // until a success ends the failures
		if h.Last.Outcome = checks.OutcomeFailed; h.Failures == 0 {
			h.Since = a.At
		}
		h.Failures++
	}
	return x
}

// file reads the certificate as from the panel's folder.
func file(t *testing.T, path string, site checks.Site) (*checks.CertificateFile, error) {
	dir := t.TempDir()
	text, err := os.ReadFile(path)
	if err == nil {
		owner := filepath.Join(dir, "owner")
		if err := os.MkdirAll(owner, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(owner, site.Certificate+".crt"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	results, err := cert.NewFiles(dir).Read([]checks.Site{site})
	if err != nil {
		t.Fatal(err)
	}
	r := results[site.ID]
	if r.Err != nil {
		return nil, r.Err
	}
	return &r.File, nil
}

// account checks the connection from the panel to the CA.
func account(t *testing.T, lab *internet.Lab) []checks.Finding {
	if lab.Panel.ACME.Directory == "" {
		return nil
	}
	roots, err := cert.Roots(lab.Panel.ACME.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	egress, err := acme.NewEgress(acme.EgressOptions{Directory: lab.Panel.ACME.Directory, Proxy: lab.Panel.ACME.Proxy, Roots: roots, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	live := suite.Live{Checks: suite.Checks(suite.Reading{}, suite.Outside{Egress: egress})}
	out := live.Server(t.Context(), "isp1", time.Now())
	for _, f := range out.Failures {
		t.Logf("the way to the CA: %s", f.Err)
	}
	return out.Findings
}

func evidence(found []checks.Finding) string {
	var text strings.Builder
	for _, f := range found {
		fmt.Fprintf(&text, "  %s %s %s %s %v\n", f.Check, f.Name, f.Severity, f.Code, f.Args)
	}
	return text.String()
}

// table counts, for each correct verdict, the verdicts that were given.
type table struct {
	mu    sync.Mutex
	cells map[[2]string]int
}

func newTable() *table { return &table{cells: map[[2]string]int{}} }

func (c *table) add(want, got string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cells[[2]string{want, got}]++
}

func (c *table) String() string {
	var lines []string
	right, all := 0, 0
	for cell, n := range c.cells {
		mark := ""
		if all += n; cell[0] == cell[1] {
			right += n
		} else {
			mark = "   WRONG: " + cell[1]
		}
		lines = append(lines, fmt.Sprintf("%-18s %3d%s", cell[0], n, mark))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + fmt.Sprintf("\n%d of %d right", right, all)
}
