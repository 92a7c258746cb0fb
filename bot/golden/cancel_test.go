package golden

import (
	"context"
	"log/slog"
	"time"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// cancelCases follow a cancellation: reading, the plan with its price, the
// confirmations, the progress, the result, and the audit log.
func cancelCases() map[string]message {
	all := map[string]message{
		"cancel.reading": func(w compose.Writer) reports.Message { return compose.Reading(w, compose.ReadProgress{}) },
		"cancel.reading.so": func(w compose.Writer) reports.Message {
			return compose.Reading(w, compose.ReadProgress{Server: "isp1", Done: 1200, Total: 3000, Task: 12})
		},
		"cancel.begun": func(w compose.Writer) reports.Message { return compose.Confirmed(w, "7f3a") },
		"cancel.first": func(w compose.Writer) reports.Message {
			return compose.ConfirmedFirst(w, compose.Confirmation{Plan: "7f3a", Name: "Анна", Left: 8 * time.Minute})
		},
		"cancel.progress": func(w compose.Writer) reports.Message {
			return compose.Cancelling(w, compose.CancelProgress{Task: 12, Done: 1240, Total: 3000, Rest: 6 * time.Minute})
		},
		"cancel.waits.busy":    waits(true),
		"cancel.waits.offline": waits(false),
		"cancel.done":          cancelled(compose.CancelResult{Servers: []string{"isp1"}, Known: true, Deactivated: 14, Price: 14}),
		"cancel.done.one":      cancelled(compose.CancelResult{Servers: []string{"isp1"}, Known: true, Deactivated: 1, Price: 1}),
		"cancel.done.some":     cancelled(someCancelled()),
		"cancel.done.unknown":  cancelled(compose.CancelResult{Servers: []string{"isp1"}, Deactivated: 3, Price: 3}),
		"cancel.stopped":       cancelled(compose.CancelResult{Servers: []string{"isp1"}, Known: true, Stopped: true, Deactivated: 122, Left: 378, Price: 122}),
		"stop.soon":            func(w compose.Writer) reports.Message { return compose.StopTask(w, "12", true) },
		"stop.over":            func(w compose.Writer) reports.Message { return compose.StopTask(w, "12", false) },
		"task.stopped":         func(w compose.Writer) reports.Message { return compose.Stopped(w) },
		"task.turn":            func(w compose.Writer) reports.Message { return compose.Refusal(w, w.Say("task.turn")) },
	}
	for name, p := range map[string]compose.OrderPlan{
		"priced":  {ID: "7f3a", Names: []string{"shop.ru", "www.shop.ru", "xn--e1afmkfd.xn--p1ai", "blog.ru"}, Orders: 2, CA: "Let’s Encrypt", Limit: 300, Window: 3 * time.Hour, Lives: 10 * time.Minute},
		"unknown": {ID: "7f3a", Names: []string{"shop.ru"}, Orders: 1, Lives: 10 * time.Minute},
	} {
		all["probe."+name] = func(w compose.Writer) reports.Message { return compose.AskToOrder(w, p) }
	}
	for name, p := range plans() {
		all["cancel.plan."+name] = func(w compose.Writer) reports.Message { return compose.AskToCancel(w, p) }
	}
	for name, a := range audits() {
		all["audit."+name] = func(w compose.Writer) reports.Message { return compose.Audit(w, a) }
		all["audit.verify."+name] = func(w compose.Writer) reports.Message { return compose.AuditVerified(w, a) }
	}
	for key, args := range planRefusals() {
		all[key] = func(w compose.Writer) reports.Message {
			m, _ := bot.Explain(context.Background(), slog.New(slog.DiscardHandler), &bot.Refusal{Key: key, Args: args}, bot.Request{Locale: w.Locale, Now: w.Now})
			return m
		}
	}
	return all
}

func waits(busy bool) message {
	return func(w compose.Writer) reports.Message {
		return compose.CancelWaits(w, compose.CancelProgress{Task: 12, Done: 40, Total: 300, Until: now.Add(35 * time.Minute), Busy: busy})
	}
}

func cancelled(r compose.CancelResult) message {
	return func(w compose.Writer) reports.Message { return compose.Cancelled(w, r) }
}

// someCancelled is a result with every reason to skip and to fail.
func someCancelled() compose.CancelResult {
	return compose.CancelResult{Servers: []string{"isp1", "isp2"}, Known: true, Deactivated: 20, Skipped: 9, Price: 22,
		Why: map[string]int{"valid": 1, "invalid": 1, "deactivated": 1, "expired": 1, "gone": 1, "foreign": 1, "pace": 2, "revoked": 1},
		Failed: []compose.CancelFailed{
			{Name: "shop.ru", Why: "server"}, {Name: "*.xn--e1afmkfd.xn--p1ai", Why: "refused", Detail: " 400 malformed"},
			{Name: "blog.ru", Why: "unchanged"}, {Name: "old.ru", Why: "mystery"},
		}}
}

// plans are plans with a price, without one, and with every obstacle.
func plans() map[string]compose.CancelPlan {
	price := compose.CancelPrice{CA: "Let’s Encrypt", Known: true, Charged: true, Limit: 5, Window: time.Hour}
	names := []compose.CancelName{
		{Name: "shop.ru", Owner: "client17", N: 2, Cost: 2, Expires: now.Add(5 * 24 * time.Hour)},
		{Name: "*.xn--e1afmkfd.xn--p1ai", N: 1, Cost: 1},
	}
	server := compose.CancelServer{Name: "isp1", Account: "https://acme-v02.api.letsencrypt.org/acme/acct/1234567", Items: 3, Pending: 3, Price: price, Names: names}
	with := func(change func(*compose.CancelServer)) compose.CancelServer {
		s := server
		change(&s)
		return s
	}
	one := func(p compose.CancelPlan, change func(*compose.CancelServer)) compose.CancelPlan {
		p.Servers = []compose.CancelServer{with(change)}
		return p
	}
	ready := compose.CancelPlan{ID: "7f3a", Lives: 10 * time.Minute, Asked: true}
	empty := func(key, hint string) func(*compose.CancelServer) {
		return func(s *compose.CancelServer) { s.Items, s.Pending, s.Names, s.Key, s.Hint = 0, 0, nil, key, hint }
	}
	second := ready
	second.NeedsSecond = true
	valid := ready
	valid.Valid = true
	all := map[string]compose.CancelPlan{
		"priced": one(ready, func(s *compose.CancelServer) {
			s.Left = compose.CancelLeft{Final: 3, Foreign: 2, Later: 4, Unread: 5, Hidden: 6}
			s.Valid, s.Busy = 7, 1
			s.Names = append([]compose.CancelName{{Name: "blog.ru", N: 1, Cost: 1, Used: 3}}, names...)
		}),
		"unpriced": one(ready, func(s *compose.CancelServer) {
			s.Price = compose.CancelPrice{Charged: true}
			s.Names = names[1:]
			s.Items, s.Pending = 1, 1
		}),
		"free": one(valid, func(s *compose.CancelServer) {
			s.Pending, s.Valid, s.Items = 0, 2, 2
			s.Names = []compose.CancelName{{Name: "shop.ru", N: 2, Expires: now.Add(20 * 24 * time.Hour)}}
		}),
		"node": one(compose.CancelPlan{ID: "7f3a", Lives: 10 * time.Minute, Asked: true, Place: "isp1/node2", Node: "node2"}, func(s *compose.CancelServer) {
			s.Left = compose.CancelLeft{Final: 3, Elsewhere: 11}
		}),
		"two": {ID: "7f3a", Lives: 10 * time.Minute, NeedsSecond: true, Servers: []compose.CancelServer{server, with(func(s *compose.CancelServer) { s.Name = "isp2" })}},
	}
	for _, key := range []string{"none", "missing", "denied", "open", "unusable"} {
		p := ready
		p.ID = ""
		all["key."+key] = one(p, func(s *compose.CancelServer) { s.Key = key })
	}
	for _, hint := range []string{"not_logged", "no_files", "unreadable", "nothing_new"} {
		p := ready
		p.ID = ""
		all["nothing."+hint] = one(p, empty("none", hint))
	}
	return all
}

func audits() map[string]compose.AuditTrail {
	acts := []reports.Act{
		{At: now.Add(-time.Hour), Who: "Анна (telegram:42)", Command: "cancel authz plan=7f3a isp1 shop.ru", Result: "done deactivated=2 skipped=0 failed=0 left=0 price=2"},
		{At: now.Add(-50 * time.Hour), Who: "slack:T012345:U0123456", Command: "confirm 7f3a", Result: "not_allowed"},
	}
	results := []string{"done deactivated=14 skipped=3 failed=2 left=0 price=16", "stopped deactivated=1 skipped=0 failed=0 left=499 price=1 confirmed=slack:T012345:U0123456",
		"done deactivated=0 skipped=1 failed=0 left=0 price=0", "a word\x1b[31m of another version"}
	for _, r := range bot.Results() {
		results = append(results, r.String())
	}
	every := make([]reports.Act, len(results))
	for i, result := range results {
		every[i] = reports.Act{At: now.Add(-time.Hour), Who: "Анна (telegram:42)", Command: "confirm 7f3a", Result: result}
	}
	head := "3b1c9a6d0e5f47281122334455667788"
	return map[string]compose.AuditTrail{
		"whole":  {Acts: acts, Entries: 1204, Head: head},
		"one":    {Name: "shop.ru", Acts: acts[:1], Entries: 1, Head: head},
		"none":   {},
		"clean":  {Name: "shop.ru", Entries: 12, Head: head},
		"every":  {Acts: every, Entries: len(every), Head: head},
		"broken": {Acts: acts, Entries: 12, Broken: 13},
		"cut":    {Acts: acts, Entries: 12, Kept: 15, Last: 12},
		"gap":    {Acts: acts, Entries: 14, Kept: 16, Last: 12, Next: 17},
	}
}

// planRefusals are the arguments of the refusals to plan or to confirm, by key.
func planRefusals() map[string]i18n.Args {
	at := now.Add(35 * time.Minute)
	plan := i18n.Args{"Plan": "7f3a", "Name": "Анна", "Age": 10 * time.Minute, "N": 1, "Total": 14}
	return map[string]i18n.Args{
		"refusal.plan.unknown": plan, "refusal.plan.used": plan, "refusal.plan.expired": plan, "refusal.plan.person": plan,
		"refusal.plan.chat": plan, "refusal.plan.second": plan, "refusal.plan.changed": plan,
		"refusal.noca": nil, "refusal.otherca": {"URL": "https://acme.example/acme/authz/1/2"},
		"refusal.ca.key": {"Server": "isp1"}, "refusal.ca.busy": {"Server": "isp1", "Until": at},
		"refusal.ca.problem": {"Server": "isp1", "Status": 403, "Type": "unauthorized", "Detail": "Account is not valid, has status \"deactivated\""},
		"refusal.ca.silent":  {"Server": "isp1", "Reason": "connect: connection refused"},
		"refusal.ca.unread":  {"Server": "isp1", "N": 3},
		"refusal.task":       {"Task": "12"}, "refusal.stop": {"Name": "Анна", "Needs": "administrator"},
		"usage.probe": {"Most": 10}, "usage.cancel": nil, "usage.confirm": nil, "usage.stop": nil, "usage.audit": nil,
	}
}
