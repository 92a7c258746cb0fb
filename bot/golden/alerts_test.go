package golden

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"domovoy/bot/fleet/remote"
	"domovoy/checks"
	"domovoy/checks/acme"
	"domovoy/checks/dns"
	"domovoy/checks/ispmanager"
	"domovoy/checks/panel"
	"domovoy/checks/quorum"
	"domovoy/checks/suite"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// counted is a count above its threshold.
func counted(code checks.Code, severity checks.Severity, value, threshold int) checks.Finding {
	return checks.Finding{Check: reports.CountCheck + "." + string(code), Server: "isp1", Code: code, Severity: severity,
		Args: checks.Args{"value": value, "threshold": threshold}}
}

// alertCases are alerts of a server's counts: each count with each kind of
// change.
func alertCases() map[string]message {
	all := map[string]message{}
	for _, count := range []struct {
		code      checks.Code
		value     int
		threshold int
		grown     int
	}{
		{checks.PanelProcessing, 127, 100, 204},
		{checks.PanelFailed, 51, 50, 92},
		{checks.PanelFailing, 22, 21, 44},
		{checks.PanelOverdue, 23, 20, 61},
	} {
		f := counted(count.code, checks.Critical, count.value, count.threshold)
		grown := counted(count.code, checks.Critical, count.grown, count.threshold)
		say := func(kind reports.Reason, f checks.Finding, age time.Duration) message {
			return func(w compose.Writer) reports.Message {
				i := incident(f, age)
				switch kind {
				case reports.Reminded:
					i.Peak += 19
				case reports.Resolved:
					i = ended(i)
				}
				return compose.Told(w, telling(kind, i), troubled(f))
			}
		}
		name := "alert." + string(count.code) + "."
		all[name+"opened"] = say(reports.Opened, f, 0)
		all[name+"worsened"] = say(reports.Worsened, grown, 40*time.Minute)
		all[name+"reminded"] = say(reports.Reminded, grown, 4*time.Hour)
		all[name+"resolved"] = say(reports.Resolved, grown, 2*time.Hour+41*time.Minute)
		all[name+"one"] = say(reports.Opened, counted(count.code, checks.Critical, 1, 1), 0)
		all["closed."+string(count.code)] = func(w compose.Writer) reports.Message {
			told := compose.Told(w, telling(reports.Opened, incident(f, 0)), troubled(f))
			return compose.Redrawn(w, told, telling(reports.Resolved, ended(incident(grown, 161*time.Minute))), troubled(f))
		}
	}
	all["alert.panel.processing.warning"] = func(w compose.Writer) reports.Message {
		f := counted(checks.PanelProcessing, checks.Warning, 63, 60)
		s := house()
		s.Readings = readings(63, 47, 3, 12)
		return compose.Told(w, telling(reports.Opened, incident(f, 0)), s)
	}
	return all
}

// troubled is the server of house with the count of a finding, and with the
// certificates that make up the count.
func troubled(f checks.Finding) reports.Server {
	s := house()
	value, _ := f.Args["value"].(int)
	for i := range s.Readings {
		if s.Readings[i].Code == f.Code {
			s.Readings[i].Value = value
		}
	}
	codes := []checks.Code{checks.CADNS, checks.CADNS, checks.CAUnauthorized, checks.CAConnection, checks.CARemote, checks.CADNS}
	for n := range value {
		x := checks.Subject{Site: &checks.Site{ID: int64(n), Name: site(n), Owner: fmt.Sprintf("client%d", n*n%7), Active: checks.On, Secure: checks.On, Redirect: checks.On}}
		c := checks.Certificate{ID: int64(n), Name: x.Site.Name + "_le1", Domain: x.Site.Name, Processing: checks.Off, Failed: checks.Off}
		switch f.Code {
		case checks.PanelProcessing:
			c.Processing, c.Started = checks.On, ago(time.Duration(n%60)*time.Minute)
			if n%14 == 0 {
				c.Started = ago(2 * day)
			}
		case checks.PanelOverdue:
			x.File = &checks.CertificateFile{NotBefore: ago(85 * day), NotAfter: ago(-5 * day)}
			fallthrough
		default:
			c.Failed = checks.On
			if f.Code == checks.PanelFailing {
				s.Failing = append(s.Failing, c.Name)
			}
			x.History = &checks.History{Last: checks.LastTry{Outcome: checks.OutcomeFailed, Time: ago(time.Hour), Text: words()[codes[n%len(codes)]]}}
		}
		s.Snapshot.Certificates = append(s.Snapshot.Certificates, c)
		x.Certificate = &c
		s.Subjects = append(s.Subjects, x)
	}
	look(&s)
	return s
}

// panelCases are a panel that cannot be read or stands still, the baseline
// and the storm.
func panelCases() map[string]message {
	all := map[string]message{}
	unavailable := func(kind reports.Reason, reason string, age time.Duration) message {
		return func(w compose.Writer) reports.Message {
			s := house()
			s.Trouble = reason
			i := incident(checks.Finding{Server: "isp1", Code: checks.PanelUnavailable, Severity: checks.Critical, Args: checks.Args{"reason": reason}}, age)
			if kind == reports.Resolved {
				s.Trouble, i = "", ended(i)
			}
			return compose.Told(w, telling(kind, i), s)
		}
	}
	for _, reason := range ispmanager.Reasons() {
		all["alert.panel.unavailable.opened."+string(reason)] = unavailable(reports.Opened, string(reason), 0)
	}
	agents := func(kind reports.Reason, code checks.Code, severity checks.Severity, reason string) message {
		return func(w compose.Writer) reports.Message {
			s := house()
			s.Trouble = reason
			i := incident(checks.Finding{Server: "isp1", Code: code, Severity: severity, Args: checks.Args{"reason": reason}}, 20*time.Minute)
			if kind == reports.Resolved {
				s.Trouble, i = "", ended(i)
			}
			return compose.Told(w, telling(kind, i), s)
		}
	}
	for _, kind := range []reports.Reason{reports.Opened, reports.Resolved} {
		all["alert.fleet.silent."+string(kind)] = agents(kind, checks.FleetSilent, checks.Critical, panel.AgentSilent)
		all["alert.fleet.skew."+string(kind)] = agents(kind, checks.FleetSkew, checks.Warning, panel.AgentNewer)
		all["alert.fleet.skew.clock."+string(kind)] = agents(kind, checks.FleetSkew, checks.Warning, panel.AgentClock)
		all["alert.fleet.hub."+string(kind)] = agents(kind, checks.PanelUnavailable, checks.Critical, panel.HubGone)
	}
	for _, reason := range append(panel.AgentReasons(), remote.NoAnswer) {
		all["alert.panel.unavailable.opened."+reason] = unavailable(reports.Opened, reason, 0)
	}
	for _, reason := range panel.Reasons() {
		all["alert.panel.unavailable.opened."+reason] = unavailable(reports.Opened, reason, 0)
		all["alert.panel.unavailable.resolved."+reason] = unavailable(reports.Resolved, reason, 8*time.Hour)
	}
	doubt := func(server, reason string, missing ...string) compose.Doubt {
		d := compose.Doubt{Server: server, Reason: reason, Missing: missing, Command: "status believe server=" + server + " 7f3a91c2"}
		if reason != "" {
			d.Since = ago(time.Hour)
		}
		if reason == "shrunk" {
			d.Table, d.Was, d.Is = "letsencrypt_ssl", 3411, 12
		}
		return d
	}
	for name, doubts := range map[string][]compose.Doubt{"none": nil, "shrunk": {doubt("isp1", "shrunk")}, "older": {doubt("isp1", "older")},
		"missing": {doubt("isp1", "", "letsencrypt_ssl.failed", "users")}, "two": {doubt("isp1", "shrunk"), doubt("isp2", "replaced", "users")},
		"many": {doubt("isp1", "older"), doubt("isp2", "older"), doubt("isp3", "older"), doubt("isp4", "older"), doubt("isp5", "older")}} {
		all["status.doubts."+name] = func(w compose.Writer) reports.Message { return compose.Doubts(w, doubts) }
	}
	lost := func(kind reports.Reason, age, believed time.Duration) message {
		hidden := kind == reports.Opened && age > 0
		return func(w compose.Writer) reports.Message {
			s := house()
			i := incident(checks.Finding{Server: "isp1", Code: checks.PanelMissing, Severity: checks.Warning,
				Args: checks.Args{"lost": "letsencrypt_ssl.failed, users", "off": "panel.failed panel.overdue owners"}}, age)
			if kind == reports.Resolved {
				i = ended(i)
				s.Believed = ago(believed)
			}
			if hidden {
				i.Finding.Args["hidden"] = true
			}
			return compose.Told(w, telling(kind, i), s)
		}
	}
	all["alert.panel.missing.opened"] = lost(reports.Opened, 0, 0)
	all["alert.panel.missing.hidden"] = lost(reports.Opened, time.Minute, 0)
	all["alert.panel.missing.resolved"] = lost(reports.Resolved, 3*time.Hour, 1000*time.Hour)
	all["alert.panel.missing.believed"] = lost(reports.Resolved, 3*time.Hour, 0)
	all["alert.panel.unavailable.reminded"] = unavailable(reports.Reminded, "locked", 8*time.Hour)
	all["alert.panel.unavailable.resolved"] = unavailable(reports.Resolved, "locked", 8*time.Hour)

	for _, reason := range journal.FaultReasons() {
		all["state.fault."+string(reason)] = func(w compose.Writer) reports.Message {
			return compose.StateFault(w, string(reason), "/var/lib/domovoy/domovoy.db")
		}
		all["state.excuse."+string(reason)] = func(w compose.Writer) reports.Message { return compose.StateExcuse(w, string(reason)) }
	}
	for _, reason := range journal.OpenReasons() {
		all["state.unopened."+string(reason)] = func(w compose.Writer) reports.Message {
			return compose.StateUnopened(w, string(reason), "/var/lib/domovoy/domovoy.db")
		}
	}
	for _, e := range []compose.StateEvent{{Kind: "restored", Path: "/var/lib/domovoy/domovoy.db"}, {Kind: "renewed", Path: "/var/lib/domovoy/domovoy.db.corrupt-20261121-140500"},
		{Kind: "lost", Path: "/var/lib/domovoy/domovoy.db", Lost: 120}, {Kind: "again"},
		{Kind: "taken", Host: "bot1", Memory: ago(50 * time.Second)}, {Kind: "handed", Host: "bot1", Memory: ago(40 * time.Second)}, {Kind: "bare", Host: "bot1", Memory: ago(3 * 24 * time.Hour)}} {
		all["state."+e.Kind] = func(w compose.Writer) reports.Message { return compose.State(w, e) }
	}
	all["state.bare.first"] = func(w compose.Writer) reports.Message {
		return compose.State(w, compose.StateEvent{Kind: "bare", Host: "bot1"})
	}
	for name, faults := range map[string]int{"one": 1, "four": 4, "many": 21} {
		all["reload."+name] = func(w compose.Writer) reports.Message {
			return compose.ConfigRefused(w, slices.Repeat([]string{"14:10: alerts.quiet: …"}, faults))
		}
		all["selftest."+name] = func(w compose.Writer) reports.Message {
			bad := compose.SelfTest{Name: "chat", Of: "slack:C0123456789", Error: "not delivered", Why: "selftest.waiting", Waiting: 3}
			tests := append(slices.Repeat([]compose.SelfTest{bad}, faults-1), compose.SelfTest{Name: "state", Error: "full", Why: "state.why.full"})
			return compose.SelfTested(w, tests)
		}
	}
	for name, fault := range canaryFaults() {
		all["canary."+name] = func(w compose.Writer) reports.Message { return compose.Canary(w, fault) }
		all["canary.status."+name] = func(w compose.Writer) reports.Message {
			return compose.Status(w, nil, compose.Delivery{Canary: reports.Canary{Since: ago(90 * 24 * time.Hour), Last: ago(27 * time.Hour), Fault: fault}})
		}
		all["canary.selftest."+name] = func(w compose.Writer) reports.Message {
			alarm := compose.SelfTest{Name: "alarm", Last: ago(27 * time.Hour), Alarm: fault}
			if fault != nil {
				alarm.Error = fault.Error()
			}
			return compose.SelfTested(w, []compose.SelfTest{alarm})
		}
	}
	for name, c := range map[string]reports.Canary{"new": {Since: ago(time.Hour)}, "fine": {Since: ago(90 * 24 * time.Hour), Last: ago(5 * time.Hour)}} {
		all["canary.status."+name] = func(w compose.Writer) reports.Message {
			return compose.Status(w, nil, compose.Delivery{Canary: c})
		}
	}
	for _, step := range []reports.CanaryStep{reports.CanaryOutbox, reports.CanaryChat} {
		all["canary.lost."+string(step)] = func(w compose.Writer) reports.Message {
			return compose.CanaryLost(w, &reports.CanaryFault{Step: step, Of: "slack:C0123456789", Reason: "channel_not_found"})
		}
	}
	all["canary.digest"] = func(w compose.Writer) reports.Message {
		return compose.CanaryCarried(w, reports.Message{Language: w.Language(), Title: "…", Silent: true})
	}
	all["selftest.well"] = func(w compose.Writer) reports.Message {
		return compose.SelfTested(w, []compose.SelfTest{{Name: "state"}, {Name: "audit"}, {Name: "panel", Of: "isp1", Last: ago(5 * time.Minute)},
			{Name: "chat", Of: "telegram:-1001234567890/7", Last: ago(26 * time.Hour)}, {Name: "chat", Of: "slack:C0123456789"}})
	}
	all["selftest.ill"] = func(w compose.Writer) reports.Message {
		return compose.SelfTested(w, []compose.SelfTest{{Name: "state"}, {Name: "audit", Error: "cut", Trail: compose.AuditTrail{Kept: 15, Last: 12}},
			{Name: "panel", Of: "isp1", Error: "locked", Why: "trouble.locked", Last: ago(time.Hour)}})
	}
	stale := func(kind reports.Reason) message {
		return func(w compose.Writer) reports.Message {
			i := incident(checks.Finding{Server: "isp1", Code: checks.PanelStale, Severity: checks.Warning, Args: checks.Args{"since": ago(54 * time.Hour)}}, 3*time.Hour)
			if kind == reports.Resolved {
				i = ended(i)
			}
			return compose.Told(w, telling(kind, i), house())
		}
	}
	all["alert.panel.stale.counts"] = func(w compose.Writer) reports.Message {
		f := checks.Finding{Server: "isp1", Code: checks.PanelStale, Severity: checks.Warning, Args: checks.Args{"since": ago(54 * time.Hour), "counts": true}}
		return compose.Told(w, telling(reports.Opened, incident(f, 3*time.Hour)), house())
	}
	all["alert.panel.stale.opened"], all["alert.panel.stale.resolved"] = stale(reports.Opened), stale(reports.Resolved)

	for _, code := range []checks.Code{checks.CABlocked, checks.CAUnreachable} {
		f := checks.Finding{Check: "account", Server: "isp1", Code: code, Severity: checks.Critical, Args: checks.Args{"value": 12}}
		for _, kind := range []reports.Reason{reports.Opened, reports.Reminded, reports.Resolved} {
			all[fmt.Sprintf("alert.%s.%s", code, kind)] = func(w compose.Writer) reports.Message {
				i := incident(f, 4*time.Hour)
				if kind == reports.Resolved {
					i = ended(i)
				}
				return compose.Told(w, telling(kind, i), house())
			}
		}
	}
	all["alert.panel.unavailable.hides"] = func(w compose.Writer) reports.Message {
		t := telling(reports.Reminded, incident(checks.Finding{Server: "isp1", Code: checks.PanelUnavailable, Severity: checks.Critical, Args: checks.Args{"reason": "locked"}}, time.Hour))
		t.Hidden = []reports.Incident{incident(counted(checks.PanelFailed, checks.Critical, 92, 50), time.Hour)}
		for n := range 12 {
			t.Hidden = append(t.Hidden, incident(checks.Finding{Server: "isp1", Site: site(n), Code: checks.CertExpired, Severity: checks.Critical}, time.Hour))
		}
		return compose.Told(w, t, house())
	}
	down := checks.Finding{Check: "account", Server: "isp1", Code: checks.CADown, Severity: checks.Critical, Args: checks.Args{"value": 41, "owners": 17, "since": ago(40 * time.Minute)}}
	for _, reason := range []reports.Reason{reports.Opened, reports.Resolved} {
		all[fmt.Sprintf("alert.ca.down.%s", reason)] = func(w compose.Writer) reports.Message {
			i := incident(down, time.Hour)
			if reason == reports.Resolved {
				i = ended(i)
			}
			return compose.Told(w, telling(reason, i), house())
		}
	}
	for cause, tld := range map[checks.BlindCause]string{checks.BlindResolver: "", checks.BlindNetwork: "", checks.BlindRegistry: "ru"} {
		f := blinded(cause, tld)
		for _, kind := range []reports.Reason{reports.Opened, reports.Resolved} {
			all[fmt.Sprintf("alert.blind.%s.%s", cause, kind)] = func(w compose.Writer) reports.Message {
				i := incident(f, 4*time.Hour)
				if kind == reports.Resolved {
					i = ended(i)
				}
				return compose.Told(w, telling(kind, i), house())
			}
		}
	}
	all["storm"] = func(w compose.Writer) reports.Message { return stormy(w) }
	all["baseline"] = func(w compose.Writer) reports.Message {
		return compose.Baseline(w, troubledHouse(checks.CADNS, checks.CADNS, checks.CADNS, checks.CAUnauthorized, checks.CAUnauthorized,
			checks.CAConnection, checks.CertExpired, checks.CertOverdue, checks.CARemote, checks.CACAA, checks.CARejected))
	}
	all["greeting"] = func(w compose.Writer) reports.Message {
		return compose.Greeting(w, troubledHouse(checks.CADNS, checks.CADNS, checks.CertExpired), w.Now.AddDate(0, -2, 0))
	}
	all["baseline.more"] = func(w compose.Writer) reports.Message {
		var changes []reports.Change
		for n, code := range []checks.Code{checks.CertOverdue, checks.CertMissing, checks.CertOverdue} {
			f := checks.Finding{Server: "isp1", Site: site(n), Code: code, Severity: code.Severity()}
			changes = append(changes, reports.Change{Kind: reports.Baseline, Incident: incident(f, 0)})
		}
		return begun(w, troubledHouse(checks.CertOverdue, checks.CertMissing, checks.CertOverdue), changes, "certificate", "renewal")
	}
	all["baseline.more.live"] = func(w compose.Writer) reports.Message {
		f := checks.Finding{Server: "isp1", Site: "shop.ru", Code: checks.DNSElsewhere, Severity: checks.Warning}
		changes := []reports.Change{{Kind: reports.Baseline, Incident: incident(f, 0)}}
		return begun(w, troubledHouse(checks.DNSElsewhere), changes, append(slices.Clone(suite.ProbeChecks()), acme.EgressCheck, dns.BlocklistCheck)...)
	}
	all["baseline.healthy"] = func(w compose.Writer) reports.Message {
		s := house()
		s.Snapshot.Sites = s.Snapshot.Sites[:21]
		s.Readings = readings(0, 0, 0, 0)
		return compose.Baseline(w, s)
	}
	return all
}

// troubledHouse is a server with a site of each cause.
func troubledHouse(codes ...checks.Code) reports.Server {
	var open []reports.Incident
	for n, code := range codes {
		open = append(open, incident(checks.Finding{Server: "isp1", Site: site(n), Code: code, Severity: code.Severity()}, 0))
	}
	return troubledBy(house(), open)
}

// nameCases are alerts of one code for one or several names of a server.
func nameCases() map[string]message {
	all := map[string]message{}
	for _, code := range []checks.Code{checks.CertExpired, checks.CertExpiring, checks.CertOverdue, checks.CertMissing, checks.CertUntrusted, checks.CertNotYet,
		checks.CertKeyMismatch, checks.CertNotInstalled, checks.CertName} {
		args := map[checks.Code]checks.Args{
			checks.CertMissing: {"certificate": "shop.ru_le3"}, checks.CertUntrusted: {"issuer": "shop.ru"},
			checks.CertKeyMismatch: {"reason": "key"}, checks.CertNotInstalled: {"issued": ago(9 * day)}, checks.CertName: {"asked": "shop.ru"}, checks.CertExpired: {"at": ago(30 * time.Minute)},
		}[code]
		if args == nil {
			args = checks.Args{"at": ago(-2 * day)}
		}
		incidents := func(n int) (all []reports.Incident) {
			for n := range n {
				all = append(all, incident(checks.Finding{Server: "isp1", Site: site(n + 1), Code: code, Severity: code.Severity(), Args: args},
					time.Duration(n+1)*7*time.Hour))
			}
			return all
		}
		for _, n := range []int{1, 3, 21, 400} {
			if n > 3 && code != checks.CertExpired {
				continue // long ones differ by their first line only
			}
			name := fmt.Sprintf("names.%s.%d", code, n)
			all[name] = func(w compose.Writer) reports.Message {
				return compose.Told(w, telling(reports.Opened, incidents(n)...), house())
			}
			if n < 21 {
				all["over."+name] = func(w compose.Writer) reports.Message {
					over := incidents(n)
					for i := range over {
						over[i] = ended(over[i])
					}
					return compose.Told(w, telling(reports.Resolved, over...), house())
				}
			}
		}
	}
	return all
}

// outwardCases are alerts of a server that cannot reach the CA or is on a block
// list.
func outwardCases() map[string]message {
	all := map[string]message{}
	listed := checks.Finding{Check: dns.BlocklistCheck, Server: "isp1", Code: checks.DNSBLListed, Severity: checks.Warning,
		Args: checks.Args{"address": "203.0.113.10", "lists": "zen.spamhaus.org, bl.example.net", "count": 2, "reason": "https://check.spamhaus.org/query/ip/203.0.113.10"}}
	alike := func(code checks.Code, more checks.Args) checks.Finding {
		f := checks.Finding{Check: "alike", Server: "isp1", Name: "203.0.113.10", Code: code, Severity: checks.Critical,
			Args: checks.Args{"value": 1204, "owners": 311, "address": "203.0.113.10", "port": 80, checks.WhoArg: "us"}}
		maps.Copy(f.Args, more)
		return f
	}
	findings := map[string]checks.Finding{"dnsbl.listed": listed, "alike.refused": alike(checks.WebRefused, nil),
		"fleet.split":    quorum.Odd{From: checks.Vantage{Name: "mow1", Network: "AS64501", Country: "ru"}, Names: 3412, Alone: 3398}.Finding("isp1"),
		"alike.redirect": alike(checks.WebRedirect, nil), "alike.one": alike(checks.WebTimeout, checks.Args{"value": 21, "owners": 21})}
	for stage, f := range seenEgress() {
		findings["egress."+stage] = f
	}
	for name, f := range findings {
		for _, kind := range []reports.Reason{reports.Opened, reports.Reminded, reports.Resolved} {
			all[fmt.Sprintf("alert.%s.%s", name, kind)] = func(w compose.Writer) reports.Message {
				i := incident(f, 4*time.Hour)
				if kind == reports.Resolved {
					i = ended(i)
				}
				return compose.Told(w, telling(kind, i), house())
			}
		}
	}
	return all
}

// replayCases are the alerts that today's thresholds would have sent.
func replayCases() map[string]message {
	episodes := []reports.Episode{
		{Server: "isp1", Code: checks.PanelProcessing, From: ago(22 * day), Until: ago(22*day - 161*time.Minute), Peak: 163, Worst: checks.Critical, Messages: make([]reports.EpisodeMessage, 3)},
		{Server: "isp2", Code: checks.PanelProcessing, From: ago(9 * day), Until: ago(9*day - 35*time.Minute), Peak: 71, Worst: checks.Warning, Messages: make([]reports.EpisodeMessage, 2)},
		{Server: "isp1", Code: checks.PanelFailed, From: ago(5 * time.Hour), Peak: 52, Worst: checks.Critical, Messages: make([]reports.EpisodeMessage, 1)},
	}
	replay := func(r compose.ReplayResult) message {
		return func(w compose.Writer) reports.Message { return compose.Replay(w, r) }
	}
	return map[string]message{
		"replay":         replay(compose.ReplayResult{Days: 30, Since: ago(30 * day), Episodes: episodes}),
		"replay.once":    replay(compose.ReplayResult{Days: 30, Since: ago(30 * day), Episodes: episodes[:1]}),
		"replay.day":     replay(compose.ReplayResult{Days: 1, Since: ago(30 * day), Episodes: episodes[2:]}),
		"replay.calm":    replay(compose.ReplayResult{Days: 30, Since: ago(12 * day)}),
		"replay.nothing": replay(compose.ReplayResult{Days: 30}),
	}
}

// blinded is what a sweep says that could see nothing.
func blinded(cause checks.BlindCause, tld string) checks.Finding {
	f := checks.Finding{Check: "control", Server: "isp1", Code: checks.Unknown, Severity: checks.Warning, Args: checks.Args{"blind": string(cause), "since": ago(4 * time.Hour)}}
	if tld != "" {
		f.Args["tld"], f.Args[checks.WhoArg] = tld, string(checks.Nobody)
	}
	return f
}

// begun is the summary of checks that run for the first time.
func begun(w compose.Writer, s reports.Server, changes []reports.Change, names ...string) reports.Message {
	m, _ := compose.Begun(w, s, changes, reports.Beginning{Checks: names})
	return m
}

// telling is a telling about a problem that has these incidents, at least one.
func telling(reason reports.Reason, incidents ...reports.Incident) reports.Telling {
	first := incidents[0]
	p := reports.Problem{ID: 12, Key: reports.ProblemKey(first.Finding), Server: first.Finding.Server, Cause: first.Finding.Code, Opened: first.Times.Opened}
	for _, i := range incidents {
		p.Worst, p.Peak = max(p.Worst, i.Worst), max(p.Peak, i.Peak)
		if i.Times.Opened.Before(p.Opened) {
			p.Opened = i.Times.Opened
		}
	}
	p.Told = reports.Told{Reason: reason, Severity: p.Worst, Value: max(p.Peak, len(incidents)), At: now}
	if reason == reports.Resolved {
		p.Resolved = now
	}
	return reports.Telling{Reason: reason, Problem: p, Incidents: incidents, Fresh: incidents}
}

// stormy is the message about many sites at once, of four causes and several owners.
func stormy(w compose.Writer) reports.Message {
	s := house()
	var broken []reports.Incident
	for n := range 2000 {
		x := &checks.Site{Server: "isp1", Name: site(n), Owner: fmt.Sprintf("client%d", n%7%3)}
		s.Subjects = append(s.Subjects, checks.Subject{Site: x})
		if n < 321 {
			code := []checks.Code{checks.DNSElsewhere, checks.WebTimeout, checks.CertExpired, checks.DNSElsewhere, checks.CAConnection}[n%5]
			broken = append(broken, incident(checks.Finding{Server: "isp1", Site: x.Name, Code: code, Severity: checks.Warning}, 0))
		}
	}
	t := telling(reports.Opened, broken...)
	t.Problem.Cause, t.Problem.Told.Value = reports.StormCause, len(broken)
	return compose.Told(w, t, s)
}

// canaryFaults are where a test alarm can fail before its messages.
func canaryFaults() map[string]*reports.CanaryFault {
	return map[string]*reports.CanaryFault{
		"well":  nil,
		"panel": {Step: reports.CanaryPanel, Of: "isp1", Reason: "permission"},
		"rule":  {Step: reports.CanaryRule},
		"alert": {Step: reports.CanaryAlert, Of: "slack:C0123456789"},
	}
}
