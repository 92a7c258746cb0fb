package compose

import (
	"slices"
	"strings"
	"testing"

	"domovoy/checks"
	"domovoy/reports"
)

// A finding that several names have is said once, with these names.
func TestAlsoSaysEachOnce(t *testing.T) {
	of := func(code checks.Code, names ...string) []checks.Finding {
		var all []checks.Finding
		for _, name := range names {
			f := onSite("shop.ru", code)
			f.Name = name
			all = append(all, f)
		}
		return all
	}
	limited := of(checks.WebForbidden, "", "www.shop.ru")
	for i := range limited {
		limited[i].Severity, limited[i].Args = checks.Info, checks.Args{"rule": "limit", "status": 429}
	}
	for _, tt := range []struct {
		name  string
		found [][]checks.Finding
		want  string
	}{
		{"nothing else", [][]checks.Finding{of(checks.DNSElsewhere, "")}, ""},
		{"of the site itself", [][]checks.Finding{of(checks.DNSElsewhere, ""), of(checks.CertExpired, "")}, "certificate expired"},
		{"of the site and an alias", [][]checks.Finding{of(checks.DNSElsewhere, ""), of(checks.CertExpired, "", "www.shop.ru")}, "certificate expired (shop.ru, www.shop.ru)"},
		{"of an alias", [][]checks.Finding{of(checks.DNSElsewhere, ""), of(checks.CertName, "xn--e1afmkfd.xn--p1ai")}, "certificate is for other names (пример.рф (xn--e1afmkfd.xn--p1ai))"},
		{"the cause, of another name too", [][]checks.Finding{of(checks.DNSElsewhere, "", "www.shop.ru")}, "points elsewhere (www.shop.ru)"},
		{"of many names", [][]checks.Finding{of(checks.DNSElsewhere, ""), of(checks.CertExpired, "a.ru", "b.ru", "c.ru", "d.ru", "e.ru")},
			"certificate expired (a.ru, b.ru, c.ru …and 2 more)"},
		{"two kinds", [][]checks.Finding{of(checks.DNSElsewhere, ""), of(checks.CertExpired, "", "www.shop.ru"), of(checks.CertExpiring, "m.shop.ru")},
			"certificate expired (shop.ru, www.shop.ru), expires soon (m.shop.ru)"},
		{"a remark of two names", [][]checks.Finding{limited},
			"Note: The site refused our own quick series of requests (429): it limits how often one address may ask. The CA’s servers come from other addresses, so this says nothing about them."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			site := reports.Site{Server: reports.Server{Name: "isp1", Outcome: checks.Outcome{Server: "isp1", Findings: slices.Concat(tt.found...)}}}
			site.Subject.Site = &checks.Site{Name: "shop.ru", Server: "isp1"}
			var got []string
			for _, item := range sitePanel(writer(t, "en"), site).Items {
				if text, also := strings.CutPrefix(item.Text, "Also: "); also || strings.HasPrefix(item.Text, "Note: ") {
					got = append(got, text)
				}
			}
			if all := strings.Join(got, "\n"); all != tt.want {
				t.Errorf("%q, want %q", all, tt.want)
			}
		})
	}
}
