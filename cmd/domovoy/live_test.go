package main

import (
	stdcmp "cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks/lab"
	"domovoy/checks/lab/internet"
)

// probeTimeout is how long a connection may take in these tests.
const probeTimeout = time.Second

// outsideWorld is the part of a configuration about DNS, web and CA.
type outsideWorld struct {
	database              string // of the panel
	workers               int    // 0: 4
	resolver, whois, rdap string
	http, https           int
	addresses             []netip.Addr
	challenges            string
	accessLog             string // of the site; empty: none is configured
	certificates          string // the panel's folder; empty: its files are not read
	roots, directory      string // of the CA
}

// worldOf returns the configuration for a lab.
func worldOf(l *internet.Lab) outsideWorld {
	return outsideWorld{resolver: l.Resolver, whois: l.Registry.WHOIS(), rdap: l.Registry.RDAP(),
		http: l.Web.HTTPPort(), https: l.Web.HTTPSPort(), addresses: l.Panel.Addresses, challenges: l.Panel.Challenges,
		roots: l.Panel.ACME.CAFile, directory: l.Panel.ACME.Directory}
}

// configured writes a configuration for one panel that is checked from outside.
func (w outsideWorld) configured(t *testing.T, database string) string {
	t.Helper()
	w.database = database
	return w.written(t, t.TempDir())
}

// written writes it into a folder that may have a state already.
func (w outsideWorld) written(t *testing.T, folder string) string {
	t.Helper()
	addresses := make([]string, len(w.addresses))
	for i, a := range w.addresses {
		addresses[i] = fmt.Sprintf("%q", a)
	}
	var files, resolver string
	if w.accessLog != "" {
		files = fmt.Sprintf(", access_logs: [%q]", w.accessLog)
	}
	if w.certificates != "" {
		files += fmt.Sprintf(", certificates: %q", w.certificates)
	}
	if w.resolver != "" {
		resolver = fmt.Sprintf("%q", w.resolver)
	}
	text := fmt.Sprintf(`language: en
timezone: UTC
state: %s/state.db
panels:
  - {name: isp1, database: %q, timezone: UTC, addresses: [%s], challenges: %q, acme: {ca_file: %q, directory: %q}%s}
resolvers: [%s]
probe: {http_port: %d, https_port: %d, timeout: %s, workers: %d}
lookups: {whois: {ru: %q}, rdap: %q}
`, folder, w.database, strings.Join(addresses, ", "), w.challenges, w.roots, w.directory, files, resolver, w.http, w.https, probeTimeout, stdcmp.Or(w.workers, 4), w.whois, w.rdap)
	file := filepath.Join(folder, "domovoy.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// hosting returns a panel with the given sites, all active and with TLS.
func hosting(t *testing.T, aliases []string, names ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ispmgr.db")
	p, err := lab.NewPanel(path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, name := range names {
		certificate := lab.Certificate{Name: name + "_le1", Domain: name, Owner: "client1", Started: time.Now().AddDate(0, 0, -5)}
		if _, err := p.AddCertificate(certificate); err != nil {
			t.Fatal(err)
		}
		site := lab.Site{Name: name, Owner: "client1", Aliases: aliases, Active: true, Secure: true, RedirectHTTP: true, Certificate: certificate.Name}
		if _, err := p.AddSite(site); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// playing starts a situation of the lab by its name.
func playing(t *testing.T, name string) *internet.Lab {
	t.Helper()
	all := internet.Situations()
	i := slices.IndexFunc(all, func(s internet.Situation) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("there is no situation %q", name)
	}
	l, err := all[i].Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// said runs a command line in this process.
func said(args ...string) (out, told string, status int) {
	o, e := &output{}, &output{}
	status = run(args, stdio{strings.NewReader(""), o, e}, func(string) (string, bool) { return "", false })
	return o.String(), e.String(), status
}

// checked is the JSON of check, as in the contract.
type checked struct {
	Domain  string `json:"domain"`
	Verdict struct {
		Code     string         `json:"code"`
		Severity string         `json:"severity"`
		Args     map[string]any `json:"args"`
		Next     struct {
			Who  string `json:"who"`
			Text string `json:"text"`
		} `json:"next"`
	} `json:"verdict"`
	Findings []struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	} `json:"findings"`
	Failures []struct {
		Check string `json:"check"`
		Error string `json:"error"`
	} `json:"failures"`
}

// The answer to a check of a domain while the lab's network is probed: the
// cause, and a hint if the answer takes long.
func TestCheckLooksFromOutside(t *testing.T) {
	for _, c := range []struct {
		situation, code, severity, who string
	}{
		{"all is well", "ok", "ok", "nobody"},
		{"another hoster's address", "dns.elsewhere", "warning", "customer"},
		{"a firewall drops both ports", "web.timeout", "warning", "us"},
		{"a closed resolver", "unknown", "warning", "us"},
		{"expired three days ago", "cert.expired", "critical", "us"},
		{"CAA forbids all", "dns.caa", "warning", "customer"},
		{"a balancer with a dead server", "web.flapping", "warning", "us"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			l := playing(t, c.situation)
			file := worldOf(l).configured(t, hosting(t, l.Panel.Aliases, l.Domain))
			began := time.Now()
			out, told, status := said("ask", "--config", file, "--format", "json", "check", l.Domain)
			took := time.Since(began)
			var got checked
			if err := json.Unmarshal([]byte(out), &got); err != nil || status != exitOK {
				t.Fatalf("exit %d, %v: %q, %q", status, err, out, told)
			}
			t.Logf("%s: %s", took, out)
			v := got.Verdict
			if v.Code != c.code || v.Severity != c.severity || v.Next.Who != c.who || v.Next.Text == "" {
				t.Errorf("the verdict is %+v, want %s, %s, %s", v, c.code, c.severity, c.who)
			}
			hinted := strings.Contains(told, "Checking "+l.Domain)
			if waits := c.code == "web.timeout"; waits && !hinted || hinted && took < time.Second {
				t.Errorf("after %s stderr has %q; a hint belongs to a long wait", took, told)
			}
		})
	}
}

// The keys of the contract, level by level; none is left out when it is empty.
func TestTheShapeOfCheck(t *testing.T) {
	l := playing(t, "CAA forbids all")
	file := worldOf(l).configured(t, hosting(t, l.Panel.Aliases, l.Domain))
	out, told, _ := said("ask", "--config", file, "--format", "json", "check", l.Domain)
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %q, %q", err, out, told)
	}
	verdict, _ := got["verdict"].(map[string]any)
	findings, _ := got["findings"].([]any)
	if len(findings) == 0 {
		t.Fatalf("no findings: %s", out)
	}
	for where, c := range map[string]struct {
		got  any
		want string
	}{
		"check":   {got, "attempts domain failures findings owner server unicode verdict"},
		"verdict": {verdict, "args code next severity"},
		"next":    {verdict["next"], "text who"},
		"finding": {findings[0], "args code detail severity"},
	} {
		if diff := cmp.Diff(c.want, keysOf(c.got)); diff != "" {
			t.Errorf("keys of %s (-want +got):\n%s", where, diff)
		}
	}
	for _, list := range []string{"findings", "failures", "attempts"} {
		if _, ok := got[list].([]any); !ok {
			t.Errorf("%s is %v, want a list", list, got[list])
		}
	}
}

// keysOf returns the keys of a JSON object, sorted.
func keysOf(x any) string {
	object, _ := x.(map[string]any)
	keys := make([]string, 0, len(object))
	for key := range object {
		if key != "actions" { // any answer may have buttons
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}
