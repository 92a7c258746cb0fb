package golden

import (
	"fmt"
	"time"

	"domovoy/checks"
	"domovoy/checks/registry"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// listCases are the answers to "list": each kind, empty and of several lengths.
func listCases() map[string]message {
	all := map[string]message{}
	rows := func(n int) (rows []reports.Row) {
		codes := []checks.Code{checks.CADNS, checks.CAUnauthorized, checks.Unknown}
		for n := range n {
			r := reports.Row{Domain: site(n + 1), Owner: fmt.Sprintf("client%d", n%3), Server: "isp1", Code: codes[n%3], Since: ago(time.Duration(n) * 9 * day), Exact: n%5 > 0}
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
			if kind == "ending" {
				all[fmt.Sprintf("list.%s.%d", kind, n)] = endingList(n, time.Time{})
				continue
			}
			if reports.FromOutside(kind) || kind == "unknown" {
				all[fmt.Sprintf("list.%s.%d", kind, n)] = seenList(kind, n)
				continue
			}
			all[fmt.Sprintf("list.%s.%d", kind, n)] = func(w compose.Writer) reports.Message {
				return compose.List(w, rows(n), compose.Page{Kind: kind, Command: "list " + kind + " owner=client*", Number: min(2, 1+n/20)})
			}
		}
	}
	for _, kind := range reports.WeekLists() {
		for _, n := range []int{0, 1, 3} {
			if kind == "ending" {
				all[fmt.Sprintf("list.%s.week.%d", kind, n)] = endingList(n, ago(5*day))
				continue
			}
			all[fmt.Sprintf("list.%s.week.%d", kind, n)] = func(w compose.Writer) reports.Message {
				return compose.List(w, rows(n), compose.Page{Kind: kind, Command: "list " + kind + " week=2026-W46 all", Number: 1, At: ago(5 * day)})
			}
		}
	}
	all["list.call.owners"] = func(w compose.Writer) reports.Message {
		return compose.List(w, reports.ByOwner(rows(5)), compose.Page{Kind: "call", Command: "list call week=2026-W46 all owners", Number: 1, ByOwner: true, At: ago(5 * day)})
	}
	over := func() []reports.Row {
		found := rows(3)
		for i := range found {
			found[i].Was, found[i].Code, found[i].Until = found[i].Code, checks.OK, ago(time.Duration(i+1)*time.Hour)
		}
		found[2].Code = ""
		return found
	}
	all["list.fixed.over"] = func(w compose.Writer) reports.Message {
		return compose.List(w, over(), compose.Page{Kind: "fixed", Command: "list fixed", Number: 1})
	}
	all["list.fixed.file"] = func(w compose.Writer) reports.Message {
		m, err := compose.ListFile(w, over(), compose.Page{Kind: "fixed"})
		if err != nil {
			panic(err)
		}
		return m
	}
	all["list.unreadable.values"] = func(w compose.Writer) reports.Message {
		s := house()
		s.Snapshot.Unreadable = []checks.Unreadable{{Table: "letsencrypt_ssl", Row: 7, Column: "time_started", Value: "0000-00-00 00:00:00"}, {Table: "webdomain", Row: 40, Column: "active", Value: "maybe"}}
		return compose.List(w, reports.List("unreadable", []reports.Server{s}, reports.Filter{}), compose.Page{Kind: "unreadable", Command: "list unreadable", Number: 1})
	}
	all["list.trouble.filtered.week"] = func(w compose.Writer) reports.Message {
		return compose.List(w, nil, compose.Page{Kind: "trouble", Command: "list trouble week=2026-W46 all owners owner=client1", Filter: "owner=client1", ByOwner: true,
			Instead: compose.Instead{All: 44, Owner: "client1*", Found: 19}})
	}
	all["list.failed.beyond"] = func(w compose.Writer) reports.Message {
		return compose.List(w, rows(45), compose.Page{Kind: "failed", Command: "list failed", Number: 99})
	}
	all["list.failed.beyond.one"] = func(w compose.Writer) reports.Message {
		return compose.List(w, rows(3), compose.Page{Kind: "failed", Command: "list failed", Number: 99})
	}
	for name, instead := range map[string]compose.Instead{"": {All: 1}, ".many": {All: 44}, ".owner": {All: 44, Owner: "client1*", Found: 19}} {
		all["list.failed.filtered"+name] = func(w compose.Writer) reports.Message {
			return compose.List(w, nil, compose.Page{Kind: "failed", Command: "list failed owner=client1 cause=ca", Filter: "owner=client1 cause=ca", Instead: instead})
		}
	}
	ended := func(kind string) []reports.Row {
		found := rows(4)
		for i := range found {
			found[i].Ends = ago(time.Duration(i*20-30) * time.Hour)
			if kind == "expired" {
				found[i].Ends = ago(time.Duration(i*20+1) * day)
			}
		}
		found[1].Code, found[1].Since, found[1].Exact = checks.CertExpired, found[1].Ends, true
		return found
	}
	for _, kind := range []string{"expired", "overdue"} {
		all["list."+kind+".ends"] = func(w compose.Writer) reports.Message {
			return compose.List(w, ended(kind), compose.Page{Kind: kind, Command: "list " + kind, Number: 1})
		}
	}
	all["list.expired.file"] = func(w compose.Writer) reports.Message {
		m, err := compose.ListFile(w, ended("expired"), compose.Page{Kind: "expired"})
		if err != nil {
			panic(err)
		}
		return m
	}
	all["list.failed.partly"] = func(w compose.Writer) reports.Message {
		old := house()
		old.Name, old.Read, old.Trouble = "isp3", ago(26*time.Hour), "locked"
		return compose.List(w, rows(3), compose.Page{Kind: "failed", Command: "list failed", Unread: []string{"isp2"}, Stale: []reports.Server{old}})
	}
	all["list.free.file"] = func(w compose.Writer) reports.Message {
		m, err := compose.ListFile(w, []reports.Row{{Domain: site(1), Owner: "client1", Server: "isp1", Code: checks.DNSUndelegated, Name: "www." + site(1),
			Free: time.Date(2026, 12, 14, 0, 0, 0, 0, time.UTC), Since: ago(9 * day)}}, compose.Page{Kind: "free"})
		if err != nil {
			panic(err)
		}
		return m
	}
	all["list.droppable.file"] = func(w compose.Writer) reports.Message {
		m, err := compose.ListFile(w, dropped().Rows, compose.Page{Kind: reports.Droppable})
		if err != nil {
			panic(err)
		}
		return m
	}
	all["list.failed.file"] = func(w compose.Writer) reports.Message {
		m, err := compose.ListFile(w, rows(3), compose.Page{Kind: "failed"})
		if err != nil {
			panic(err)
		}
		return m
	}
	return all
}

// dropped are two sites that pass without some of their aliases, and one of
// which that is not known.
func dropped() reports.Dropping {
	row := func(n int, code checks.Code, names reports.Names) reports.Row {
		return reports.Row{Domain: site(n), Owner: fmt.Sprintf("client%d", n), Server: "isp1", Code: code, Severity: checks.Warning, Names: &names}
	}
	return reports.Dropping{At: ago(0),
		Rows: []reports.Row{
			row(1, checks.DNSElsewhere, reports.Names{Pass: []string{site(1), "www." + site(1)}, Dead: []reports.DeadName{{Name: "old-" + site(1), Code: checks.DNSElsewhere}}}),
			row(2, checks.DNSUnregistered, reports.Names{Pass: []string{site(2), "www." + site(2), "shop." + site(2), "m." + site(2)}, Dead: []reports.DeadName{
				{Name: "xn--e1afmkfd.xn--p1ai", Code: checks.DNSUnregistered}, {Name: "a." + site(2), Code: checks.DNSNXDomain}, {Name: "b." + site(2), Code: checks.WebNotFound}, {Name: "c." + site(2), Code: checks.WebNotFound}}}),
		},
		Others: []reports.Row{row(3, checks.Unknown, reports.Names{Pass: []string{site(3)}, Dead: []reports.DeadName{{Name: "old-" + site(3), Code: checks.DNSNXDomain}}, Unknown: []string{"www." + site(3)}})},
		Prices: []reports.ReissueServer{{Server: "isp1", Oldest: ago(3 * time.Hour), Price: checks.Price{Orders: 2, Spend: 2, Known: true, Takes: 90 * time.Minute}}},
	}
}

// seenList is a list based on probes from outside.
func seenList(kind string, n int) message {
	rows := map[string][]reports.Row{
		"elsewhere": {
			{Domain: site(1), Owner: "client1", Code: checks.DNSElsewhere, To: "beget.com", Since: ago(49 * day), Exact: true},
			{Domain: site(2), Owner: "client2", Code: checks.DNSPartly, Name: "www." + site(2), To: "198.51.100.7", Since: ago(2 * day)},
			{Domain: site(3), Code: checks.DNSElsewhere, To: "10.1.2.3"},
		},
		"free": {
			{Domain: site(1), Owner: "client1", Code: checks.DNSUnregistered, Since: ago(3 * day), Exact: true},
			{Domain: site(2), Owner: "client2", Code: checks.DNSUndelegated, Free: time.Date(2026, 12, 14, 0, 0, 0, 0, time.UTC), Since: ago(9 * day)},
			{Domain: site(3), Code: checks.DNSUnregistered, Name: "old-" + site(3)},
		},
		"unknown": {
			{Domain: site(1), Owner: "client1", Code: checks.Unknown, Blind: []string{checks.NamesCheck}},
			{Domain: site(2), Owner: "client2", Code: checks.Unknown, Blind: []string{checks.NamesCheck, registry.Name}},
			{Domain: site(3), Code: checks.Unknown},
		},
		reports.Droppable: append(dropped().Rows, dropped().Others...),
	}[kind][:n]
	seen := house()
	seen.Subjects = []checks.Subject{{Site: &checks.Site{Name: site(1)}}, {Site: &checks.Site{Name: site(2)}}, {Site: &checks.Site{Name: site(3)}}}
	seen.Probes = map[string]checks.Probe{site(1): {At: ago(3 * time.Hour)}}
	if n > 0 {
		seen.Probes[site(2)], seen.Probes[site(3)] = checks.Probe{At: ago(2 * time.Hour)}, checks.Probe{At: ago(time.Hour)}
	}
	return func(w compose.Writer) reports.Message {
		p := compose.Page{Kind: kind, Command: "list " + kind, Number: 1, Looked: []reports.Server{seen}}
		if n == 0 {
			p.Filter = "owner=client9"
		}
		if kind == reports.Droppable && n > 0 {
			drop := dropped()
			p.Drop = &drop
		}
		return compose.List(w, rows, p)
	}
}
