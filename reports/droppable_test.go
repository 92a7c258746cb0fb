package reports_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
)

// TestDroppable has a site client.ru with the aliases www.client.ru and old.ru.
func TestDroppable(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	found := func(check, name string, code checks.Code, severity checks.Severity) checks.Finding {
		return checks.Finding{Check: check, Server: "isp1", Site: "client.ru", Name: name, Code: code, Severity: severity}
	}
	dead := found(checks.NamesCheck, "old.ru", checks.DNSElsewhere, checks.Warning)
	failure := func(check, name string) checks.Failure {
		return checks.Failure{Check: check, Server: "isp1", Site: "client.ru", Name: name, Err: "no answer"}
	}
	said := func(code checks.Code, args checks.Args, detail string) checks.Finding {
		f := found("issuing", "", code, checks.Warning)
		f.Args, f.Detail = args, detail
		return f
	}
	both := []string{"client.ru", "www.client.ru"}
	old := []reports.DeadName{{Name: "old.ru", Code: checks.DNSElsewhere}}
	yes := &reports.Names{Pass: both, Dead: old}
	for _, tt := range []struct {
		name   string
		look   checks.Probe
		panel  []checks.Finding
		site   func(x *checks.Subject)
		want   *reports.Names // nil: the site is not droppable
		unsure int
	}{
		{"an alias points elsewhere", checks.Probe{Findings: []checks.Finding{dead}}, nil, nil, yes, 0},
		{"every name passes", checks.Probe{}, nil, nil, nil, 0},
		{"an alias is behind a proxy that lets requests through", checks.Probe{Findings: []checks.Finding{found(checks.NamesCheck, "old.ru", checks.DNSProxied, checks.Info)}}, nil, nil, nil, 0},
		{"the site's own name is dead, too", checks.Probe{Findings: []checks.Finding{dead, found(checks.WayCheck, "", checks.WebTimeout, checks.Warning)}}, nil, nil, nil, 0},
		{"the site's own name alone is dead", checks.Probe{Findings: []checks.Finding{found(checks.NamesCheck, "", checks.DNSElsewhere, checks.Warning)}}, nil, nil, nil, 0},
		{"all aliases are dead", checks.Probe{Findings: []checks.Finding{dead, found(checks.NamesCheck, "www.client.ru", checks.DNSNXDomain, checks.Warning)}}, nil, nil,
			&reports.Names{Pass: []string{"client.ru"}, Dead: []reports.DeadName{{Name: "www.client.ru", Code: checks.DNSNXDomain}, old[0]}}, 0},
		{"an alias could not be looked up", checks.Probe{Findings: []checks.Finding{dead}, Failures: []checks.Failure{failure(checks.NamesCheck, "www.client.ru")}}, nil, nil, nil, 1},
		{"the site's own name could not be looked up", checks.Probe{Findings: []checks.Finding{dead}, Failures: []checks.Failure{failure(checks.NamesCheck, "")}}, nil, nil, nil, 1},
		{"an alias could not be requested", checks.Probe{Findings: []checks.Finding{dead}, Failures: []checks.Failure{{Check: checks.WayCheck, Site: "client.ru", Name: "www.client.ru", Seen: true}}}, nil, nil, nil, 1},
		{"what is served could not be seen", checks.Probe{Findings: []checks.Finding{dead}, Failures: []checks.Failure{failure("served", "www.client.ru"), failure("registry", "old.ru")}}, nil, nil, yes, 0},
		{"nothing was looked at", checks.Probe{}, []checks.Finding{said(checks.CADNS, checks.Args{"name": "old.ru"}, "")}, func(x *checks.Subject) { x.Site.Active = checks.On }, nil, 0},
		{"the CA refuses an alias by its policy", checks.Probe{}, []checks.Finding{found(checks.PolicyCheck, "old.ru", checks.CARejected, checks.Warning)}, nil,
			&reports.Names{Pass: both, Dead: []reports.DeadName{{Name: "old.ru", Code: checks.CARejected}}}, 0},
		{"the CA's last words are about the dead alias", checks.Probe{Findings: []checks.Finding{dead}}, []checks.Finding{said(checks.CAUnauthorized, checks.Args{"name": "old.ru"}, "")}, nil, yes, 0},
		{"they are about a name that passes", checks.Probe{Findings: []checks.Finding{dead}}, []checks.Finding{said(checks.CAUnauthorized, checks.Args{"name": "www.client.ru"}, "")}, nil, nil, 0},
		{"they name the dead alias in their text", checks.Probe{Findings: []checks.Finding{dead}}, []checks.Finding{said(checks.CADNS, nil, "old.ru: NXDOMAIN")}, nil, yes, 0},
		{"they name another in their text", checks.Probe{Findings: []checks.Finding{dead}}, []checks.Finding{said(checks.CARemote, nil, "www.client.ru: Timeout.")}, nil, nil, 0},
		{"the account is closed", checks.Probe{Findings: []checks.Finding{dead}}, []checks.Finding{said(checks.CABlocked, nil, "")}, nil, nil, 0},
		{"the dead alias is paused", checks.Probe{Findings: []checks.Finding{dead}}, []checks.Finding{said(checks.CAPaused, checks.Args{"name": "old.ru"}, "")}, nil, yes, 0},
		{"a limit is reached", checks.Probe{Findings: []checks.Finding{dead}}, []checks.Finding{said(checks.CARateLimited, checks.Args{"limit": "new_orders"}, "")}, nil, nil, 0},
		{"a limit was reached", checks.Probe{Findings: []checks.Finding{dead}}, []checks.Finding{said(checks.CARateLimited, checks.Args{"limit": "new_orders", "over": true}, "")}, nil, yes, 0},
		{"the CA failed", checks.Probe{Findings: []checks.Finding{dead}}, []checks.Finding{said(checks.CAInternal, nil, "")}, nil, yes, 0},
		{"the certificate has expired", checks.Probe{Findings: []checks.Finding{dead, found("served", "", checks.CertExpired, checks.Critical)}}, nil, nil, yes, 0},
		{"the site is switched off", checks.Probe{Findings: []checks.Finding{dead}}, nil, func(x *checks.Subject) { x.Site.Active = checks.Off }, nil, 0},
		{"the site has no TLS", checks.Probe{Findings: []checks.Finding{dead}}, nil, func(x *checks.Subject) { x.Site.Secure, x.Site.Certificate = checks.Off, "" }, nil, 0},
		{"the site has a certificate of its own", checks.Probe{Findings: []checks.Finding{dead}}, nil, func(x *checks.Subject) { x.Site.Certificate = "bought" }, nil, 0},
		{"an alias is a wildcard", checks.Probe{Findings: []checks.Finding{dead}}, nil, func(x *checks.Subject) { x.Site.Aliases = append(x.Site.Aliases, "*.client.ru") }, nil, 1},
		{"more names than a look goes through", checks.Probe{Findings: []checks.Finding{dead}}, nil, func(x *checks.Subject) {
			for i := range checks.MostNames {
				x.Site.Aliases = append(x.Site.Aliases, string(rune('a'+i))+".ru")
			}
		}, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := checks.Subject{Site: &checks.Site{Server: "isp1", Name: "client.ru", Aliases: []string{"www.client.ru", "old.ru", "client.ru", "localhost"}, Certificate: "client.ru_le1", Active: checks.On, Secure: checks.On}}
			if tt.site != nil {
				tt.site(&x)
			}
			tt.look.At = now
			if tt.name == "nothing was looked at" {
				tt.look = checks.Probe{}
			}
			s := reports.Server{Name: "isp1", Read: now, Subjects: []checks.Subject{x}, Probes: map[string]checks.Probe{"client.ru": tt.look}, Outcome: checks.Outcome{Server: "isp1", Findings: tt.panel}}
			drop := reports.DropOf([]reports.Server{s}, reports.Filter{}, now, func(string) bool { return true }, func(_ string, sets [][]string) checks.Price { return checks.Price{Orders: len(sets)} })
			var got *reports.Names
			for _, r := range drop.Rows {
				got = r.Names
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || drop.Unsure() != tt.unsure {
				t.Errorf("%d not known (-want +got):\n%s", drop.Unsure(), diff)
			}
			if orders := len(drop.Prices); orders != len(drop.Rows) {
				t.Errorf("%d prices for %d rows", orders, len(drop.Rows))
			}
		})
	}
}
