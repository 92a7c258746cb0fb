package compose

import (
	"slices"
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// Refusal says why a request is refused, in its first line, and offers what may have
// been meant.
func Refusal(w Writer, text string, offers ...reports.Action) reports.Message {
	title, more, _ := strings.Cut(text, "\n")
	m := w.message(reports.Plain, title)
	if more != "" {
		m.Sections = []reports.Section{{Text: more, Folded: len(offers) > 0}} // buttons say it shorter
	}
	m.Actions = offers
	return m
}

// Person is who asks, by stable id, role and the address of the chat.
type Person struct {
	ID, Role, Chat string
}

// Whoami returns a person's id, role and chat.
func Whoami(w Writer, p Person) reports.Message {
	m := w.message(reports.Plain, w.Say("whoami.title", i18n.Args{"Person": p.ID, "Role": w.Say("role." + p.Role)}))
	m.Sections = []reports.Section{{Text: w.Say("whoami.chat", i18n.Args{"Chat": p.Chat})}}
	return m
}

// LanguageSet confirms the chosen language, in that language.
func LanguageSet(w Writer) reports.Message { return w.message(reports.Plain, w.Say("lang.set")) }

// Help lists commands by name. At a console it adds the word that leaves it,
// which a chat does not have.
func Help(w Writer, commands []string, atConsole bool) reports.Message {
	m := w.message(reports.Plain, w.Say("help.title"))
	section := reports.Section{}
	if atConsole {
		commands = append(slices.Clone(commands), "quit")
	}
	for _, c := range commands {
		section.Items = append(section.Items, reports.Item{Text: w.Say("help." + c + ".usage"), Note: w.Say("help." + c + ".text")})
	}
	m.Sections = []reports.Section{section, {Text: w.Say("help.more")}}
	return m
}

// HelpTopic explains one command.
func HelpTopic(w Writer, command string) reports.Message {
	m := w.message(reports.Plain, w.Say("help."+command+".usage"))
	m.Sections = []reports.Section{{Text: w.Say("help." + command + ".text")}, {Text: w.Say("help." + command + ".details")}}
	return m
}

// HelpCode says what a code means, whatever the site, and the next step.
func HelpCode(w Writer, code checks.Code) reports.Message {
	about := CodeHelp(w, code)
	m := w.message(reports.Plain, string(code)+" — "+about.Title)
	m.Sections = []reports.Section{{Text: about.Text}, {Text: w.Say("next.line", i18n.Args{"Step": about.Next.Text, "Who": w.Say("who." + string(about.Next.Who))})}}
	return m
}

// About is what a code means.
type About struct {
	Title, Text string
	Next        reports.NextStep
}

// CodeHelp returns what a code means, whatever the site.
func CodeHelp(w Writer, code checks.Code) About {
	key := "code." + string(code)
	explain := key + ".explain"
	if general := key + ".general"; w.Has(general) { // the explanation is about one site's figures
		explain = general
	}
	return About{Title: w.title(code), Text: w.Say(explain), Next: reports.NextStep{Who: code.Who(), Text: w.Say(key + ".next")}}
}

// StopTask says that a task is being stopped; if it is not open, that it had
// ended before.
func StopTask(w Writer, task string, open bool) reports.Message {
	key := "stop.over"
	if open {
		key = "stop.soon"
	}
	return w.message(reports.Plain, w.Say(key, i18n.Args{"Task": task}))
}

// Stopped says that a task was stopped before it had a result.
func Stopped(w Writer) reports.Message {
	return w.message(reports.Plain, w.Say("task.stopped"))
}
