package bot

import (
	"context"
	"slices"
	"strings"

	"domovoy/i18n"
	"domovoy/reports/compose"
)

// WhoamiData is the JSON of whoami.
type WhoamiData struct {
	Person   string `json:"person"`
	Role     string `json:"role"`
	Chat     string `json:"chat"`
	Language string `json:"language"`
}

// whoami answers with the id that the configuration wants.
func whoami(_ context.Context, _ *Bot, r Request) (Answer, error) {
	if err := noWords("whoami", r); err != nil {
		return Answer{}, err
	}
	data := WhoamiData{Person: r.Person, Role: r.Role.String(), Chat: r.Chat.String(), Language: r.Locale.Language()}
	return Answer{Message: compose.Whoami(r.Writer(), compose.Person{ID: r.Person, Role: r.Role.String(), Chat: r.Chat.String()}), Data: data}, nil
}

// lang changes the language of a chat; in a group that takes an operator, for
// it changes what the others read.
func lang(ctx context.Context, b *Bot, r Request) (Answer, error) {
	languages := b.audience.Bundle.Languages()
	if len(r.Words) != 1 || !slices.Contains(languages, strings.ToLower(r.Words[0])) {
		return Answer{}, &Refusal{Code: ResultUsage, Key: "usage.lang", Args: i18n.Args{"Languages": strings.Join(languages, ", ")}}
	}
	if !r.Private && r.Role < Operator {
		return Answer{}, &Refusal{Code: ResultNotAllowed, Key: "refusal.role", Args: i18n.Args{
			"Command": "lang", "Needs": r.Locale.Say("role." + Operator.String()), "Role": r.Locale.Say("role." + r.Role.String())}}
	}
	language := strings.ToLower(r.Words[0])
	if err := b.journal.SetLanguage(ctx, r.Chat.String(), language); err != nil {
		return Answer{}, err
	}
	err := b.journal.Audit(ctx, r.entry("lang", language, ResultOK))
	r.Locale = b.audience.Bundle.Locale(language, b.audience.Zone)
	return Answer{
		Message: compose.LanguageSet(r.Writer()),
		Data:    WhoamiData{Person: r.Person, Role: r.Role.String(), Chat: r.Chat.String(), Language: language},
	}, err
}

// HelpData is the JSON of help.
type HelpData struct {
	Commands []HelpItem `json:"commands"`
}

// HelpItem is one command.
type HelpItem struct {
	Command string `json:"command"`
	Usage   string `json:"usage"`
	Text    string `json:"text"`
}

// help lists the commands that the one who asks may use, or explains one.
func help(_ context.Context, _ *Bot, r Request) (Answer, error) {
	var known []string
	data := HelpData{Commands: []HelpItem{}}
	for _, c := range Commands() {
		if r.Role < c.Role || (len(r.Words) > 0 && r.Words[0] != c.Name) {
			continue
		}
		known = append(known, c.Name)
		data.Commands = append(data.Commands, HelpItem{c.Name, r.Locale.Say("help." + c.Name + ".usage"), r.Locale.Say("help." + c.Name + ".text")})
	}
	if len(known) == 0 {
		return Answer{}, &Refusal{Code: ResultUsage, Key: "refusal.command", Args: i18n.Args{"Command": shown(r.Words[0])}}
	}
	if len(r.Words) > 0 {
		return Answer{Message: compose.HelpTopic(r.Writer(), known[0]), Data: data}, nil
	}
	return Answer{Message: compose.Help(r.Writer(), known, r.Talks), Data: data}, nil
}

// Menu gives the commands with one line each, for a messenger's own menu.
func Menu(l *i18n.Locale) [][2]string {
	var menu [][2]string
	for _, c := range Commands() {
		menu = append(menu, [2]string{c.Name, l.Say("help." + c.Name + ".text")})
	}
	return menu
}
