package app

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"domovoy/bot/fleet/lookout"
	"domovoy/checks"
	"domovoy/checks/cert"
	"domovoy/checks/lab/internet"
)

// A vantage point judges chains by the roots that came with the look, as the bot does
// that has them in its configuration; if they were too many to come, it judges none.
func TestRootsAtTheVantagePoint(t *testing.T) {
	all := internet.Situations()
	i := slices.IndexFunc(all, func(s internet.Situation) bool { return s.Name == "all is well" })
	l, err := all[i].Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := loaded(t, t.TempDir(), "point.yaml", fmt.Sprintf("timezone: UTC\nstate: %q\nresolvers: [%q]\nprobe: {http_port: %d, https_port: %d}\nfleet: {key_file: fra1.enrolment}\nvantage: {name: fra1}\n",
		filepath.Join(t.TempDir(), "agent.db"), l.Resolver, l.Web.HTTPPort(), l.Web.HTTPSPort()))
	networks, err := ranges(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o, err := openOutside(t.Context(), cfg, Laboratory{}, networks, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer o.resolver.Close()
	o.registry = nil
	roots, err := os.ReadFile(l.Panel.ACME.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	far := &farSites{outside: o, place: "fra1", panels: map[string]farPanel{}}
	for name, c := range map[string]struct {
		panel      lookout.Panel
		distrusted bool
		judged     bool
	}{
		"with the roots":    {lookout.Panel{Roots: string(roots)}, false, true},
		"without":           {lookout.Panel{}, true, true},
		"they are too many": {lookout.Panel{Rootless: true}, false, false},
	} {
		c.panel.Name, c.panel.Addresses = "isp1", l.Panel.Addresses
		seen := far.look(t.Context(), c.panel, checks.Subject{Site: &checks.Site{Server: "isp1", Name: l.Domain, Addresses: l.Panel.Addresses, Active: checks.On, Secure: checks.On}}, false)
		distrusted := slices.ContainsFunc(seen.Findings, func(f checks.Finding) bool { return f.Code == checks.CertUntrusted })
		if judged := slices.Contains(seen.Checks, cert.ServedCheck); distrusted != c.distrusted || judged != c.judged {
			t.Errorf("%s: judged %v, findings %v", name, judged, seen.Findings)
		}
	}
}
