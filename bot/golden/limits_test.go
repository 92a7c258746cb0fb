package golden

import (
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// budget has the given number of tokens left; one more is regained after next.
func budget(code, subject string, left, limit int, next time.Duration) checks.Budget {
	b := checks.Budget{Code: code, Server: "isp1", Subject: subject, Left: left, Used: limit - left, Limit: limit}
	if left < limit {
		b.Refill, b.Full = now.Add(next), now.Add(next*time.Duration(limit-left))
	}
	return b
}

// foreseen is a forecast for a site, or for the account.
func foreseen(code checks.Code, site string, args checks.Args) checks.Finding {
	f := checks.Finding{Check: "budget", Server: "isp1", Site: site, Code: code, Severity: code.Severity(), Args: args}
	return f
}

func runsOut() checks.Finding {
	return foreseen(checks.CABudget, "", checks.Args{"limit": "new_orders", "used": 212, "size": 300, "rate": 260, "at": now.Add(33 * time.Minute)})
}

func goneAlready() checks.Finding {
	return foreseen(checks.CABudget, "", checks.Args{"limit": "new_orders", "used": 300, "size": 300, "rate": 410, "refill": now.Add(30 * time.Second)})
}

// ruleChange is an entry of the CA's calendar.
func ruleChange() reports.RuleChange {
	return reports.RuleChange{CA: "Let’s Encrypt", Date: time.Date(2027, 2, 10, 0, 0, 0, 0, time.UTC), Text: map[string]string{
		"en": "Let’s Encrypt certificates will be good for 64 days",
		"ru": "сертификаты Let’s Encrypt будут действовать 64 дня"}}
}

// calmLimits is an account far from its limits.
func calmLimits() compose.AccountLimits {
	change := ruleChange()
	return compose.AccountLimits{Server: "isp1", Next: &change,
		Quota: reports.Quota{CA: "Let’s Encrypt", Account: []checks.Budget{budget("new_orders", "", 259, 300, 20*time.Second)}}}
}

func shortLimits(f checks.Finding, left int) compose.AccountLimits {
	l := calmLimits()
	l.Quota.Account = []checks.Budget{budget("new_orders", "", left, 300, 20*time.Second)}
	domain, set := budget("certificates_per_domain", "shop.ru", 3, 50, 2*time.Hour), budget("certificates_per_set", "xn--e1afmkfd.xn--p1ai,www.xn--e1afmkfd.xn--p1ai,a.ru,b.ru", 0, 5, 30*time.Hour)
	failed := budget("failed_authorizations", site(3), 2, 5, 12*time.Minute)
	domain.AtMost, domain.Why, set.AtMost, set.Why, failed.AtLeast, failed.Why = true, "accounts", true, "accounts", true, "failures"
	l.Scarce = []checks.Budget{set, failed, domain, budget("certificates_per_domain", "rich.ru", 44, 50, time.Hour)}
	l.Coming = []checks.Finding{f,
		foreseen(checks.CAPausing, site(4), checks.Args{"at": now.Add(21 * day), "failures": 600, "lately": 59}),
		foreseen(checks.CAPausing, site(5), checks.Args{"at": now.Add(2 * day), "failures": 1100, "lately": 60}),
		foreseen(checks.CAZombie, site(6), checks.Args{"failures": 1204, "since": ago(300 * day)})}
	l.Paused, l.Ordering = 2, 104
	l.Quota.Account[0].Renewals, l.Quota.Account[0].Window = 23, 3*time.Hour
	for n := range 30 { // one in six fails, one day was bad, one day without an attempt
		d := reports.IssuanceDay{From: ago(time.Duration(29-n)*day + 13*time.Hour), Attempts: 60 + n, Failed: 10, Recovered: n % 2}
		switch n {
		case 17:
			d.Failed = 55
		case 20:
			d = reports.IssuanceDay{From: d.From}
		}
		l.Issuance = append(l.Issuance, d)
	}
	return l
}

// limitCases are the CA's limits: what is left, what a re-issue costs, and what
// the CA will change.
func limitCases() map[string]message {
	limits := func(all ...compose.AccountLimits) message {
		return func(w compose.Writer) reports.Message { return compose.Limits(w, all) }
	}
	other := calmLimits()
	other.Server, other.Next = "isp2", nil
	reissue := func(servers ...reports.ReissueServer) message {
		return func(w compose.Writer) reports.Message {
			return compose.Reissue(w, compose.ReissuePlan{Servers: servers})
		}
	}
	whole := reports.ReissueServer{Server: "isp1", Pass: make([]checks.Site, 1200), Unknown: 6, Unseen: 21, Oldest: ago(5*time.Hour + 12*time.Minute),
		Causes: map[checks.Code]int{checks.DNSElsewhere: 52, checks.DNSUnregistered: 19, checks.WebTimeout: 14, checks.DNSCAA: 1},
		Price: checks.Price{Known: true, Orders: 1200, Renewals: 941, Spend: 259, Takes: 7*time.Hour + 30*time.Minute,
			Domains: []checks.DomainPrice{{Domain: "shop.ru", Orders: 61, Left: 44}}, Waiting: []checks.Budget{budget("certificates_per_set", site(2), 0, 5, 20*time.Hour)}}}
	one := reports.ReissueServer{Server: "isp1", Pass: make([]checks.Site, 1), Causes: map[checks.Code]int{}, Unseen: 1, Price: checks.Price{Known: true, Orders: 1, Spend: 1}}
	down := one
	down.Down = true
	strange := one
	strange.Price = checks.Price{Orders: 1}
	all := map[string]message{
		"limits.calm":    limits(calmLimits(), other),
		"limits.node":    limits(compose.AccountLimits{Server: "isp1", Place: "isp1/node2", Quota: calmLimits().Quota}),
		"limits.short":   limits(shortLimits(runsOut(), 88)),
		"limits.gone":    limits(shortLimits(goneAlready(), 0)),
		"limits.unknown": limits(compose.AccountLimits{Server: "isp1", Paused: 4}, compose.AccountLimits{Server: "isp2", Trouble: "locked"}),
		"reissue":        reissue(whole), "reissue.one": reissue(one), "reissue.down": reissue(down), "reissue.unknown": reissue(strange), "reissue.none": reissue(),
		"calendar": func(w compose.Writer) reports.Message { return compose.Announce(w, []reports.RuleChange{ruleChange()}) },
		"daily.limits": func(w compose.Writer) reports.Message {
			s := house()
			s.Quota = shortLimits(runsOut(), 88).Quota
			s.Outcome.Findings = append(shortLimits(runsOut(), 88).Coming[1:], foreseen(checks.CAPaused, site(9), nil))
			for _, f := range s.Outcome.Findings {
				s.Subjects = append(s.Subjects, checks.Subject{Site: &checks.Site{Server: "isp1", Name: f.Site}})
			}
			return compose.Daily(w, reports.Day{Servers: []reports.Server{s}, Open: []reports.Incident{incident(goneAlready(), time.Hour), incident(checks.Finding{Server: "isp1", Site: site(2), Code: checks.CADNS, Severity: checks.Warning}, time.Hour)}, From: ago(day), Begun: ago(90 * day), Coming: []reports.RuleChange{ruleChange()}})
		},
	}
	for kind, f := range map[string]checks.Finding{"runsout": runsOut(), "gone": goneAlready()} {
		for _, change := range []reports.Reason{reports.Opened, reports.Reminded, reports.Resolved} {
			all["alert.ca.budget."+kind+"."+string(change)] = func(w compose.Writer) reports.Message {
				i := incident(f, 2*time.Hour)
				if change == reports.Resolved {
					i = ended(i)
				}
				return compose.Told(w, telling(change, i), house())
			}
		}
	}
	pausing := checks.Finding{Check: "budget", Server: "isp1", Code: checks.CAPausing, Severity: checks.Warning,
		Args: checks.Args{"value": 3, "at": ago(-3 * day), "name": "shop.ru", "failures": 940, "lately": 60}}
	refused := checks.Finding{Check: "account", Server: "isp1", Code: checks.CABudget, Severity: checks.Critical,
		Args: checks.Args{"value": 41, "refill": now.Add(95 * time.Minute)}}
	known := refused
	known.Args = checks.Args{"value": 41, "refill": now.Add(95 * time.Minute), "used": 300, "size": 300, "rate": 120}
	for name, f := range map[string]checks.Finding{"pausing": pausing, "budget.refused": refused, "budget.counted": known} {
		for _, reason := range []reports.Reason{reports.Opened, reports.Resolved} {
			all["alert.ca."+name+"."+string(reason)] = func(w compose.Writer) reports.Message {
				i := incident(f, 2*time.Hour)
				if reason == reports.Resolved {
					i = ended(i)
				}
				return compose.Told(w, telling(reason, i), house())
			}
		}
	}
	all["alert.panel.processing.limit"] = func(w compose.Writer) reports.Message {
		f := counted(checks.PanelProcessing, checks.Critical, 127, 100)
		s := troubled(f)
		s.Outcome.Findings = append(s.Outcome.Findings, runsOut())
		return compose.Told(w, telling(reports.Opened, incident(f, 0)), s)
	}
	return all
}
