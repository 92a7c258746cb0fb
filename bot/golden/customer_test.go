package golden

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// customerSites are sites for whose customers a page is made, by name.
func customerSites() map[string]reports.Site {
	all := map[string]reports.Site{
		"ok":      looked(visit(valid(40*day, 50*day)), nil),
		"unknown": looked(visit(valid(40*day, 50*day)), nil, checks.Failure{Check: checks.NamesCheck, Err: "read udp 10.0.0.7:4411->10.0.0.5:53: i/o timeout"}),
		"off":     looked(visit(func(x *checks.Subject) { x.Site.Active = checks.Off }), []checks.Finding{seenDNS()["elsewhere"]}),
		"waits":   visit(refused(checks.CARateLimited, 3)),
		"ca":      visit(refused(checks.CAInternal, 3)),
		"ours":    visit(refused(checks.CAClient, 3)),
		"bare": visit(func(x *checks.Subject) {
			x.Site.Secure, x.Site.Certificate, x.Certificate, x.File = checks.Off, "", nil, nil
		}),
		"refused": visit(refused(checks.CARejected, 3)),
	}
	for name, since := range map[string]time.Duration{"ending": -9 * day, "ended": 3 * day, "lasting": -340 * day} {
		s := looked(visit(valid(40*day, 50*day)), nil)
		s.Server.Registrations = map[string]*checks.Registration{"shop.ru": {Domain: "shop.ru", Asked: ago(day), Looked: ago(day),
			Answer: checks.RegistryAnswer{Domain: "shop.ru", State: checks.RegistryDelegated, PaidTill: ago(since)}}}
		all[name] = s
	}
	for _, code := range []checks.Code{checks.DNSUnregistered, checks.PanelNoCertificate, checks.DNSIPv6, checks.WebForbidden, checks.WebError, checks.CAUnauthorized} {
		all["seen."+string(code)] = looked(visit(valid(40*day, 50*day)), []checks.Finding{{Check: checks.NamesCheck, Code: code, Severity: checks.Critical,
			Args: checks.Args{"domain": "shop.ru", "others": "2001:db8::7", checks.WhoArg: string(checks.Customer)}}})
	}
	for _, seen := range []map[string]checks.Finding{seenDNS(), seenWeb(), seenCert()} {
		for name, f := range seen {
			all["seen."+name] = looked(visit(valid(40*day, 50*day)), []checks.Finding{f})
		}
	}
	for name, text := range causeTexts() {
		all["ca."+name] = quoting(text)
	}
	return all
}

// customerCases are the pages for customers, and what those who make them are told. A
// page of what we or the CA do is the same for every cause.
func customerCases() map[string]message {
	all := map[string]message{}
	for name, s := range customerSites() {
		if strings.HasPrefix(name, "ca.") || strings.HasPrefix(name, "seen.") && s.Cause(s.Verdict()).Who() != checks.Customer {
			continue
		}
		all["customer."+name] = func(w compose.Writer) reports.Message { return paged(compose.Customer(w, s, now.AddDate(0, 0, 7))) }
	}
	page := compose.SharedPage{ID: 3, Domain: "shop.ru", Link: "https://status.example.com/c/mzxw6ytboi2dcnrxgq3tqojqge.html", By: "Anna", Expires: now.AddDate(0, 0, 7)}
	other := page
	other.ID, other.Domain = 2, "xn--e1afmkfd.xn--p1ai"
	all["share.check"] = func(w compose.Writer) reports.Message {
		return compose.Shared(w, page, compose.Customer(w, customerSites()["seen.elsewhere"], page.Expires))
	}
	all["share.list"] = func(w compose.Writer) reports.Message {
		return compose.SharedList(w, []compose.SharedPage{page, other})
	}
	all["share.list.none"] = func(w compose.Writer) reports.Message { return compose.SharedList(w, nil) }
	all["share.revoke"] = func(w compose.Writer) reports.Message { return compose.Unshared(w, page) }
	all["share.button"] = func(w compose.Writer) reports.Message {
		m := compose.Unshared(w, page)
		m.Actions = []reports.Action{compose.ShareAction(w, page.Domain)}
		return m
	}
	return all
}

// paged shows a page as a message.
func paged(p compose.CustomerPage) reports.Message {
	m := reports.Message{Language: p.Language, Title: p.Answer, Sections: []reports.Section{{Text: p.Subject}}}
	add := func(heading, text string) {
		if text != "" {
			m.Sections = append(m.Sections, reports.Section{Heading: heading, Text: text})
		}
	}
	add(p.Headings.Wrong, p.Wrong)
	add(p.Headings.Do, p.Do)
	for _, r := range p.Records {
		add(p.Headings.Records, p.Headings.Name+" "+r.Name+", "+p.Headings.Now+" "+r.Now+", "+p.Headings.Right+" "+r.Right)
	}
	for _, n := range p.Notes {
		add("", n)
	}
	add("", p.Checked)
	add("", p.Until)
	return m
}

// TestCustomersAreToldNoInternals looks for what only we may know in every page: names
// of panels and of other customers, files, accounts, our own name servers, and raw
// errors.
func TestCustomersAreToldNoInternals(t *testing.T) {
	bundle := load(t)
	for _, language := range bundle.Languages() {
		for _, name := range slices.Sorted(maps.Keys(customerSites())) {
			s := customerSites()[name]
			m := paged(compose.Customer(writer(t, bundle, language), s, now))
			all := m.Title
			for _, x := range m.Sections {
				all += "\n" + x.Heading + "\n" + x.Text
			}
			for _, internal := range []string{"isp1", "client17", "acct", "2002", "/var", "/usr", "ns1.hosting.ru", "nginx", "SERVFAIL", "EDE", "urn:", "10.0.0", "Invalid response", "⟨", "<no value>"} {
				if strings.Contains(all, internal) {
					t.Errorf("%s.%s: %q is in\n%s", name, language, internal, all)
				}
			}
			if s.Cause(s.Verdict()).Who() != checks.Customer && strings.Contains(name, ".") && len(m.Sections) > 4 {
				t.Errorf("%s.%s asks the customer to act, who need not:\n%s", name, language, all)
			}
		}
	}
}
