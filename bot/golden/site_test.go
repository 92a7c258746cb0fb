package golden

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// checkCases are a site in every state.
func checkCases() map[string]message {
	check := func(s reports.Site) message { return func(w compose.Writer) reports.Message { return w.Check(s) } }
	all := map[string]message{}
	for code := range words() {
		name := "check." + string(code)
		all[name] = check(visit(refused(code, 41)))
	}
	asked := visit()
	asked.Asked = "www.shop.ru"
	twice := visit()
	twice.Also = []string{"isp2", "isp3"}
	stale := visit()
	stale.Server.Trouble = "locked"
	stale.Server.Read = ago(26 * time.Hour)
	unknown := visit(func(x *checks.Subject) { x.File, x.FileErr = nil, fmt.Errorf("reading: %w", fs.ErrPermission) })
	for name, s := range map[string]reports.Site{
		"ok":            visit(),
		"alias":         asked,
		"twice":         twice,
		"stale":         stale,
		"expired":       visit(valid(102*day, -12*day), refused(checks.CADNS, 41)),
		"expired.alone": visit(valid(102*day, -12*day)),
		"expiring":      visit(valid(88*day, 2*day)),
		"overdue":       visit(valid(84*day, 6*day)),
		"missing":       visit(func(x *checks.Subject) { x.File, x.FileErr = nil, fmt.Errorf("reading: %w", fs.ErrNotExist) }),
		"untrusted": visit(func(x *checks.Subject) {
			x.File = &checks.CertificateFile{Issuer: "shop.ru", NotBefore: ago(day), NotAfter: ago(-364 * day), SelfSigned: true}
		}),
		"unread":        unknown,
		"ca.flaky":      visit(recovered(3)),
		"ca.flaky.once": visit(recovered(1)),
		"nofolder":      visit(func(x *checks.Subject) { x.File, x.FileErr = nil, errors.New("the folder cannot be opened") }),
		"nofiles":       visit(func(x *checks.Subject) { x.File = nil }),
		"row":           visit(func(x *checks.Subject) { x.File, x.Certificate.Started = nil, ago(86*day) }),
		"nocertificate": visit(func(x *checks.Subject) {
			x.File, x.Certificate, x.Site.Certificate, x.Site.Secure = nil, nil, "", checks.Off
		}),
		"noredirect": visit(func(x *checks.Subject) { x.Site.Redirect = checks.Off }),
		"inactive":   visit(valid(102*day, -12*day), func(x *checks.Subject) { x.Site.Active = checks.Off }),
		"unset": visit(func(x *checks.Subject) {
			x.Site.Active, x.Site.Secure, x.Site.Redirect = checks.Unset, checks.Unset, checks.Unset
		}),
		"issuing": visit(refused(checks.CADNS, 1), func(x *checks.Subject) {
			x.Certificate.Processing, x.Certificate.Failed, x.Certificate.Started = checks.On, checks.Off, ago(3*time.Hour+12*time.Minute)
		}),
		"cyrillic": visit(refused(checks.CADNS, 2), func(x *checks.Subject) { x.Site.Name, x.Site.Aliases = "xn--e1afmkfd.xn--p1ai", nil }),
	} {
		all["check."+name] = check(s)
	}
	return all
}

// whyCases are the history of a site.
func whyCases() map[string]message {
	past := visit()
	old := incident(checks.Finding{Server: "isp1", Site: "shop.ru", Code: checks.CADNS, Severity: checks.Warning}, 90*day)
	old.Baseline, old.Times.Resolved = true, ago(60*day)
	lately := incident(checks.Finding{Server: "isp1", Site: "shop.ru", Code: checks.CertOverdue, Severity: checks.Warning}, 26*time.Hour)
	passed := lately
	passed.Times.Opened, passed.Times.Resolved = ago(5*day), ago(5*day-3*time.Hour)
	past.Past = []reports.Incident{lately, passed, old}
	attempt := func(age time.Duration, outcome checks.AttemptOutcome, status string, code checks.Code) reports.Try {
		a := checks.Attempt{Server: "isp1", Outcome: outcome, Status: status, Time: ago(age), Text: words()[code]}
		if age == 0 {
			a.Time = time.Time{}
		}
		if code == checks.Unknown {
			code = ""
		}
		return reports.Try{Attempt: a, Code: code}
	}
	past.Attempts = []reports.Try{
		attempt(time.Hour, checks.OutcomeFailed, "failed", checks.CADNS),
		attempt(25*time.Hour, checks.OutcomeFailed, "failed", checks.CADNS),
		attempt(49*time.Hour, checks.OutcomeFailed, "failed", checks.CADNS),
		attempt(50*time.Hour, checks.OutcomeFailed, "failed", checks.Unknown),
		attempt(0, checks.OutcomeOther, "process", ""),
		attempt(130*day, checks.OutcomeIssued, "success", ""),
	}
	past.Acts = []reports.Act{{At: ago(2 * time.Hour), Who: "Анна", Command: "check shop.ru"}}
	return map[string]message{
		"why":         func(w compose.Writer) reports.Message { return w.Why(past) },
		"why.nothing": func(w compose.Writer) reports.Message { return w.Why(visit()) },
	}
}

// listCases are each kind of list, of every length.
func listCases() map[string]message {
	all := map[string]message{}
	rows := func(n int) (rows []reports.Row) {
		codes := []checks.Code{checks.CADNS, checks.CAUnauthorized, checks.Unknown}
		for n := range n {
			r := reports.Row{Domain: site(n + 1), Owner: fmt.Sprintf("client%d", n%3), Server: "isp1", Code: codes[n%3], Since: ago(time.Duration(n) * 9 * day)}
			if n%7 == 6 {
				r.Owner, r.Since = "", time.Time{}
			}
			rows = append(rows, r)
		}
		return rows
	}
	for _, kind := range reports.Lists() {
		for _, n := range []int{0, 1, 3, 45} {
			if n > 3 && kind != "failed" {
				continue // long ones differ by their first line only
			}
			if reports.FromOutside(kind) {
				all[fmt.Sprintf("list.%s.%d", kind, n)] = seenList(kind, n)
				continue
			}
			all[fmt.Sprintf("list.%s.%d", kind, n)] = func(w compose.Writer) reports.Message {
				return w.List(rows(n), compose.Page{Kind: kind, Command: "list " + kind + " owner=client*", Number: 2})
			}
		}
	}
	all["list.failed.partly"] = func(w compose.Writer) reports.Message {
		old := house()
		old.Name, old.Read, old.Trouble = "isp3", ago(26*time.Hour), "locked"
		return w.List(rows(3), compose.Page{Kind: "failed", Command: "list failed", Unread: []string{"isp2"}, Stale: []reports.Server{old}})
	}
	all["list.free.file"] = func(w compose.Writer) reports.Message {
		m, err := w.ListFile([]reports.Row{{Domain: site(1), Owner: "client1", Server: "isp1", Code: checks.DNSUndelegated, Name: "www." + site(1),
			Free: time.Date(2026, 12, 14, 0, 0, 0, 0, time.UTC), Since: ago(9 * day)}}, "free")
		if err != nil {
			panic(err)
		}
		return m
	}
	all["list.failed.file"] = func(w compose.Writer) reports.Message {
		m, err := w.ListFile(rows(3), "failed")
		if err != nil {
			panic(err)
		}
		return m
	}
	return all
}

// seenList is a list that rests on looks from outside.
func seenList(kind string, n int) message {
	rows := map[string][]reports.Row{
		"elsewhere": {
			{Domain: site(1), Owner: "client1", Code: checks.DNSElsewhere, To: "beget.com", Since: ago(49 * day)},
			{Domain: site(2), Owner: "client2", Code: checks.DNSPartly, Name: "www." + site(2), To: "198.51.100.7", Since: ago(2 * day)},
			{Domain: site(3), Code: checks.DNSElsewhere, To: "10.1.2.3"},
		},
		"free": {
			{Domain: site(1), Owner: "client1", Code: checks.DNSUnregistered, Since: ago(3 * day)},
			{Domain: site(2), Owner: "client2", Code: checks.DNSUndelegated, Free: time.Date(2026, 12, 14, 0, 0, 0, 0, time.UTC), Since: ago(9 * day)},
			{Domain: site(3), Code: checks.DNSUnregistered, Name: "old-" + site(3)},
		},
		"unknown": {
			{Domain: site(1), Owner: "client1", Code: checks.Unknown, Blind: []string{suite.NamesCheck}},
			{Domain: site(2), Owner: "client2", Code: checks.Unknown, Blind: []string{suite.NamesCheck, suite.RegistryCheck}},
			{Domain: site(3), Code: checks.Unknown},
		},
	}[kind][:n]
	seen := house()
	seen.Subjects = []checks.Subject{{Site: &checks.Site{Name: site(1)}}, {Site: &checks.Site{Name: site(2)}}, {Site: &checks.Site{Name: site(3)}}}
	seen.Looks = map[string]reports.Look{site(1): {At: ago(3 * time.Hour)}}
	if n > 0 {
		seen.Looks[site(2)], seen.Looks[site(3)] = reports.Look{At: ago(2 * time.Hour)}, reports.Look{At: ago(time.Hour)}
	}
	return func(w compose.Writer) reports.Message {
		p := compose.Page{Kind: kind, Command: "list " + kind, Number: 1, Seen: []reports.Server{seen}}
		if n == 0 {
			p.Filter = "owner=client9"
		}
		return w.List(rows, p)
	}
}
