package golden

import (
	"fmt"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// endings are registrations that end: one that has ended and is parked, one whose
// owner is not identified, and one of ours.
func endings() []reports.Ending {
	return []reports.Ending{
		{Server: "isp1", Site: site(1), Owner: "client1", Domain: site(1), Ends: ago(3 * day), Free: ago(-28 * day), Parking: "REG.RU", Who: checks.Customer, At: ago(0)},
		{Server: "isp1", Site: "blog." + site(2), Owner: "client17", Domain: site(2), Ends: ago(-14 * day), Unverified: true, Who: checks.Customer, At: ago(0)},
		{Server: "isp1", Site: "xn--e1afmkfd.xn--p1ai", Domain: "xn--e1afmkfd.xn--p1ai", Ends: time.Date(2026, 12, 12, 0, 0, 0, 0, time.UTC), Who: checks.Us, At: ago(0)},
	}
}

// standings are domains of each kind of which the end is not known.
func standings() map[checks.RegistrationStanding]int {
	return map[checks.RegistrationStanding]int{checks.RegistrationDated: 3100, checks.RegistrationUndated: 210, checks.RegistrationFailing: 7, checks.RegistrationNone: 2, checks.RegistrationWaiting: 40}
}

// unasked are more registries than a message names.
func unasked() []reports.Unasked {
	return []reports.Unasked{{Registry: "whois.tcinet.ru:43", Failure: checks.RegistryUnreachable, Domains: 3}, {Registry: "rdap.verisign.com", Failure: checks.RegistryUnreachable, Domains: 2},
		{Registry: "whois.cctld.by:43", Failure: checks.RegistryQuota, Domains: 1}, {Registry: "whois.eu:43", Failure: checks.RegistryUnclear, Domains: 1}}
}

// endingList is the list of registrations that end; the first of its sites has a
// problem, too.
func endingList(n int, at time.Time) message {
	var rows []reports.Row
	for i, e := range endings()[:n] {
		row := reports.Row{Domain: e.Site, Owner: e.Owner, Server: e.Server, Code: checks.OK, Ends: e.Ends, Ending: &e}
		if e.Domain != e.Site {
			row.Name = e.Domain
		}
		if i == 0 {
			row.Code, row.Severity = checks.DNSElsewhere, checks.Warning
		}
		rows = append(rows, row)
	}
	p := compose.Page{Kind: "ending", Command: "list ending", Number: 1, At: at, Domains: standings(), Unasked: unasked()}
	if n == 1 {
		p.Within = 60 * day
	}
	return func(w compose.Writer) reports.Message { return compose.List(w, rows, p) }
}

// endingCases are the other messages about registrations.
func endingCases() map[string]message {
	all := map[string]message{
		"list.ending.off": func(w compose.Writer) reports.Message {
			return compose.List(w, nil, compose.Page{Kind: "ending", Command: "list ending", Number: 1})
		},
		"list.ending.file": func(w compose.Writer) reports.Message {
			e := endings()[1]
			m, err := compose.ListFile(w, []reports.Row{{Domain: e.Site, Name: e.Domain, Owner: e.Owner, Server: e.Server, Code: checks.OK, Ends: e.Ends, Ending: &e}}, compose.Page{Kind: "ending"})
			if err != nil {
				panic(err)
			}
			return m
		},
	}
	const domain = "shop.ru"
	answered := checks.RegistryAnswer{Domain: domain, State: checks.RegistryDelegated, Registrar: "REGRU-RU", Source: "whois.tcinet.ru:43", PaidTill: ago(-14 * day)}
	far, over, undated, free := answered, answered, answered, answered
	far.PaidTill = ago(-300 * day)
	over.PaidTill, over.FreeDate, over.Unverified = ago(3*day), ago(-28*day), true
	undated.PaidTill = time.Time{}
	free.State = checks.RegistryFree
	for name, r := range map[string]checks.Registration{
		"soon": {Answer: answered}, "ours": {Answer: answered}, "far": {Answer: far}, "over": {Answer: over, Parking: "REG.RU"}, "undated": {Answer: undated}, "vanished": {Answer: free},
		"failing": {Registry: "whois.tcinet.ru:43", Failure: checks.RegistryUnreachable}, "refused": {Failure: checks.RegistryQuota}, "unclear": {Failure: checks.RegistryUnclear},
		"interrupted": {Failure: checks.RegistryInterrupted}, "none": {Failure: checks.RegistryNone}, "again": {Registry: "whois.tcinet.ru:43", Answer: far, Failure: checks.RegistryUnreachable}, "waiting": {},
	} {
		s := visit()
		r.Domain = domain
		if name != "waiting" {
			r.Asked, r.Due = ago(3*time.Hour), ago(-time.Hour)
		}
		if r.Answer.State != "" {
			r.Looked = ago(3 * time.Hour)
		}
		s.Server.Registrations = map[string]*checks.Registration{domain: &r}
		if name == "ours" {
			s.Subject.Site.Owner = ""
		}
		all["check.registration."+name] = func(w compose.Writer) reports.Message { return compose.Check(w, s) }
	}
	return all
}

// withEndings is a panel with a hundred domains, of which some end soon and of
// some it is not known when.
func withEndings(s reports.Server) reports.Server {
	s.Registrations = map[string]*checks.Registration{}
	for i := range 20 {
		name := fmt.Sprintf("domain%d.ru", i)
		s.Subjects = append(s.Subjects, checks.Subject{Site: &checks.Site{Server: s.Name, Name: name, Owner: fmt.Sprintf("client%d", i%5)}})
		s.Registrations[name] = &checks.Registration{Domain: name, Asked: ago(day), Looked: ago(day), Answer: checks.RegistryAnswer{Domain: name, State: checks.RegistryDelegated, PaidTill: ago(time.Duration(2-2*i) * day)}}
	}
	return s
}
