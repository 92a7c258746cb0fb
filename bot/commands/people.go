package commands

import (
	"context"
	"slices"
	"strings"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// WhoamiData is the JSON of whoami.
type WhoamiData struct {
	Person   string `json:"person"`
	Role     string `json:"role"`
	Chat     string `json:"chat"`
	Language string `json:"language"`
}

// whoami answers with the id that the configuration wants.
func whoami(_ context.Context, r bot.Request) (bot.Answer, error) {
	if err := noWords("whoami", r); err != nil {
		return bot.Answer{}, err
	}
	data := WhoamiData{Person: r.Person, Role: r.Role.String(), Chat: r.Chat.String(), Language: r.Locale.Language()}
	return bot.Answer{Message: compose.Whoami(r.Writer(), compose.Person{ID: r.Person, Role: r.Role.String(), Chat: r.Chat.String()}), Data: data}, nil
}

// languages changes in which language a chat is spoken to.
type languages struct {
	journal *journal.Journal
	people  *people.Directory
}

// lang changes the language of a chat; in a group that takes an operator, for
// it changes what the others read.
func (l languages) lang(ctx context.Context, r bot.Request) (bot.Answer, error) {
	known := l.people.Bundle.Languages()
	if len(r.Words) != 1 || !slices.Contains(known, strings.ToLower(r.Words[0])) {
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultUsage, Key: "usage.lang", Args: i18n.Args{"Languages": strings.Join(known, ", ")}}
	}
	if !r.Private && r.Role < bot.Operator {
		return bot.Answer{}, bot.NotAllowed(r, "lang", bot.Operator)
	}
	language := strings.ToLower(r.Words[0])
	if err := l.journal.SetLanguage(ctx, r.Chat.String(), language); err != nil {
		return bot.Answer{}, err
	}
	err := l.journal.Audit(ctx, *people.Entry(r, bot.NewAct("lang", language, bot.ResultOK)))
	r.Locale = l.people.Bundle.Locale(language, l.people.Zone)
	return bot.Answer{
		Message: compose.LanguageSet(r.Writer()),
		Data:    WhoamiData{Person: r.Person, Role: r.Role.String(), Chat: r.Chat.String(), Language: language},
	}, err
}

// HelpData is the JSON of help.
type HelpData struct {
	Commands []HelpItem `json:"commands"`
	Code     *HelpCode  `json:"code,omitempty" jsonschema:"in the answer to help CODE"`
}

// HelpCode is what a code of a problem means, whatever the site.
type HelpCode struct {
	Code  checks.Code      `json:"code"`
	Title string           `json:"title"`
	Text  string           `json:"text"`
	Next  reports.NextStep `json:"next"`
}

// HelpItem is one command.
type HelpItem struct {
	Command string `json:"command"`
	Usage   string `json:"usage"`
	Text    string `json:"text"`
}

// help lists the commands that the one who asks may use, or explains one, or a code.
func (c *Commands) help(_ context.Context, r bot.Request) (bot.Answer, error) {
	if len(r.Words) == 1 && slices.Contains(checks.Codes(), checks.Code(strings.ToLower(r.Words[0]))) {
		return helpCode(r, checks.Code(strings.ToLower(r.Words[0]))), nil
	}
	var known []string
	data := HelpData{Commands: []HelpItem{}}
	list := c.list
	if len(r.Words) == 0 {
		list = c.offered()
	}
	for _, x := range list {
		if r.Role < x.Role || (len(r.Words) > 0 && r.Words[0] != x.Name) {
			continue
		}
		known = append(known, x.Name)
		data.Commands = append(data.Commands, HelpItem{x.Name, r.Locale.Say("help." + x.Name + ".usage"), r.Locale.Say("help." + x.Name + ".text")})
	}
	if r.Talks && len(r.Words) > 0 && slices.Contains(leaving(r.Locale), r.Words[0]) {
		data.Commands = append(data.Commands, HelpItem{"quit", r.Locale.Say("help.quit.usage"), r.Locale.Say("help.quit.text")})
		return bot.Answer{Message: compose.HelpTopic(r.Writer(), "quit"), Data: data}, nil
	}
	if len(known) == 0 {
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultUsage, Key: "refusal.command", Args: i18n.Args{"Command": bot.Short(r.Words[0])}}
	}
	if len(r.Words) > 0 {
		return bot.Answer{Message: compose.HelpTopic(r.Writer(), known[0]), Data: data}, nil
	}
	return bot.Answer{Message: compose.Help(r.Writer(), known, r.Talks), Data: data}, nil
}

func helpCode(r bot.Request, code checks.Code) bot.Answer {
	about := compose.CodeHelp(r.Writer(), code)
	return bot.Answer{Message: compose.HelpCode(r.Writer(), code),
		Data: HelpData{Commands: []HelpItem{}, Code: &HelpCode{Code: code, Title: about.Title, Text: about.Text, Next: about.Next}}}
}

// leaving are the words that leave a console, which is not a command.
func leaving(l *i18n.Locale) []string { return []string{"quit", "exit", l.Say("help.quit.usage")} }

// Menu lists the commands with one line each, for a messenger's own menu.
func (c *Commands) Menu(l *i18n.Locale) [][2]string {
	var menu [][2]string
	for _, x := range c.offered() {
		menu = append(menu, [2]string{x.Name, l.Say("help." + x.Name + ".text")})
	}
	return menu
}
