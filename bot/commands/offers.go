package commands

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// guide finds what may have been meant by words that were not understood.
type guide struct {
	commands *Commands
	said     said
	asked    bot.Request
}

// offered returns a refusal with buttons for what was probably meant: a messenger's
// menu sends commands bare, and on a phone nobody likes to type. Refusals that have
// buttons already, and those that are not about words, stay as they are.
func (g guide) offered(ctx context.Context, refusal *bot.Refusal) error {
	if refusal.Offers != nil {
		return refusal
	}
	told := *refusal
	if slices.Contains([]string{"silence", "hand", "escalate"}, g.said.name) && refusal.Code == bot.ResultUsage {
		return g.aboutProblems(ctx, told)
	}
	switch refusal.Code {
	case bot.ResultUnknownCommand:
		return g.nearest(told)
	case bot.ResultUsage:
		told.Offers = g.offers()
	}
	return &told
}

// offers are the complete forms of a command whose words were not understood.
func (g guide) offers() []reports.Action {
	say := func(key, command string) reports.Action { return offer(g.asked.Locale.Say(key), command) }
	switch g.said.name {
	case "list":
		return g.lists()
	case "check", "why":
		return g.sites()
	case "status", "limits":
		return g.servers()
	case "chart":
		return g.charts()
	case "plan":
		return []reports.Action{say("action.reissue", "plan reissue")}
	case "report":
		return []reports.Action{say("action.daily", "report "+bot.Daily), say("action.weekly", "report "+bot.Weekly)}
	case "cancel":
		return []reports.Action{say("action.pending", "cancel authz all")}
	case "lang":
		var all []reports.Action
		for _, language := range g.commands.People.Bundle.Languages() {
			all = append(all, offer(g.commands.People.Bundle.Locale(language, nil).Say("lang.name"), "lang "+language))
		}
		return all
	case "help":
		return g.helps()
	case "sweep", "whoami", "audit": // they need no words
		return []reports.Action{offer(shown(g.said.name, g.asked.Locale), g.said.name)}
	}
	return nil
}

// helps are the code that a word was probably meant to be, and help itself.
func (g guide) helps() []reports.Action {
	var codes []string
	for _, code := range checks.Codes() {
		codes = append(codes, string(code))
	}
	word := shown("help", g.asked.Locale)
	all := []reports.Action{offer(word, "help")}
	if near := nearestWord(g.said.words, codes); near != "" {
		all = append([]reports.Action{offer(word+" "+near, "help "+near)}, all...)
	}
	return all
}

func offer(label, command string) reports.Action {
	return reports.Action{Label: label, Command: command}
}

// lists are the lists that have rows, with their numbers; first the one whose
// name is nearest to a word that is none.
func (g guide) lists() []reports.Action {
	kinds := slices.DeleteFunc(slices.Clone(reports.Lists()), func(kind string) bool { return reports.SinceYesterday(kind) || kind == "sites" })
	if near := nearestWord(g.said.words, g.commands.words.about(kinds)); near != "" {
		meant := g.commands.words[near]
		kinds = append([]string{meant}, slices.DeleteFunc(kinds, func(kind string) bool { return kind == meant })...)
	}
	var all []reports.Action
	for _, kind := range kinds {
		readable, _, err := split(g.commands.Watch.States(), listRequest{kind: kind})
		n := 0
		for _, server := range readable {
			n += len(server.List(kind))
		}
		if err == nil && n > 0 {
			all = append(all, offer(g.asked.Locale.Say("cause.count", i18n.Args{"What": g.asked.Locale.Say("list.label." + kind), "N": n}), "list "+kind))
		}
	}
	return all
}

// charts are the kinds of charts, first the one whose name is nearest to a word that
// is none.
func (g guide) charts() []reports.Action {
	kinds := reports.Charts()
	if near := nearestWord(g.said.words, g.commands.words.about(kinds)); near != "" {
		meant := g.commands.words[near]
		kinds = append([]string{meant}, slices.DeleteFunc(kinds, func(kind string) bool { return kind == meant })...)
	}
	var all []reports.Action
	for _, kind := range kinds {
		all = append(all, offer(compose.ChartName(g.asked.Writer(), kind), "chart "+kind))
	}
	return all
}

// offeredSites is how many sites are offered to somebody who names none.
const offeredSites = 4

// sites are the worst sites with problems, and the list of them all.
func (g guide) sites() []reports.Action {
	readable, _, err := split(g.commands.Watch.States(), listRequest{kind: "trouble"})
	if err != nil {
		return nil
	}
	rows := reports.List("trouble", readable, reports.Filter{})
	var all []reports.Action
	for _, row := range rows[:min(offeredSites, len(rows))] {
		all = append(all, offer(checks.ToUnicode(row.Domain), g.said.name+" "+row.Domain))
	}
	if len(rows) > offeredSites {
		all = append(all, offer(g.asked.Locale.Say("cause.count", i18n.Args{"What": g.asked.Locale.Say("action.trouble"), "N": len(rows)}), "list trouble"))
	}
	return all
}

// servers are the panels, where there are several.
func (g guide) servers() []reports.Action {
	servers := serverNames(g.commands.Watch.States())
	all := []reports.Action{}
	for _, name := range servers[:min(offeredServers, len(servers))] {
		all = append(all, offer(name, g.said.name+" server="+name))
	}
	return all
}

// offeredServers is how many panels are offered.
const offeredServers = 10

// nearest offers the command that an unknown word resembles, with the words behind
// it; for the name of a site alone, its check.
func (g guide) nearest(told bot.Refusal) *bot.Refusal {
	told.Offers = []reports.Action{offer(shown("help", g.asked.Locale), "help")}
	if near := nearestWord([]string{g.said.name}, g.commands.words.about(g.names())); near != "" {
		told.Key, told.Args = "refusal.nearest", i18n.Args{"Command": bot.Short(g.said.typed), "Near": near}
		told.Offers = append([]reports.Action{offer(strings.TrimSpace(near+" "+bot.Short(strings.Join(g.said.typedWords, " "))),
			strings.TrimSpace(g.commands.words[near]+" "+strings.Join(g.said.words, " ")))}, told.Offers...)
		return &told
	}
	if name, err := checks.ParseName(g.said.name); err == nil && len(g.said.words) == 0 {
		if site, known := lookUp(name, g.commands.Watch.States()); known {
			told.Offers = append([]reports.Action{offer(shown("check", g.asked.Locale)+" "+checks.ToUnicode(name), "check "+site.Subject.Site.Name)}, told.Offers...)
		}
	}
	return &told
}

// names are the commands that the person may use.
func (g guide) names() []string {
	var names []string
	for _, x := range g.commands.list {
		if x.Role <= g.asked.Role {
			names = append(names, x.Name)
		}
	}
	return names
}

// about are the words that mean one of some things.
func (v vocabulary) about(meanings []string) []string {
	var words []string
	for word, meaning := range v {
		if slices.Contains(meanings, meaning) {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return words
}

// shown is the word for a command in somebody's language, as help has it.
func shown(name string, l *i18n.Locale) string {
	word, _, _ := strings.Cut(l.Say("help."+name+".usage"), " ")
	return word
}

// nearestWord is the word of a list that one of the typed ones was probably meant to
// be: at most a third of its letters differ. Empty: there is none.
func nearestWord(typed, known []string) string {
	best, least := "", 0
	for _, t := range typed {
		t = strings.ToLower(t)
		for _, word := range known {
			far := distance([]rune(t), []rune(word))
			length := utf8.RuneCountInString(word)
			if far > 0 && far <= length/3 && (best == "" || far < least) {
				best, least = word, far
			}
		}
	}
	return best
}

// distance is how many letters are to be inserted, removed, replaced or exchanged
// with their neighbour to make one word of the other.
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			row[j+1] = min(last[j+1], row[j]) + 1
			if a[i] == b[j] {
				row[j+1] = min(row[j+1], last[j])
			} else {
				row[j+1] = min(row[j+1], last[j]+1)
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
