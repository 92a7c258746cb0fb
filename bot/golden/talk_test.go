package golden

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/people"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// talkCases are help, answers about the bot itself, and refusals.
func talkCases() map[string]message {
	var topics []string
	all := map[string]message{
		"whoami": func(w compose.Writer) reports.Message {
			return compose.Whoami(w, compose.Person{ID: "telegram:123456789", Role: "operator", Chat: "telegram:-1001234567890/7"})
		},
		"lang": func(w compose.Writer) reports.Message { return compose.LanguageSet(w) },
		"help": func(w compose.Writer) reports.Message { return compose.Help(w, topics, false) },
		"help.console": func(w compose.Writer) reports.Message {
			return compose.Help(w, topics, true)
		},
		"again": func(w compose.Writer) reports.Message {
			return compose.Again(w, stormy(w))
		},
	}
	bundle, err := catalogs()
	if err != nil {
		panic(err)
	}
	list := commands.New(commands.Parts{People: people.New(bot.Audience{Bundle: bundle}, nil)}).List()
	for _, c := range list {
		t := c.Name
		topics = append(topics, t)
		all["help."+c.Name] = func(w compose.Writer) reports.Message { return compose.HelpTopic(w, t) }
	}
	for _, code := range []checks.Code{checks.WebBlocked, checks.CARateLimited, checks.OK} {
		all["help.code."+string(code)] = func(w compose.Writer) reports.Message { return compose.HelpCode(w, code) }
	}
	for key, args := range refusals() {
		all[key] = func(w compose.Writer) reports.Message {
			args := maps.Clone(args)
			for name, v := range args {
				if role, ok := v.(bot.Role); ok { // roles are named in the reader's language
					args[name] = w.Say("role." + role.String())
				}
			}
			return declined(w, &bot.Refusal{Key: key, Args: args})
		}
	}
	for _, c := range list {
		if c.Role > bot.Viewer {
			all["refusal.role."+c.Name] = func(w compose.Writer) reports.Message {
				return declined(w, bot.NotAllowed(bot.Request{Locale: w.Locale, Role: bot.Viewer}, c.Name, c.Role))
			}
		}
	}
	all["refusal.role.this"] = func(w compose.Writer) reports.Message {
		return declined(w, bot.NotAllowed(bot.Request{Locale: w.Locale, Role: bot.Viewer}, "a command to come", bot.Admin))
	}
	all["refusal.role.lang"] = func(w compose.Writer) reports.Message {
		return declined(w, bot.NotAllowed(bot.Request{Locale: w.Locale, Role: bot.Viewer}, "lang", bot.Operator))
	}
	all["refusal.offers"] = func(w compose.Writer) reports.Message {
		refusal := &bot.Refusal{Key: "usage.kind"}
		for n, kind := range reports.Lists() {
			if reports.SinceYesterday(kind) || kind == "sites" {
				continue
			}
			refusal.Offers = append(refusal.Offers, reports.Action{Command: "list " + kind,
				Label: w.Say("cause.count", i18n.Args{"What": w.Say("list.label." + kind), "N": 96 - 6*n})})
		}
		return declined(w, refusal)
	}
	all["refusal.languages"] = func(w compose.Writer) reports.Message {
		return declined(w, &bot.Refusal{Key: "usage.lang", Args: i18n.Args{"Languages": "en, ru"}, Offers: []reports.Action{{Label: w.Say("lang.name"), Command: "lang " + w.Language()}}})
	}
	all["help.quit"] = func(w compose.Writer) reports.Message { return compose.HelpTopic(w, "quit") }
	for _, role := range []bot.Role{bot.Stranger, bot.Viewer, bot.Operator, bot.Admin} {
		all["whoami."+role.String()] = func(w compose.Writer) reports.Message {
			return compose.Whoami(w, compose.Person{ID: "slack:T012345:U0123456", Role: role.String(), Chat: "slack:D0123456"})
		}
	}
	return all
}

// declined is a refusal as the one who asked reads it.
func declined(w compose.Writer, refusal *bot.Refusal) reports.Message {
	m, _ := bot.Explain(context.Background(), slog.New(slog.DiscardHandler), refusal, bot.Request{Locale: w.Locale, Now: w.Now})
	return m
}

// refusals are the arguments of all other refusals and hints, by key.
func refusals() map[string]i18n.Args {
	return map[string]i18n.Args{
		"usage.chart":             {"Word": "faild"},
		"usage.chartword":         {"Word": "often"},
		"usage.chartnode":         {"Word": "isp1/node2"},
		"usage.charttime":         {"Word": "3h"},
		"refusal.command":         {"Command": "cancel"},
		"refusal.nearest":         {"Command": "statsu", "Near": "status"},
		"refusal.nobody":          nil,
		"refusal.share":           nil,
		"refusal.shared":          {"ID": 9},
		"usage.share":             {"Word": "chek"},
		"refusal.revoke":          nil,
		"refusal.stranger":        {"Person": "telegram:123456789", "Chat": "telegram:-1001234567890"},
		"refusal.internal":        {"Reference": "7f3a"},
		"refusal.site":            {"Name": "пример.рф (xn--e1afmkfd.xn--p1ai)"},
		"refusal.dark":            {"Name": "shop.ru", "Servers": []string{"isp2", "isp3"}},
		"refusal.unknown.server":  {"Word": "isp9", "Servers": "isp1, isp2"},
		"refusal.unknown.cause":   {"Word": "ca.dsn", "Servers": "isp1, isp2"},
		"refusal.unknown.owner":   {"Word": "client[", "Servers": "isp1, isp2"},
		"usage.nowords":           {"Typed": "whoami", "Word": "isp1"},
		"refusal.similar":         {"Name": "shpo.ru", "Similar": []string{"shop.ru", "shop2.ru"}},
		"refusal.name":            {"Word": "not a name"},
		"refusal.button":          nil,
		"refusal.slow":            nil,
		"refusal.toomany":         nil,
		"refusal.sweep":           {"Name": "Анна", "Task": "12"},
		"refusal.doubt":           nil,
		"refusal.offline":         nil, // a sweep's answer if this host has no network
		"usage.handto":            nil,
		"usage.page":              {"Word": "two"},
		"usage.list":              {"Word": "faild"},
		"usage.kind":              nil,
		"usage.domain":            {"Command": "check"},
		"usage.report":            {"Word": "monthly"},
		"refusal.noweek":          {"Word": "2026-W40"},
		"refusal.nodrop":          {"Word": "2026-W40", "Last": "2026-W46"},
		"usage.week":              {"Word": "2026-46"},
		"usage.status":            {"Word": "now"},
		"usage.weeklist":          {"Word": "call"},
		"usage.weeknode":          {"Word": "server=isp1/node2"},
		"usage.future":            {"Word": "2026-W52"},
		"usage.lang":              {"Languages": "en, ru"},
		"usage.plan":              nil,
		"usage.ack":               {"Word": "x"},
		"usage.hand":              nil,
		"usage.escalate":          nil,
		"usage.unsilence":         {"Word": "x"},
		"usage.silence.about":     {"Word": "x"},
		"usage.silence.end":       nil,
		"usage.silence.reason":    nil,
		"usage.silence.time":      {"Word": "25:00"},
		"usage.silence.long":      {"Most": 90 * 24 * time.Hour},
		"refusal.silence":         {"Silence": 9},
		"refusal.problem.unknown": {"Problem": 99},
		"refusal.problem.over":    {"Problem": 12, "At": ago(time.Hour)},
		"refusal.problem.taken":   {"Problem": 12, "By": "Анна", "Until": now.Add(time.Hour)},
		"refusal.escalation.none": nil,
		"refusal.escalation.all":  {"Problem": 12},
		"usage.limits":            {"Word": "isp1"},
		"trouble.never":           nil, // answer of check and list before the first reading
		"trouble.locked":          nil,
		"trouble.unseen":          nil, // answer of list about sites that were never probed
		"trouble.inside":          nil,
		"usage.older":             {"Word": "month"},
		"refusal.yesterday":       nil,
		"usage.delivery":          {"Word": "retyr"},
	}
}
