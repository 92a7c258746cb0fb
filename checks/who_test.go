package checks_test

import (
	"testing"

	"domovoy/checks"
)

// Where the name points now completes what the CA's text says, and nothing else.
func TestAttribute(t *testing.T) {
	const ours, proxied, unknown = checks.PointsOurs, checks.PointsProxied, checks.PointsUnknown
	http := func(more checks.Args) checks.Args {
		args := checks.Args{"challenge": "http-01", "status": 404}
		for name, v := range more {
			args[name] = v
		}
		return args
	}
	addressed := checks.Args{"address": "198.51.100.7"}
	elsewhere := checks.Args{"address": "198.51.100.7", "place": "elsewhere", "who": "customer"}
	for _, tt := range []struct {
		name   string
		code   checks.Code
		args   checks.Args
		points checks.Pointing
		own    string // servers of the zone on our addresses
		who    checks.Who
		place  any
		moved  any
	}{
		{"no address, and the name points to us", checks.CAUnauthorized, http(nil), ours, "", checks.Us, "ours", nil},
		{"no address, and nobody looked", checks.CAUnauthorized, http(nil), unknown, "", checks.Customer, nil, nil},
		{"an address that nobody knows", checks.CAUnauthorized, http(addressed), ours, "", checks.Customer, nil, nil},
		{"an address of others, and the name points to us now", checks.CAUnauthorized, http(elsewhere), ours, "", checks.Us, "elsewhere", true},
		{"an address of others, and nobody looked", checks.CAUnauthorized, http(elsewhere), unknown, "", checks.Customer, "elsewhere", nil},
		{"behind a CDN, its 404", checks.CAUnauthorized, http(nil), proxied, "", checks.Customer, "proxy", nil},
		{"behind a CDN, 526", checks.CAUnauthorized, http(checks.Args{"status": 526}), proxied, "", checks.Customer, "proxy", nil},
		{"behind a CDN, 522", checks.CAUnauthorized, http(checks.Args{"status": 522}), proxied, "", checks.Us, "proxy", nil},
		{"no connection", checks.CAConnection, checks.Args{"problem": "timeout"}, ours, "", checks.Us, "ours", nil},
		{"the site's own redirect", checks.CAConnection, checks.Args{"problem": "loop"}, ours, "", checks.Customer, nil, nil},
		{"a TXT record", checks.CAUnauthorized, checks.Args{"challenge": "dns-01", "who": "us"}, proxied, "", checks.Us, nil, nil},
		{"a request refused", checks.CAUnauthorized, checks.Args{"problem": "unproven", "who": "us"}, proxied, "", checks.Us, nil, nil},
		{"other validators at an address of others, and the name points to us now", checks.CARemote, elsewhere, ours, "", checks.Us, "elsewhere", true},
		{"other validators without DNS", checks.CARemote, checks.Args{"inner": "ca.dns", "who": "customer"}, ours, "", checks.Customer, nil, nil},
		{"other validators at our address", checks.CARemote, checks.Args{"address": "203.0.113.10", "place": "ours"}, ours, "", checks.Us, "ours", nil},
		{"another cause", checks.CADNS, checks.Args{"problem": "SERVFAIL"}, ours, "", checks.Customer, nil, nil},
		{"other validators without DNS, and the zone is on our servers", checks.CARemote, checks.Args{"inner": "ca.dns", "who": "customer"}, ours, "ns1.hosting.ru", checks.Us, nil, nil},
		{"other validators with another CAA, and the zone is on our servers", checks.CARemote, checks.Args{"inner": "ca.caa", "who": "customer"}, unknown, "ns1.hosting.ru", checks.Us, nil, nil},
		{"other validators without a connection", checks.CARemote, checks.Args{"inner": "ca.connection"}, ours, "ns1.hosting.ru", checks.Us, nil, nil},
		{"no answer from our servers", checks.CADNS, checks.Args{"problem": "SERVFAIL"}, ours, "ns1.hosting.ru", checks.Us, nil, nil},
		{"no such name on our servers", checks.CADNS, checks.Args{"problem": "NXDOMAIN"}, ours, "ns1.hosting.ru", checks.Customer, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(tt.args)
			v := checks.Verdict{Code: tt.code, Finding: checks.Finding{Code: tt.code, Args: tt.args}}.Attribute(seen(tt.points, tt.own))
			args := v.Finding.Args
			if v.Who() != tt.who || args["place"] != tt.place || args["moved"] != tt.moved {
				t.Errorf("%s, %v; want %s, place %v, moved %v", v.Who(), args, tt.who, tt.place, tt.moved)
			}
			if len(tt.args) != before {
				t.Error("the finding itself was changed")
			}
		})
	}
}

// seen is a probe that saw the site's own name point there.
func seen(points checks.Pointing, own string) checks.Probe {
	p := checks.Probe{Own: own}
	if points != checks.PointsUnknown {
		p.Checks = []string{checks.NamesCheck}
	}
	if points == checks.PointsProxied {
		p.Findings = []checks.Finding{{Check: checks.NamesCheck, Code: checks.DNSProxied, Severity: checks.Info, Args: checks.Args{"proxy": "Cloudflare"}}}
	}
	return p
}

// What the probe's DNS check found is where the site's own name points.
func TestProbePoints(t *testing.T) {
	find := func(name string, code checks.Code, severity checks.Severity) checks.Finding {
		return checks.Finding{Check: checks.NamesCheck, Name: name, Code: code, Severity: severity, Args: checks.Args{"proxy": "Cloudflare"}}
	}
	looked := []string{checks.NamesCheck, checks.WayCheck}
	for _, tt := range []struct {
		name  string
		probe checks.Probe
		want  checks.Pointing
	}{
		{"never probed", checks.Probe{}, checks.PointsUnknown},
		{"nothing found", checks.Probe{Checks: looked}, checks.PointsOurs},
		{"DNS was not looked up", checks.Probe{Checks: looked[1:]}, checks.PointsUnknown},
		{"DNS could not be looked up", checks.Probe{Checks: looked, Failures: []checks.Failure{{Check: checks.NamesCheck}}}, checks.PointsUnknown},
		{"the way could not", checks.Probe{Checks: looked, Failures: []checks.Failure{{Check: checks.WayCheck}}}, checks.PointsOurs},
		{"behind a CDN", checks.Probe{Checks: looked, Findings: []checks.Finding{find("", checks.DNSProxied, checks.Info)}}, checks.PointsProxied},
		{"an alias behind a CDN", checks.Probe{Checks: looked, Findings: []checks.Finding{find("www.client.ru", checks.DNSProxied, checks.Info)}}, checks.PointsOurs},
		{"points elsewhere", checks.Probe{Checks: looked, Findings: []checks.Finding{find("", checks.DNSElsewhere, checks.Warning)}}, checks.PointsUnknown},
		{"letters of two alphabets", checks.Probe{Checks: looked, Findings: []checks.Finding{find("", checks.DNSLookalike, checks.Info)}}, checks.PointsOurs},
	} {
		if got, proxy := tt.probe.Points(); got != tt.want || (proxy != "") != (tt.want == checks.PointsProxied) {
			t.Errorf("%s: %v, %q, want %v", tt.name, got, proxy, tt.want)
		}
	}
}
