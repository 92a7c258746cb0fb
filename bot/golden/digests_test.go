package golden

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"domovoy/bot/fleet/remote"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/panel"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// clustered is a panel with a cluster, whose sites are tied to its nodes by a
// column, but for one in so many.
func clustered(by string, untied int) reports.Server {
	s := house()
	s.Snapshot.Sites, s.Subjects = slices.Clone(s.Snapshot.Sites), slices.Clone(s.Subjects)
	names := []string{"master", "node2", "node3"}
	for n, name := range names {
		s.Snapshot.Nodes = append(s.Snapshot.Nodes, checks.Node{Name: name, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{203, 0, 113, byte(10 + n)})}, Hosts: []string{name + ".hoster.ru"}})
	}
	s.Snapshot.Nodes[1].Maintain = checks.On
	if s.Snapshot.NodesBy = by; by == "" {
		s.Snapshot.Missing = []checks.Missing{{Table: "node", Column: "maintain"}}
		return s
	}
	node := func(n int) string {
		if untied > 1 && n%untied == 0 {
			return ""
		}
		return names[n%len(names)]
	}
	for n := range s.Snapshot.Sites {
		s.Snapshot.Sites[n].Node = node(n)
	}
	for n := range s.Subjects {
		site := *s.Subjects[n].Site
		site.Node = node(n)
		s.Subjects[n].Site = &site
	}
	return s
}

// statusCases are the answers to "status".
func statusCases() map[string]message {
	status := func(d compose.Delivery, servers ...reports.Server) message {
		return func(w compose.Writer) reports.Message { return compose.Status(w, servers, d) }
	}
	idle := compose.Delivery{}
	warned, critical := house(), house()
	warned.Readings, critical.Readings = readings(63, 47, 3, 12), readings(127, 51, 22, 23)
	second := house()
	second.Name, second.Snapshot.Sites = "isp2", second.Snapshot.Sites[:421]

	worse := second
	worse.Readings = readings(163, 51, 22, 23)
	partly := house()
	partly.Snapshot.Missing = []checks.Missing{{Table: "letsencrypt_log"}, {Table: "webdomain", Column: "redirect_http"}}
	partly.Readings[2] = unknown(checks.PanelFailing, "missing: letsencrypt_log.certname")
	partly.Readings[5] = unknown(checks.PanelNoRedirect, "missing: webdomain.redirect_http")
	hidden := house()
	hidden.Snapshot.Missing = []checks.Missing{{Table: "letsencrypt_log", Column: "message"}, {Table: "webdomain", Column: "redirect_http", Hidden: true}}
	hidden.Readings[5] = unknown(checks.PanelNoRedirect, "hidden: webdomain.redirect_http")

	odd := house()
	odd.Snapshot.UnreadableN = 212
	odd.Snapshot.Unreadable = []checks.Unreadable{
		{Table: "letsencrypt_ssl", Row: 7, Column: "time_started", Value: "0000-00-00 00:00:00"},
		{Table: "webdomain", Row: 12, Column: "name", Value: "<script>"},
		{Table: "webdomain", Row: 40, Column: "active", Value: "maybe"},
		{Table: "webdomain", Row: 41, Column: "active", Value: "maybe"},
	}
	optioned := func(log, skip checks.Flag) reports.Server {
		s := house()
		s.Snapshot.Options = &checks.Options{Path: "/usr/local/mgr5/etc/ispmgr.conf", ACMELog: log, SkipAccount: skip}
		return s
	}
	denied := optioned(checks.Unset, checks.Unset)
	denied.Snapshot.Options.Denied = true
	learned := house()
	learned.Overdue = reports.OverdueRule{LifeLeft: 0.31, Renewals: 421}
	still := house()
	still.Outcome.Findings = []checks.Finding{{Server: "isp1", Code: checks.PanelStale, Severity: checks.Warning, Args: checks.Args{"since": ago(54 * time.Hour)}}}

	down := house()
	down.Outcome.Findings = []checks.Finding{{Server: "isp1", Code: checks.CADown, Severity: checks.Critical, Args: checks.Args{"value": 512, "owners": 97, "since": ago(146 * time.Minute)}}}
	down.Readings = readings(530, 47, 512, 12)
	for i, excused := range []int{512, 0, 512} {
		down.Readings[i].Excused, down.Readings[i].Severity = excused, checks.Healthy
	}

	all := map[string]message{
		"status.down":       status(idle, down),
		"status.ok":         status(idle, house()),
		"status.warning":    status(idle, warned),
		"status.critical":   status(idle, critical, second),
		"status.criticals":  status(idle, critical, worse),
		"status.missing":    status(idle, partly),
		"status.hidden":     status(idle, hidden),
		"status.unreadable": status(idle, odd),
		"status.learned":    status(idle, learned),
		"status.stale":      status(idle, still),
		"status.waiting":    status(compose.Delivery{Waiting: 3, Oldest: ago(12 * time.Minute)}, house()),
		"status.undelivered": status(compose.Delivery{Waiting: 1, Oldest: ago(12 * time.Minute), Lost: 2, Closed: []string{"telegram:-1001234567890"},
			Out: []compose.Out{{Messenger: "slack", Since: ago(12 * time.Minute)}}}, house()),
		"status.options.stock":  status(idle, optioned(checks.Off, checks.Off)),
		"status.options.both":   status(idle, optioned(checks.On, checks.On)),
		"status.options.odd":    status(idle, optioned(checks.On, checks.Unset)),
		"status.options.denied": status(idle, denied),
		"status.cluster":        status(idle, clustered("webdomain.node", 3)),
		"status.cluster.whole":  status(idle, clustered("node.mainip", 1)),
		"status.cluster.untied": status(idle, clustered("", 2)),
		"status.cluster.node":   status(idle, reports.Filter{Server: "isp1/node2"}.Nodes([]reports.Server{clustered("node.mainip", 1)})...),
		"status.never":          status(idle, reports.Server{Name: "isp1", Trouble: "never"}),
		"status.neveryet":       status(idle, reports.Server{Name: "isp1", Trouble: "gone"}),
	}
	for _, reason := range ispmanager.Reasons() {
		s := house()
		s.Trouble = string(reason)
		all["status.unavailable."+string(reason)] = status(idle, s, second)
	}
	for _, reason := range append(panel.AgentReasons(), remote.NoAnswer) {
		s := house()
		s.Trouble = reason
		all["status.unavailable."+reason] = status(idle, s, second)
	}
	for _, reason := range panel.Reasons() {
		s := house()
		s.Trouble = reason
		all["status.doubted."+reason] = status(idle, s)
	}
	for name, servers := range map[string][]string{"none": nil, "one": {"isp1"}, "two": {"isp1", "isp2"}, "five": {"isp1", "isp2", "isp3", "isp4", "isp5"}} {
		all["status.believed."+name] = func(w compose.Writer) reports.Message { return compose.Believed(w, servers) }
	}
	all["status.unfamiliar"] = func(w compose.Writer) reports.Message {
		s := quoting(words()[checks.Unknown]).Server
		return compose.Status(w, []reports.Server{s}, compose.Delivery{})
	}
	all["status.unfamiliar.many"] = func(w compose.Writer) reports.Message {
		s := quoting(words()[checks.Unknown]).Server
		for range 4 {
			s.Outcome.Findings = append(s.Outcome.Findings, s.Outcome.Findings...)
		}
		return compose.Status(w, []reports.Server{s}, compose.Delivery{})
	}
	return all
}

// unknown is a count that could not be read.
func unknown(code checks.Code, err string) reports.Reading {
	return reports.Reading{Metric: checks.Metric{Server: "isp1", Code: code, Err: err}}
}

// dailyCases are digests of days of every kind.
func dailyCases() map[string]message {
	first := site(1)
	bad := func(n int, code checks.Code, age time.Duration) reports.Incident {
		return incident(checks.Finding{Server: "isp1", Site: site(n), Code: code, Severity: code.Severity()}, age)
	}
	var open []reports.Incident
	for n := range 40 {
		codes := []checks.Code{checks.CADNS, checks.CAUnauthorized, checks.CADNS, checks.CAConnection, checks.CertOverdue, checks.CARemote,
			checks.CACAA, checks.CARejected, checks.CADNS, checks.CertExpired}
		open = append(open, bad(n, codes[n%len(codes)], time.Duration(n)*36*time.Hour+30*time.Hour))
	}
	yesterday := reports.Day{Servers: []reports.Server{troubledBy(house(), open)}, Open: open, From: ago(day), Begun: ago(90 * day)}
	moved := yesterday
	moved.Open = append(open[:len(open):len(open)], bad(50, checks.CADNS, time.Hour), bad(51, checks.CertExpired, 5*time.Hour))
	for n := range 11 {
		moved.Resolved = append(moved.Resolved, ended(bad(60+n, checks.CADNS, 5*day)))
	}
	second := house()
	second.Name = "isp2"
	moved.Servers = []reports.Server{troubledBy(house(), moved.Open), second}

	began := yesterday
	began.Begun = ago(3 * time.Hour)
	late := moved
	late.Due = ago(5 * time.Hour)
	quietLate := yesterday
	quietLate.Due = ago(5 * time.Hour)
	blind := yesterday
	down := second
	down.Trouble = "locked"
	unsure := troubledBy(house(), open)
	unsure.Snapshot.UnreadableN = 3
	for n := range 6 {
		name := site(100 + n)
		unsure.Subjects = append(unsure.Subjects, checks.Subject{Site: &checks.Site{Server: "isp1", Name: name}})
		unsure.Outcome.Failures = append(unsure.Outcome.Failures, checks.Failure{Check: "certificate", Server: "isp1", Site: name})
	}
	blind.Servers = []reports.Server{unsure, down}
	burning := moved
	hot := troubledBy(house(), moved.Open)
	for n, left := range []time.Duration{3 * time.Hour, 20 * time.Hour} {
		x := visit(valid(90*day-left, left)).Subject
		x.Site.Name = site(n + 1)
		hot.Subjects[n+1] = x
	}
	burning.Servers = []reports.Server{hot}
	resolverDown, networkDown, registryDown := moved, yesterday, moved
	resolverDown.Open = append(slices.Clone(moved.Open), incident(blinded(checks.BlindResolver, ""), 4*time.Hour))
	networkDown.Resolved = append(slices.Clone(yesterday.Resolved), ended(incident(blinded(checks.BlindNetwork, ""), 4*time.Hour)), ended(incident(blinded(checks.BlindResolver, ""), 3*time.Hour)))
	registryDown.Resolved = append(slices.Clone(moved.Resolved), ended(incident(blinded(checks.BlindRegistry, "xn--p1ai"), 4*time.Hour)))
	bothDown := yesterday
	bothDown.Open = append(slices.Clone(yesterday.Open), incident(blinded(checks.BlindNetwork, ""), 4*time.Hour), incident(blinded(checks.BlindRegistry, "ru"), 3*time.Hour))
	healthy := reports.Day{Servers: []reports.Server{house()}, From: ago(day), Begun: ago(90 * day),
		Resolved: []reports.Incident{ended(incident(checks.Finding{Server: "isp1", Site: first, Code: checks.CertOverdue, Severity: checks.Warning}, 3*day))}}

	ending, quietEnding := moved, yesterday
	ending.Servers = []reports.Server{withEndings(troubledBy(house(), moved.Open)), second}
	quietEnding.Servers = []reports.Server{withEndings(troubledBy(house(), open))}

	all := map[string]message{}
	for name, d := range map[string]reports.Day{"ending": ending, "quiet.ending": quietEnding, "first": began, "unwatched": {Servers: []reports.Server{house()}, From: ago(day)}, "moved": moved, "quiet": yesterday, "late": late, "quiet.late": quietLate,
		"burning": burning, "blind": blind, "nothing": healthy, "blinded.resolver": resolverDown, "blinded.network": networkDown, "blinded.registry": registryDown, "blinded.both": bothDown} {
		all["daily."+name] = func(w compose.Writer) reports.Message { return compose.Daily(w, d) }
	}
	return all
}

// troubledBy is the server with the sites and findings of its incidents.
func troubledBy(s reports.Server, open []reports.Incident) reports.Server {
	known := map[string]bool{}
	for _, i := range open {
		f := i.Finding
		if f.Server != s.Name {
			continue
		}
		s.Opened.Add(i)
		s.Outcome.Findings = append(s.Outcome.Findings, f)
		if !known[f.Site] {
			known[f.Site] = true
			s.Subjects = append(s.Subjects, checks.Subject{Site: &checks.Site{Server: s.Name, Name: f.Site}})
		}
	}
	return s
}

// weeklyCases are weekly reports.
func weeklyCases() map[string]message {
	week, _ := reports.ISOWeek(2026, 46, time.UTC)
	weekly := func(change func(*reports.Weekly)) message {
		r := reports.Weekly{Week: week, Data: week.To, Before: week.From, Rules: "3fa9c1d2", Rows: weekRows(week),
			Servers: []reports.ServerWeek{{Name: "isp1", Sites: 2000, Unknown: 6, Named: true, Days: 7}, {Name: "isp2", Sites: 1412, Named: true, Days: 7}}}
		change(&r)
		return func(w compose.Writer) reports.Message { return compose.Weekly(w, r) }
	}
	return map[string]message{
		"weekly":        weekly(func(*reports.Weekly) {}),
		"weekly.ending": weekly(func(r *reports.Weekly) { r.Endings, r.Servers[0].Undated = endings(), 259 }),
		"weekly.first":  weekly(func(r *reports.Weekly) { r.Before = time.Time{} }),
		"weekly.calm":   weekly(func(r *reports.Weekly) { r.Rows = nil }),
		"weekly.now":    weekly(func(r *reports.Weekly) { r.Week, _ = reports.ISOWeek(2026, 47, time.UTC); r.Data = now }),
		"weekly.months": weekly(func(r *reports.Weekly) { r.Week, _ = reports.ISOWeek(2026, 44, time.UTC) }),
		"weekly.nodata": weekly(func(r *reports.Weekly) {
			r.Rows, r.Data, r.Servers = nil, time.Time{}, r.Servers[:0]
		}),
		"weekly.unnamed": weekly(func(r *reports.Weekly) { r.Servers[0].Named = false }),
		"weekly.unread":  weekly(func(r *reports.Weekly) { r.Servers[1] = reports.ServerWeek{Name: "isp2", Unread: true} }),
		"weekly.manager": weekly(func(r *reports.Weekly) { r.Manager = "telegram:123456789" }),
		"weekly.orphans": weekly(func(r *reports.Weekly) { r.Orphans = []string{"client7", "client9"} }),
	}
}

// weekRows are forty sites with every kind of change.
func weekRows(week reports.Week) []reports.WeekRow {
	codes := []checks.Code{checks.DNSElsewhere, checks.WebTimeout, checks.DNSUnregistered, checks.CertExpired, checks.DNSUndelegated}
	changes := []reports.WeekChange{reports.WeekStill, reports.WeekNew, reports.WeekStill, reports.WeekBack, reports.WeekCause, reports.WeekFixed, reports.WeekLeft, reports.WeekPassing}
	var rows []reports.WeekRow
	for i := range 40 {
		code := codes[i%len(codes)]
		row := reports.WeekRow{Server: "isp1", Change: changes[i%len(changes)],
			SiteState: reports.SiteState{Since: week.From.AddDate(0, 0, -7*i), Exact: i%2 == 0, Site: fmt.Sprintf("shop%d.ru", i), Owner: fmt.Sprintf("client%d", i%7), Code: code, Severity: code.Severity()}}
		if i == 0 {
			row.Site = "xn--e1afmkfd.xn--p1ai"
		}
		if code == checks.DNSUndelegated {
			row.Free = week.To.AddDate(0, 0, i)
		}
		if i%3 == 0 {
			row.Expires = week.To.AddDate(0, 0, 3+i)
		}
		if row.Change == reports.WeekStill || row.Change == reports.WeekCause || row.Change == reports.WeekFixed || row.Change == reports.WeekLeft {
			row.Was = code
		}
		rows = append(rows, row)
	}
	return rows
}
